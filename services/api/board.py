"""The board of a declared event: each need against what is normal, and against the period before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from schemas.codes import CONTACTS
from services.api.codebook import Codebook
from services.api.tables import nodes, points

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period, ms; `end` lies at log time at the latest."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Calls of a need or an area in a stretch."""

    observed: int = 0
    expected: float = 0.0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.observed + other.observed, self.expected + other.expected)

    def shown(self) -> dict[str, Any]:
        """With the ratio."""
        ratio = round(self.observed / self.expected, 2) if self.expected > 0 else None
        return {"observed": self.observed, "expected": round(self.expected, 2), "ratio": ratio}


Cells = dict[tuple[str, str], Sum]
"""By need and area."""


def sums(
    connection: Connection, stretch: Stretch, *, needs: Sequence[str], areas: Sequence[str], zone_home: Sequence[str]
) -> Cells:
    """What was counted in the stretch, of each need in each area. Hours in which nothing was told add nothing."""
    query = (
        select(
            nodes.c.need,
            nodes.c.area,
            func.sum(points.c.observed).label("observed"),
            func.sum(points.c.expected).label("expected"),
        )
        .select_from(nodes.join(points, points.c.node == nodes.c.id))
        .where(
            nodes.c.need.in_(sorted(needs)),
            nodes.c.area.in_(sorted(areas)),
            nodes.c.home_area.in_(sorted(zone_home)),
            points.c.start > stretch.start - HOUR_MS,
            points.c.start < stretch.end,
        )
        .group_by(nodes.c.need, nodes.c.area)
    )
    return {(row.need, row.area): Sum(int(row.observed), float(row.expected)) for row in connection.execute(query)}


def board_needs(book: Codebook, needs: Iterable[str]) -> list[str]:
    """The rows: the event's own needs, else the needs at level 2; all contacts come first."""
    wanted = sorted(needs) or sorted(book.groups)
    return [CONTACTS, *wanted]


def of_needs(cells: Cells, needs: Sequence[str]) -> dict[str, Sum]:
    """Added up over the areas, which do not overlap."""
    found = dict.fromkeys(needs, Sum())
    for (need, _), one in cells.items():
        if need in found:
            found[need] += one
    return found


def of_areas(cells: Cells, areas: Sequence[str], need: str) -> dict[str, Sum]:
    """One need, by area."""
    return {area: cells.get((need, area), Sum()) for area in areas}


def of_lifelines(found: dict[str, Sum], book: Codebook) -> dict[str, Sum]:
    """Added up by lifeline, where the tree of needs names one; a call with two needs counts in both."""
    lines: dict[str, Sum] = {}
    for need, one in found.items():
        lifeline = _lifeline(book, need)
        if lifeline:
            lines[lifeline] = lines.get(lifeline, Sum()) + one
    return lines


def _lifeline(book: Codebook, code: str) -> str | None:
    """Its own, or the nearest above it."""
    need = book.reference.need_by_code.get(code)
    while need is not None and not need.lifeline:
        need = book.reference.need_by_code.get(need.parent)
    return need.lifeline if need else None
