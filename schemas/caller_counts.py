"""Records of `callers.v1`: callers by group, counted at ingest per hour, child area and need of level 2 (msgspec)."""

import msgspec


class CallerCell(msgspec.Struct, frozen=True, array_like=True):
    """[area, need, attribute, group, count]: the attribute is age_band, gender or language."""

    area: str
    need: str
    attribute: str
    group: str
    count: int


class CallerCounts(msgspec.Struct, frozen=True):
    """What one ingest process counted in one hour; records of the same hour add up."""

    v: int
    home_area: str
    start: int
    """First moment of the hour, Unix milliseconds."""
    cells: tuple[CallerCell, ...]
