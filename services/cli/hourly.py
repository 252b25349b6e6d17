"""Calls summed up by hour, as history is told: each call once, by its highest revision. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from schemas.codes import CONTACTS, unmapped_area
from schemas.log_record import History, HistoryCell, LogCall
from schemas.reference import Reference
from services.cli.history_records import HOUR_MS, history_records
from services.detector.domain.tree import Tree

Place = tuple[str, str]
"""(home area, source)."""
Leaf = tuple[str, str, int, str]
"""(need, area, hour, line)."""
Booking = tuple[Leaf, int]
"""A leaf and +1, or -1 at the lowest common ancestor of two needs of one call, so that subtree sums count it once."""
NEAR_HOURS = 24
"""Files with no more than this between them tell of one stretch of time."""


class HourlyCounts:
    """Counts of any number of files. It remembers each id, about 250 bytes a call."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._needs = Tree((need.code, need.parent) for need in reference.needs)
        self._counts: dict[Place, Counter[Leaf]] = defaultdict(Counter)
        self._seen: dict[tuple[str, str], tuple[int, Place, tuple[Booking, ...], int]] = {}
        self._stretches: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._file: dict[str, tuple[int, int]] = {}
        self.duplicates = 0

    def begin_file(self) -> None:
        """What follows comes from another file, which has a stretch of time of its own."""
        for source, stretch in self._file.items():
            self._stretches[source].append(stretch)
        self._file = {}

    def add(self, call: LogCall, home_area: str) -> bool:
        """Counts a call; False when a call of this id and revision, or a later one, was counted before."""
        identity = (call.source, call.id)
        before = self._seen.get(identity)
        if before is not None and call.revision <= before[0]:
            self.duplicates += 1
            return False
        if before is not None:
            self._book(before[1], before[2], -before[3])
        place = (home_area, call.source)
        leaves = () if call.void else self._leaves(call, home_area)
        self._book(place, leaves, call.count)
        self._seen[identity] = (call.revision, place, leaves, call.count)
        hour = call.time // HOUR_MS
        first, end = self._file.get(call.source, (hour, hour + 1))
        self._file[call.source] = (min(first, hour), max(end, hour + 1))
        return True

    def records(self) -> Iterator[tuple[str, History]]:
        """(home area, record) for all that was counted, always in the same order."""
        self.begin_file()
        for (home_area, source), counts in sorted(self._counts.items()):
            cells = [HistoryCell(*leaf, count) for leaf, count in counts.items() if count]
            for start, end in merged(self._stretches[source]):
                within = [cell for cell in cells if start <= cell.hour < end]
                for record in history_records(source, within, start, end):
                    yield home_area, record

    def _leaves(self, call: LogCall, home_area: str) -> tuple[Booking, ...]:
        area = call.area
        if area is None or self._reference.home_area(area) is None:
            area = unmapped_area(home_area)
        hour = call.time // HOUR_MS
        bookings = [(CONTACTS, 1), *self._needs.distinct_bookings(call.codes())]
        return tuple(((need, area, hour, call.line), sign) for need, sign in bookings)

    def _book(self, place: Place, bookings: tuple[Booking, ...], count: int) -> None:
        counts = self._counts[place]
        for leaf, sign in bookings:
            counts[leaf] += sign * count


def merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of hours, those that touch, overlap or nearly do as one.

    >>> merged([(100, 200), (0, 50), (60, 120)])
    [(0, 200)]
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1] + NEAR_HOURS:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
