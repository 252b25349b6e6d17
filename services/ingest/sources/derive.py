"""Trees from an export: the areas and needs that its own texts name. A start for a real reference folder."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from schemas.reference import Area, Need, Reference
from services.ingest.sources.errors import BadExport
from services.ingest.sources.interpret import Label
from services.ingest.sources.mapping import Labels
from services.ingest.sources.spec import Home

MAX_POINTS = 2000
"""Coordinates kept of one area: enough for a middle."""


@dataclass
class _Tree:
    """What was said of each code: its texts and the codes above it, with how often."""

    texts: dict[str, Counter[str]] = field(default_factory=dict)
    parents: dict[str, Counter[str]] = field(default_factory=dict)

    def see(self, path: tuple[Label, ...], root: str) -> None:
        above = root
        for label in path:
            if label.code != root:
                self.texts.setdefault(label.code, Counter())[label.text] += 1
                self.parents.setdefault(label.code, Counter())[above] += 1
                above = label.code

    def rows(self, root: str) -> list[tuple[str, str, str]]:
        """(code, parent, text) by code, parents first; the usual parent and text stand for all."""
        parents = {code: _usual(seen) for code, seen in self.parents.items()}
        for code in sorted(parents):
            _break_ring(code, parents, root)
        depths = {code: _depth(code, parents) for code in parents}
        ordered = sorted(parents, key=lambda one: (depths[one], one))
        return [(code, parents[code], _usual(self.texts[code])) for code in ordered]


def derive_reference(home: Home | None, rows: Iterable[Labels]) -> tuple[Reference, tuple[int, int]]:
    """Areas with a middle and needs, as an export names them, and the first and last year it speaks of.

    Args:
        home: of the mapping.
        rows: `Mapping.labels`.

    Raises:
        BadExport: the mapping names no home area, or the export holds no row.
    """
    if home is None:
        raise BadExport("the mapping has no [home] table, so the home area is not known")
    areas, needs = _Tree(), _Tree()
    points: dict[str, list[tuple[float, float]]] = {home.code: []}
    first, last = "9", ""
    line_of: dict[str, str] = {}
    for row in rows:
        areas.see(row.area, home.code)
        for path in row.needs:
            needs.see(path, home.needs_under)
            line_of.setdefault(path[-1].code, row.line)
        if row.point:
            for code in {home.code, *(label.code for label in row.area)}:
                kept = points.setdefault(code, [])
                if len(kept) < MAX_POINTS:
                    kept.append(row.point)
        first, last = min(first, row.time), max(last, row.time)
    if not last:
        raise BadExport("the export holds no row that gives a call")
    tree = [(home.code, "", home.name), *areas.rows(home.code)]
    return (
        Reference(
            tuple(Area(code, parent, name, *_middle(points.get(code)), home.zone) for code, parent, name in tree),
            tuple(
                Need(code, parent, name, name, name, line_of.get(code, ""))
                for code, parent, name in needs.rows(home.needs_under)
            ),
        ),
        (int(first[:4]), int(last[:4])),
    )


def _usual(seen: Counter[str]) -> str:
    """The most frequent; among equals the first in the alphabet, so that the order of rows does not matter."""
    return min(seen, key=lambda one: (-seen[one], one))


def _break_ring(code: str, parents: dict[str, str], root: str) -> None:
    """A code that stands above itself goes to the top."""
    passed = {code}
    above = parents[code]
    while above in parents:
        if above in passed:
            parents[code] = root
            return
        passed.add(above)
        above = parents[above]


def _depth(code: str, parents: dict[str, str]) -> int:
    depth = 0
    while code in parents:
        code, depth = parents[code], depth + 1
    return depth


def _middle(points: list[tuple[float, float]] | None) -> tuple[float | None, float | None]:
    if not points:
        return None, None
    return round(median(one[0] for one in points), 5), round(median(one[1] for one in points), 5)
