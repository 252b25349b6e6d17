"""Exposure: which part of the calls of an hour should be in by now, by source and from there by node.

Sources post late and desks close. The weekly profile knows the usual week; exposure (0..1) is what departs from it:
calls that are still on their way, a batch that has not landed, a desk that its opening hours say is closed, a line from
which nothing is heard although many contacts are usual. No exposure means that nothing can be said, not that nobody
called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.bank import Floats, Prediction
from services.detector.domain.batches import Batches
from services.detector.domain.lines import Run, copied, reroute
from services.detector.domain.moment import Moment
from services.detector.domain.sources import Sources

CHANGED = 0.02
"""A closed hour is scored again when what should be in has moved by more than this."""
NEARLY_ALL, SAME = 0.99, 0.005
LEAST = 1e-3

Row = tuple[float, ...]
Index = NDArray[np.int64]


@dataclass
class Exposure:
    """What should be in of the hours that are not sealed, and who usually tells of what."""

    closed_slots: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Slots of the week in which a source's desk is closed for the whole hour, by its opening hours."""
    sources: Sources = field(default_factory=Sources)
    of_feed: list[int] = field(default_factory=list)
    """Source by number of feed (source, line)."""
    runs: list[Run] = field(default_factory=list)
    """By source: its silent hours up to the seal."""
    runs_now: list[Run] = field(default_factory=list)
    """The same up to the last closed bucket, as it was last looked at."""
    batches: Batches = field(default_factory=Batches)
    rows: dict[int, Row] = field(default_factory=dict)
    """By bucket: what should be in of each source; all of it where no row is kept."""
    broken: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """By bucket: sources that nothing was heard from although they should have been."""

    def add_feed(self, source: str) -> None:
        """A pair of source and line is heard for the first time."""
        self.of_feed.append(self._number(source))

    def _number(self, source: str) -> int:
        number = self.sources.number(source)
        for runs in (self.runs, self.runs_now):
            runs += [Run() for _ in range(len(self.sources.names) - len(runs))]
        return number

    def told(self, rows: Sequence[tuple[NDArray[np.int64], str, int]], nodes: int) -> Floats:
        """Calls by node and source of (nodes above a leaf, source, calls)."""
        numbers = [self._number(source) for _, source, _ in rows]
        found = np.zeros((nodes, len(self.sources.names)))
        for (above, _, calls), number in zip(rows, numbers, strict=True):
            found[above, number] += calls
        return found

    def silent(self, bucket: int) -> bool:
        """Whether nothing was heard from any source although all should have been."""
        live = set(self.of_feed)
        return bool(live) and live == set(self.broken.get(bucket, ()))

    def expected(self, name: str, week_hour: int) -> float | None:
        """Contacts that a source should bring in an hour of this slot; None before its weeks are known."""
        if name not in self.sources.names:
            return None
        number = self.sources.number(name)
        if not self.sources.known(number):
            return None
        return 0.0 if self._closed(number, week_hour) else self.sources.expected(week_hour)[number]

    def rate(self, name: str) -> float:
        """Contacts that a source brings in an average hour."""
        if name not in self.sources.names:
            return 0.0
        number = self.sources.number(name)
        return float(self.sources.calls[number].sum() / max(float(self.sources.weeks[number].sum()), 1.0))

    def refresh(self, moment: Moment, *, whole: bool) -> set[int]:
        """What should be in by now, of the open bucket or of all that are not sealed; returns the buckets that changed.

        A closed bucket keeps its row while the new one is about the same: its scores need not be computed again.
        """
        changed = set()
        for source in self._live() if whole else ():
            if moment.feeds[self.sources.names[source]].delays.batch:
                self.batches.look(moment, self.sources, source)
            else:
                self.batches.forget(source)
        for bucket, (row, broken) in self._rows(moment, whole=whole).items():
            old = self.rows.get(bucket, (1.0,) * len(row))
            moved = max(map(abs, np.subtract(row, old + (1.0,) * (len(row) - len(old)))), default=0.0)
            same = moved <= (0.0 if bucket == moment.open_bucket else CHANGED)
            if not same or broken != self.broken.get(bucket, ()):
                self._keep(bucket, row, broken)
                changed.add(bucket)
        return changed

    def unlearn(self) -> None:
        """Forget what was learned of the sources; which of them were heard is kept."""
        names, self.sources, self.runs, self.runs_now = self.sources.names, Sources(), [], []
        for name in names:
            self._number(name)

    def settle(self, bucket: int, week_hour: int, heard: Floats) -> tuple[int, ...]:
        """A bucket is being sealed: all that will be learned is in; a silent line says nothing. Returns such sources.

        Args:
            bucket: the oldest one that is not sealed.
            week_hour: its slot.
            heard: contacts by source.
        """
        row, broken = self._row_of(
            week_hour, [1.0] * len(heard), 1.0, [round(calls) for calls in heard.tolist()], self.runs
        )
        self._keep(bucket, row, broken)
        return broken

    def forget(self, bucket: int) -> None:
        """A bucket is sealed."""
        self.rows.pop(bucket, None)
        self.broken.pop(bucket, None)

    def of_nodes(self, bucket: int, week_hour: int, nodes: Index, contacts_of: Index) -> Floats | float:
        """Exposure of some nodes in a bucket, one number where it is the same for all.

        Args:
            bucket: one that is not sealed.
            week_hour: its slot.
            nodes: whose exposure is asked for.
            contacts_of: for each of them the node of all contacts of its area.
        """
        row, live = self.rows.get(bucket), self._live()
        if row is None:
            return 1.0
        shares = np.array([row[source] if source < len(row) else 1.0 for source in live])
        if np.ptp(shares) < SAME:
            return float(max(shares.mean(), LEAST))
        exposure: Floats = np.clip(self.sources.mix(week_hour, nodes, contacts_of, live) @ shares, LEAST, 1.0)
        return exposure

    def _live(self) -> list[int]:
        return sorted(set(self.of_feed))

    def _keep(self, bucket: int, row: Row, broken: tuple[int, ...]) -> None:
        self.forget(bucket)
        if min(row, default=1.0) < 1.0:
            self.rows[bucket] = row
        if broken:
            self.broken[bucket] = broken

    def _rows(self, moment: Moment, *, whole: bool) -> dict[int, tuple[Row, tuple[int, ...]]]:
        """Rows of the open bucket or of all, each source's run of silent hours followed from the seal."""
        found, runs = {}, copied(self.runs if whole else self.runs_now)
        for bucket in range(moment.ledger.sealed_until if whole else moment.open_bucket, moment.open_bucket + 1):
            if bucket == moment.open_bucket:
                self.runs_now = copied(runs)
            youngest, oldest, part = moment.ages(bucket)
            arrived = [1.0] * moment.sources
            for source in self._live():
                delays = moment.feeds[self.sources.names[source]].delays
                late = (
                    self.batches.arrived(source, bucket) if delays.batch else delays.arrived_between(youngest, oldest)
                )
                arrived[source] = late
            found[bucket] = self._row_of(moment.week_hour(bucket), arrived, part, moment.heard(bucket), runs)
        return found

    def _row_of(
        self, week_hour: int, arrived: Sequence[float], part: float, heard: Sequence[int], runs: Sequence[Run]
    ) -> tuple[Row, tuple[int, ...]]:
        """Row of a bucket, and the sources that are silent in it; the runs go on.

        Args:
            week_hour: its slot.
            arrived: by source, the share of its calls that should be in.
            part: of the hour, what has passed.
            heard: contacts by source.
            runs: by source.
        """
        row, broken = list(arrived), []
        usual = [calls * part for calls in self.sources.expected(week_hour)]
        for source in self._live():
            closed = self._closed(source, week_hour) and not heard[source]
            known = self.sources.known(source) and not closed
            if runs[source].hear(heard[source], usual[source] * arrived[source] if known else 0.0) and not closed:
                broken.append(source)
            row[source] = 0.0 if closed else arrived[source]
        live = [usual[source] if source in self._live() else 0.0 for source in range(len(usual))]
        reroute(row, broken, runs, live, float(sum(heard)))
        return tuple(1.0 if share >= NEARLY_ALL else round(share, 3) for share in row), tuple(broken)

    def _closed(self, source: int, week_hour: int) -> bool:
        """Whether the desk is closed, by its opening hours, or else as far as its weeks tell."""
        slots = self.closed_slots.get(self.sources.names[source])
        return self.sources.never_heard(source, week_hour) if slots is None else week_hour in slots


def exposed(predicted: Prediction, exposure: Floats | float) -> Prediction:
    """A prediction for the part of an hour's calls that should be in."""
    more = predicted.variance - predicted.mean
    return predicted._replace(
        mean=predicted.mean * exposure,
        sd_average=predicted.sd_average * exposure,
        variance=(predicted.mean + more * exposure) * exposure,
    )
