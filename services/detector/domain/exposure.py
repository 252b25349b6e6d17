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
from services.detector.domain.calendar import HOUR_MS, Calendar
from services.detector.domain.feeds import Feed
from services.detector.domain.ledger import Ledger
from services.detector.domain.sources import Sources

SILENT_BELOW = 6.0
"""Hours without any contact from a source, where at least this many were usual, tell of a closed or broken line."""
LANDED = 0.5
"""A batch has landed up to an hour when half of what it should bring until there is in."""
FEW_CALLS = 3.0
"""Where a batch should bring fewer calls than this, any call shows that it has landed."""
CHANGED = 0.02
"""A closed hour is scored again when what should be in has moved by more than this."""
NEARLY_ALL, SAME = 0.99, 0.005
LEAST = 1e-3
HOUR_SECONDS = 3600.0

Row = tuple[float, ...]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Moment:
    """What a home area knows when it looks."""

    now: int
    """ms."""
    open_bucket: int
    calendar: Calendar
    ledger: Ledger
    feeds: Mapping[str, Feed]

    def ages(self, bucket: int) -> tuple[float, float, float]:
        """Seconds since the end (or now) and the beginning of the part of a bucket that has passed, and that part."""
        start = self.calendar.start_ms(bucket)
        end = min(max(self.now, start), start + HOUR_MS)
        oldest = max(0.0, (self.now - start) / 1000.0)
        return max(0.0, (self.now - end) / 1000.0), oldest, (end - start) / HOUR_MS


