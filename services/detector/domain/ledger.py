"""The ledger: counts per (leaf, source, line) of each hour that is not sealed yet, and which calls were counted.

A call counts once in each of its needs and once in each common ancestor: +1 at each distinct need, -1 at the lowest
common ancestor of neighbours. A higher revision replaces, void takes back, a repeat changes nothing.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import HOUR_MS

REMEMBERED_HOURS = 72

Above = Callable[[int], NDArray[np.int64]]
"""Leaf -> nodes that it counts in."""

Outcome = Literal["counted", "revised", "revised_after_seal", "late_after_seal"]


class Booked(NamedTuple):
    """Where a call was counted. `leaves` holds a leaf's number for +1 and its complement (~leaf) for -1."""

    revision: int
    bucket: int
    feed: int
    calls: int
    leaves: tuple[int, ...]


@dataclass
class Hour:
    """One bucket that is not sealed."""

    cells: dict[tuple[int, int], int] = field(default_factory=dict)
    """Calls by (leaf, feed); zeros are left out."""
    heard: dict[int, int] = field(default_factory=dict)
    """Contacts by feed."""
    counts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Calls of each node: the roll-up of the cells, kept current by `Ledger.roll_up`."""

    def widened(self, size: int) -> NDArray[np.float64]:
        """Counts with room for every node."""
        if len(self.counts) < size:
            self.counts = np.concatenate([self.counts, np.zeros(size - len(self.counts))])
        return self.counts


class Late(NamedTuple):
    """A change to an hour that was sealed before: for the series and a metric, not for learning."""

    bucket: int
    leaf: int
    calls: int


@dataclass
class Ledger:
    """Open and closed hours of one home area, down to the seal."""

    sealed_until: int
    """First bucket that is not sealed."""
    hours: dict[int, Hour] = field(default_factory=dict)
    seen: dict[int, dict[int, Booked]] = field(default_factory=dict)
    """By hour of log time, then by hashed id."""
    late: list[Late] = field(default_factory=list)
    """Changes to sealed hours since the last roll-up."""
    seal_hours: int = 6
    """After so many hours a bucket is to be sealed; follows the slowest feed."""
    _pending: dict[tuple[int, int], int] = field(default_factory=dict)
    _where: dict[int, int] = field(default_factory=dict)
    """Hour of log time by hashed id: where to find it in `seen`."""

    def __post_init__(self) -> None:
        self._where = {call_id: hour for hour, calls in self.seen.items() for call_id in calls}

    def find(self, call_id: int) -> tuple[int, Booked] | None:
        """Log hour and booking of a call that was counted in the last 72 hours."""
        log_hour = self._where.get(call_id)
        return None if log_hour is None else (log_hour, self.seen[log_hour][call_id])

    def repeats(self, call_id: int, revision: int) -> bool:
        """Whether this revision of a call, or a later one, was counted before."""
        found = self.find(call_id)
        return found is not None and revision <= found[1].revision

    def count(self, call_id: int, logged_at: int, booked: Booked, late_before: int = 0) -> Outcome:
        """Count a call that is no repeat, or replace an earlier revision of it.

        Its own stamp decides whether it is late: buckets before `late_before` were to be sealed when it was logged,
        even if nothing has made this home area look since.
        """
        found = self.find(call_id)
        late_before = max(late_before, self.sealed_until)
        if found is None:
            self._where[call_id] = log_hour = logged_at // HOUR_MS
            self.seen.setdefault(log_hour, {})[call_id] = booked
            self._book(booked, 1, late_before)
            return "counted" if booked.bucket >= late_before else "late_after_seal"
        log_hour, old = found
        if old.bucket < late_before:
            self.seen[log_hour][call_id] = old._replace(revision=booked.revision)
            return "revised_after_seal"
        new = booked._replace(bucket=old.bucket)
        self._book(old, -1, late_before)
        self._book(new, 1, late_before)
        self.seen[log_hour][call_id] = new
        return "revised"

    def heard(self, bucket: int) -> dict[int, int]:
        """Contacts by feed in a bucket that is not sealed, those included that wait for the next roll-up."""
        hour = self.hours.get(bucket)
        return {} if hour is None else hour.heard

    def _book(self, booked: Booked, sign: int, late_before: int) -> None:
        if booked.leaves and booked.bucket >= late_before:
            heard = self.hours.setdefault(booked.bucket, Hour()).heard
            heard[booked.feed] = heard.get(booked.feed, 0) + sign * booked.calls
        for place in booked.leaves:
            leaf, change = (place, sign * booked.calls) if place >= 0 else (~place, -sign * booked.calls)
            if booked.bucket < late_before:
                self.late.append(Late(booked.bucket, leaf, change))
                continue
            self.add(booked.bucket, leaf, booked.feed, change)

    def add(self, bucket: int, leaf: int, feed: int, change: int) -> None:
        """Change one cell; the node counts follow at the next roll-up."""
        cells = self.hours.setdefault(bucket, Hour()).cells
        total = cells.get((leaf, feed), 0) + change
        if total:
            cells[leaf, feed] = total
        else:
            cells.pop((leaf, feed), None)
        self._pending[bucket, leaf] = self._pending.get((bucket, leaf), 0) + change

    def take_back(self, buckets: range, feeds: set[int]) -> None:
        """Forget what some feeds brought for some buckets; what is not sealed is counted no more."""
        for bucket in (bucket for bucket in self.hours if bucket in buckets):
            hour = self.hours[bucket]
            for leaf, feed in [cell for cell in hour.cells if cell[1] in feeds]:
                self.add(bucket, leaf, feed, -hour.cells[leaf, feed])
            for feed in feeds:
                hour.heard.pop(feed, None)
        for calls in self.seen.values():
            gone = [one for one, booked in calls.items() if booked.feed in feeds and booked.bucket in buckets]
            for call_id in gone:
                del calls[call_id], self._where[call_id]

    @property
    def pending(self) -> bool:
        """Whether something changed since the last roll-up."""
        return bool(self._pending) or bool(self.late)

    def take_late(self) -> list[Late]:
        """Changes to sealed hours, once; those of hours that are still to be sealed wait for it."""
        taken = [late for late in self.late if late.bucket < self.sealed_until]
        self.late = [late for late in self.late if late.bucket >= self.sealed_until]
        return taken

    def waiting(self) -> list[int]:
        """Buckets down to the seal that changed since the last roll-up."""
        return sorted({bucket for bucket, _ in self._pending if bucket >= self.sealed_until})

    def unbooked(self) -> list[list[list[int]]]:
        """Changes since the last roll-up, for a snapshot: those of sealed hours, and those of others."""
        return [[list(late) for late in self.late], [[*place, change] for place, change in self._pending.items()]]

    def book_again(self, unbooked: list[list[list[int]]]) -> None:
        """After a restore: these changes stand in the cells, but nobody has looked at them yet."""
        late, pending = unbooked
        self.late = [Late(*row) for row in late]
        self._pending = {(bucket, leaf): change for bucket, leaf, change in pending}

    def roll_up(self, above: Above, size: int) -> dict[int, set[int]]:
        """Bring node counts up to date; returns the nodes that changed, by bucket."""
        changed: dict[int, set[int]] = {}
        for (bucket, leaf), change in self._pending.items():
            if bucket < self.sealed_until:
                continue
            nodes = above(leaf)
            self.hours[bucket].widened(size)[nodes] += change
            changed.setdefault(bucket, set()).update(nodes.tolist())
        self._pending.clear()
        return changed

    def counts(self, bucket: int, size: int) -> NDArray[np.float64]:
        """Calls of each node in a bucket that is not sealed."""
        hour = self.hours.get(bucket)
        return np.zeros(size) if hour is None else hour.widened(size)

    def seal(self, bucket: int) -> Hour:
        """Take a bucket out; from now on changes to it are late."""
        self.sealed_until = bucket + 1
        return self.hours.pop(bucket, Hour())

    def forget(self, log_time: int) -> None:
        """Drop the memory of calls that were logged more than 72 hours ago."""
        oldest = log_time // HOUR_MS - REMEMBERED_HOURS
        for log_hour in [hour for hour in self.seen if hour < oldest]:
            for call_id in self.seen.pop(log_hour):
                del self._where[call_id]

    def hear_again(self, contacts: Container[int]) -> None:
        """Contacts by feed again, from the cells of the leaves that hold them."""
        for hour in self.hours.values():
            hour.heard = {}
            for (leaf, feed), calls in hour.cells.items():
                if leaf in contacts:
                    hour.heard[feed] = hour.heard.get(feed, 0) + calls

    def rebuild_counts(self, above: Above, size: int) -> None:
        """Node counts again from the cells, without the changes that wait for the next roll-up."""
        for bucket, hour in self.hours.items():
            hour.counts = np.zeros(size)
            for (leaf, _), calls in hour.cells.items():
                hour.counts[above(leaf)] += calls
            for (waiting, leaf), change in self._pending.items():
                if waiting == bucket:
                    hour.counts[above(leaf)] -= change


def bookings(leaves: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """The compact form of (leaf, +1 or -1) pairs."""
    return tuple(leaf if sign > 0 else ~leaf for leaf, sign in leaves)
