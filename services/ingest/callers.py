"""Caller groups leave ingest only as hourly counters: home area's child area x need of level 2 x group."""

from collections import Counter
from collections.abc import Iterator

import msgspec

from schemas.caller_counts import CallerCell, CallerCounts
from schemas.codes import CONTACTS, UNMAPPED, unmapped_area
from schemas.log_record import VERSION
from schemas.reference import Reference
from services.ingest.translation import HOUR_MS, Accepted

ATTRIBUTES = ("age_band", "gender", "language")
SETTLE_MS = 5 * 60 * 1000
"""An hour is written when it has been over for so long."""
MAX_CELLS = 100_000
RECORD_CELLS = 5_000
"""A record with more would come near the largest that the topic takes (a cell has at most 200 bytes)."""

Cell = tuple[str, int, str, str, str, str]
"""Home area, hour (ms), area, need, attribute, group."""


class CallerCounter:
    """Counts the callers of calls that Kafka has, and hands out the hours that are over."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._parents = {need.code: need.parent for need in reference.needs}
        self._cells: Counter[Cell] = Counter()
        self.dropped = 0
        """Callers not counted because too many cells are open."""

    def count(self, accepted: Accepted) -> None:
        """One call; only its first form counts, because a revision cannot take a group back."""
        if accepted.caller is None or accepted.call.revision or accepted.call.void:
            return
        if len(self._cells) >= MAX_CELLS:
            self.dropped += 1
            return
        call, home = accepted.call, accepted.home_area
        area = self._child_area(call.area, home)
        hour = call.time - call.time % HOUR_MS
        needs = {self._level_two(code) for code in call.codes()} | {CONTACTS}
        for attribute in ATTRIBUTES:
            group = getattr(accepted.caller, attribute)
            if group is not None:
                self._cells.update({(home, hour, area, need, attribute, group): call.count for need in needs})

    def take(self, now_ms: int | None) -> Iterator[tuple[str, bytes]]:
        """Home area and records of every hour that is over; of all hours when `now_ms` is None."""
        over = [cell for cell in self._cells if now_ms is None or cell[1] + HOUR_MS + SETTLE_MS <= now_ms]
        hours: dict[tuple[str, int], list[CallerCell]] = {}
        for cell in sorted(over):
            home, hour, area, need, attribute, group = cell
            counted = CallerCell(area, need, attribute, group, self._cells.pop(cell))
            hours.setdefault((home, hour), []).append(counted)
        for (home, hour), cells in hours.items():
            for first in range(0, len(cells), RECORD_CELLS):
                part = tuple(cells[first : first + RECORD_CELLS])
                yield home, msgspec.json.encode(CallerCounts(VERSION, home, hour, part))

    def _child_area(self, area: str | None, home: str) -> str:
        """The ancestor right below the home area."""
        if area is None or area not in self._reference.area_by_code:
            return unmapped_area(home)
        path = self._reference.area_path(area)
        return path[-2] if len(path) > 1 else home

    def _level_two(self, code: str) -> str:
        """The ancestor on the second level of the need tree."""
        if code not in self._parents:
            return UNMAPPED
        path = [code]
        while parent := self._parents[path[-1]]:
            path.append(parent)
        return path[-2] if len(path) > 1 else code