@dataclass
class Exposure:
    """What should be in of the hours that are not sealed, and who usually tells of what."""

    closed_slots: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Slots of the week in which a source's desk is closed for the whole hour, by its opening hours."""
    sources: Sources = field(default_factory=Sources)
    of_feed: list[int] = field(default_factory=list)
    """Source by number of feed (source, line)."""
    quiet: list[float] = field(default_factory=list)
    """By source: contacts that the silent hours up to the seal should have brought."""
    quiet_now: list[float] = field(default_factory=list)
    """The same up to the last closed bucket, as it was last looked at."""
    covered: dict[int, int] = field(default_factory=dict)
    """By source that posts batches: last bucket whose calls are in."""
    rows: dict[int, Row] = field(default_factory=dict)
    """By bucket: what should be in of each source; all of it where no row is kept."""
    broken: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """By bucket: sources that nothing was heard from although they should have been."""

    def add_feed(self, source: str) -> None:
        """A pair of source and line is heard for the first time."""
        self.of_feed.append(self._number(source))

    def _number(self, source: str) -> int:
        number = self.sources.number(source)
        for quiet in (self.quiet, self.quiet_now):
            quiet += [0.0] * (len(self.sources.names) - len(quiet))
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
        closed = week_hour in self.closed_slots.get(name, ())
        return 0.0 if closed else float(self.sources.expected(week_hour)[number])

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
        if whole:
            self._land(moment)
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
        names, self.sources, self.quiet, self.quiet_now = self.sources.names, Sources(), [], []
        for name in names:
            self._number(name)

    def settle(self, bucket: int, week_hour: int, heard: Floats) -> tuple[int, ...]:
        """A bucket is being sealed: all that will be learned is in; a silent line says nothing. Returns such sources.

        Args:
            bucket: the oldest one that is not sealed.
            week_hour: its slot.
            heard: contacts by source.
        """
        row, broken = [1.0] * len(heard), []
        for source in self._live():
            row[source], silent = self._heard(source, week_hour, 1.0, 1.0, float(heard[source]), self.quiet)
            broken += [source] if silent else []
        self._reroute(row, broken, week_hour, heard, 1.0)
        self._keep(bucket, tuple(row), tuple(broken))
        return tuple(broken)

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
        self.sources.grow(int(max(nodes.max(initial=0), contacts_of.max(initial=0))) + 1)
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
        found, quiet = {}, list(self.quiet if whole else self.quiet_now)
        for bucket in range(moment.ledger.sealed_until if whole else moment.open_bucket, moment.open_bucket + 1):
            if bucket == moment.open_bucket:
                self.quiet_now = list(quiet)
            found[bucket] = self._row(moment, bucket, quiet)
        return found

    def _row(self, moment: Moment, bucket: int, quiet: list[float]) -> tuple[Row, tuple[int, ...]]:
        heard = self._heard_in(moment, bucket)
        week_hour = moment.calendar.slot(bucket).week_hour
        youngest, oldest, part = moment.ages(bucket)
        row, broken = [1.0] * len(heard), []
        for source in self._live():
            feed = moment.feeds[self.sources.names[source]]
            arrived = (
                self._landed(moment, source, bucket)
                if feed.delays.batch
                else feed.delays.arrived_between(youngest, oldest)
            )
            row[source], silent = self._heard(source, week_hour, part, arrived, float(heard[source]), quiet)
            broken += [source] if silent else []
        self._reroute(row, broken, week_hour, heard, part)
        return tuple(1.0 if share >= NEARLY_ALL else round(share, 3) for share in row), tuple(broken)

    def _heard(
        self, source: int, week_hour: int, part: float, arrived: float, heard: float, quiet: list[float]
    ) -> tuple[float, bool]:
        """(exposure, whether the line is silent) of a source; its run of silent hours goes on or ends."""
        if heard > 0:
            quiet[source] = 0.0
            return arrived, False
        if week_hour in self.closed_slots.get(self.sources.names[source], ()):
            return 0.0, False
        if self.sources.known(source):
            quiet[source] += float(self.sources.expected(week_hour)[source]) * part * arrived
        return (0.0, True) if quiet[source] >= SILENT_BELOW else (arrived, False)

    def _reroute(self, row: list[float], broken: list[int], week_hour: int, heard: Floats, part: float) -> None:
        """Calls of a silent line that another line takes are heard all the same."""
        if not broken:
            return
        usual = self.sources.expected(week_hour) * part
        others = [source for source in self._live() if source not in broken]
        meant = float(sum(usual[source] * row[source] for source in others))
        more = float(heard[others].sum()) - meant - np.sqrt(meant * (1.0 + 0.1 * meant))
        lost = float(usual[broken].sum())
        for source in broken:
            row[source] = float(np.clip(more / max(lost, 1e-9), 0.0, 1.0))

    def _heard_in(self, moment: Moment, bucket: int) -> Floats:
        heard = np.zeros(len(self.sources.names))
        for feed, calls in moment.ledger.heard(bucket).items():
            heard[self.of_feed[feed]] += calls
        return heard

    def _land(self, moment: Moment) -> None:
        """How far the batches reach that have come."""
        for source in self._live():
            feed = moment.feeds[self.sources.names[source]]
            if not feed.delays.batch:
                self.covered.pop(source, None)
                continue
            reach = self.covered.get(source, moment.ledger.sealed_until - 1)
            if not self.sources.known(source):
                self.covered[source] = max(reach, moment.calendar.bucket(feed.last_call))
                continue
            meant = came = 0.0
            for bucket in range(max(reach + 1, moment.ledger.sealed_until), moment.open_bucket + 1):
                here = float(self._heard_in(moment, bucket)[source])
                came, meant = came + here, meant + self._meant(moment, source, bucket)
                if here > 0 and (came >= LANDED * meant or meant < FEW_CALLS):
                    reach, came, meant = bucket, 0.0, 0.0
            self.covered[source] = reach

    def _meant(self, moment: Moment, source: int, bucket: int) -> float:
        week_hour = moment.calendar.slot(bucket).week_hour
        return float(self.sources.expected(week_hour)[source]) * moment.ages(bucket)[2]

    def _landed(self, moment: Moment, source: int, bucket: int) -> float:
        """What should be in of a source that posts batches: all that has landed, and of the rest what strayed in."""
        reach = self.covered.get(source, moment.ledger.sealed_until - 1)
        if bucket <= reach:
            return 1.0
        if not self.sources.known(source):
            return 0.0
        rest = range(max(reach + 1, moment.ledger.sealed_until), moment.open_bucket + 1)
        came = sum(float(self._heard_in(moment, one)[source]) for one in rest)
        return min(1.0, came / max(sum(self._meant(moment, source, one) for one in rest), FEW_CALLS))


def exposed(predicted: Prediction, exposure: Floats | float) -> Prediction:
    """A prediction for the part of an hour's calls that should be in."""
    more = predicted.variance - predicted.mean
    return predicted._replace(
        mean=predicted.mean * exposure,
        sd_average=predicted.sd_average * exposure,
        variance=(predicted.mean + more * exposure) * exposure,
    )
