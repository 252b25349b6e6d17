"""Records that the fold must step over (`quarantine.v1`): written after a record has killed a worker three times."""

import msgspec


class Quarantined(msgspec.Struct, frozen=True):
    """One record, by its place; what stood in it is not repeated."""

    v: int
    topic: str
    partition: int
    offset: int
    at: int
    """Unix milliseconds."""
    reason: str
    """Type of the error, without its message."""
