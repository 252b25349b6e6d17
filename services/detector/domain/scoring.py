"""Scores of nodes: the sealed bank carried over the hours that are closed but not sealed, and over the open one."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.almanac import Almanac
from services.detector.domain.bank import EVERY, Bank, Floats, Index, Scores, advance
from services.detector.domain.calendar import Calendar
from services.detector.domain.exposure import exposed
from services.detector.domain.feeds import Feed
from services.detector.domain.memory import Cells, KeptHour, Memory
from services.detector.domain.model import HomeModel
from services.detector.domain.moment import Moment
from services.detector.domain.nodes import Nodes
from services.detector.domain.past_hours import KEPT_HOURS, PastHour, Totals
from services.detector.domain.profile import Profiles
from services.detector.domain.quiet import FIRST_GUESS_NATS
from services.detector.domain.rarity import told_so_far
from services.detector.domain.treatment import Treatment


@dataclass
class Scoring(HomeModel):
    """Model and scores of one home area."""

    past: deque[PastHour] = field(default_factory=lambda: deque(maxlen=KEPT_HOURS))
    memory: Memory = field(default_factory=Memory)
    fresh_from: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """Bucket from which each node's CUSUM may count: later than the end of its last alert."""
    outdated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """Nodes whose scores of closed hours must be computed again before they are looked at."""
    correction: float = FIRST_GUESS_NATS
    """Nats that the home area's own past takes off every score."""
    correction_of_need: dict[str, float] = field(default_factory=dict)
    """Nats that a need's own past takes off besides."""
    _corrections: Floats | None = field(default=None, repr=False)
    _past_sums: dict[int, tuple[list[int], list[tuple[float, float, float]]]] = field(default_factory=dict, repr=False)
    closed: Scores = field(default_factory=lambda: Scores(np.zeros((0, 5)), np.zeros((0, 5), np.int64)))

    def grow(self) -> None:
        """Room for every node that has occurred."""
        size, old = len(self.nodes), len(self.fresh_from)
        if size == old:
            return
        self.bank.grow(size)
        self.profiles.grow(len(self.nodes.need_names))
        self.almanac.seasons.grow(len(self.nodes.need_names))
        self.exposure.sources.grow(size)
        self.fresh_from = np.concatenate([self.fresh_from, np.zeros(size - old, np.int32)])
        self.outdated = np.concatenate([self.outdated, np.zeros(size - old, bool)])
        more = size - len(self.closed.up)
        self.closed = Scores(
            np.concatenate([self.closed.up, np.zeros((more, 5))]),
            np.concatenate([self.closed.run, np.zeros((more, 5), np.int64)]),
        )

    def restore(self, fresh_from: NDArray[np.int32]) -> None:
        """After a restore of nodes, ledger and bank: what follows from them."""
        size = len(self.nodes)
        self.fresh_from = fresh_from
        self.outdated = np.zeros(size, bool)
        self.closed = Scores(np.zeros((size, 5)), np.zeros((size, 5), np.int64))
        self.recompute()

    def follow(self, nodes: Nodes, calendar: Calendar) -> None:
        """Other trees or another calendar are in force: nothing predicted before holds."""
        self.nodes, self.calendar = nodes, calendar
        self.forget_predictions()
        self._contacts_of = self._contacts_of[:0]

    def unlearn(self) -> None:
        """Forget all that was learned, to learn again from history."""
        self.bank, self.profiles, self.almanac = Bank(), Profiles(), Almanac()
        self.past.clear()
        self.memory.clear()
        self.exposure.unlearn()
        self.forget_predictions()
        self._past_sums.clear()
        size, self.fresh_from = len(self.fresh_from), self.fresh_from[:0]
        self.outdated = self.outdated[:0]
        if size:
            self.grow()

    def refresh(self, now: int, feeds: Mapping[str, Feed], *, whole: bool) -> bool:
        """Let exposure follow time and what has come; true when a line fell silent or was heard again in a closed hour.

        Scores of closed hours whose exposure has moved are computed again when they are looked at.
        """
        closed = range(self.ledger.sealed_until, self.open_bucket)
        silent = {bucket: self.exposure.broken.get(bucket) for bucket in closed}
        exposure = self.exposure
        numbers, names = exposure.of_feed, exposure.sources.names
        moment = Moment(now, self.open_bucket, self.calendar, self.ledger, feeds, numbers, len(names))
        for bucket in exposure.refresh(moment, whole=whole):
            self._exposures.pop(bucket, None)
            if bucket < self.open_bucket:
                self.outdated[:] = True
        return any(self.exposure.broken.get(bucket) != before for bucket, before in silent.items())

    def look_at_days(self) -> None:
        """After an hour's end: whether the days that are not sealed look like holidays; other days are judged anew."""
        closed = range(self.ledger.sealed_until, self.open_bucket)
        counts = ((bucket, self.ledger.counts(bucket, len(self.nodes))) for bucket in closed)
        hours = (self.home_hour(bucket, observed, self.predict(bucket).mean) for bucket, observed in counts)
        if self.bank.careful and self.almanac.look(hours, self.profiles):
            self.forget_predictions()
            self.outdated[:] = True

    def recompute(self, nodes: Index = EVERY) -> None:
        """Scores at the end of the last closed bucket, from the seal point on."""
        scores = self.bank.sealed_scores(nodes)
        for bucket in range(self.ledger.sealed_until, self.open_bucket):
            scores = self._after(scores, bucket, nodes)
        self.closed.up[nodes], self.closed.run[nodes] = scores
        self.outdated[nodes] = False

    def close(self) -> None:
        """The open bucket is over: carry every node over it."""
        if self.outdated.any():
            self.recompute(np.flatnonzero(self.outdated))
        self.closed = self._after(self.closed, self.open_bucket, EVERY)
        self.open_bucket += 1

    def _after(self, scores: Scores, bucket: int, nodes: Index) -> Scores:
        counts = self.ledger.counts(bucket, len(self.nodes))[nodes]
        after = advance(scores, counts, self.predict(bucket, nodes), bucket)
        stale = self.fresh_from[nodes] > bucket
        return Scores(np.where(stale[:, None], 0.0, after.up), after.run)

    def open_scores(self, nodes: Index, share: float) -> Scores:
        """Scores with the part of the open bucket that has passed, as rarity knows them.

        What busy nodes, an hour that has only begun and this home area's own past bring by chance is taken off.
        """
        late = np.arange(len(self.nodes))[nodes]
        if self.outdated[late].any():
            self.recompute(late[self.outdated[late]])
        counts = self.ledger.counts(self.open_bucket, len(self.nodes))[nodes]
        before = Scores(self.closed.up[nodes], self.closed.run[nodes])
        after = advance(before, counts, self.predict(self.open_bucket, nodes), self.open_bucket, max(share, 1e-3))
        stale = self.fresh_from[nodes] > self.open_bucket
        off = self.handicap[nodes] + self.taken_off(nodes)
        told = np.maximum(told_so_far(before.up, after.up, share) - off[:, None], 0.0)
        return Scores(np.where(stale[:, None], 0.0, told), after.run)

    def correct(self, nats: float, of_need: dict[str, float]) -> None:
        """What the past of the home area, and that of some needs, takes off from now on."""
        self.correction, self.correction_of_need, self._corrections = nats, of_need, None

    def taken_off(self, nodes: Index) -> Floats:
        """Nats that the past of the home area and of each node's need take off its score."""
        names = self.nodes.need_names
        if self._corrections is None or len(self._corrections) != len(names):
            self._corrections = self.correction + np.array([self.correction_of_need.get(name, 0.0) for name in names])
        taken: Floats = self._corrections[self.nodes.need_of[nodes]]
        return taken

    def is_silent(self, bucket: int) -> bool:
        """Whether nobody at all was heard, from no source, where many contacts were usual."""
        return self.exposure.silent(bucket)

    def start_again(self, nodes: list[int], bucket: int) -> None:
        """After an alert has ended: what these nodes had gathered until `bucket` counts no more."""
        index = np.array(nodes, np.int64)
        self.fresh_from[index] = bucket
        self.bank.forget_scores(index)
        self.memory.started_again += nodes
        self.closed.up[index] = 0.0

    def hours_of(self, nodes: NDArray[np.int64], bucket: int, share: float) -> tuple[Floats, Floats, Floats]:
        """(observed, expected, inflated variance) of nodes in one bucket that is not sealed."""
        part = share if bucket == self.open_bucket else 1.0
        whole = self.predict(bucket, nodes)
        variance = (whole.mean + (whole.variance - whole.mean) * part) * part * whole.vif
        return self.ledger.counts(bucket, len(self.nodes))[nodes], whole.mean * part, variance

    def _past_of(self, node: int) -> tuple[list[int], list[tuple[float, float, float]]]:
        """Kept buckets of a node, oldest first, and the sums (observed, expected, variance) from each of them on."""
        known = self._past_sums.get(node)
        if known is None:
            hours = [hour for hour in self.past if node < len(hour.observed)]
            observed = expected = variance = 0.0
            sums = [(observed, expected, variance)]
            for hour in reversed(hours):
                observed += float(hour.observed[node])
                expected += float(hour.expected[node])
                variance += float(hour.variance[node])
                sums.append((observed, expected, variance))
            known = self._past_sums[node] = [hour.bucket for hour in hours], sums[::-1]
        return known

    def amend(self, bucket: int, nodes: NDArray[np.int64], calls: int) -> PastHour | None:
        """A call came after the seal: the kept hour shows it, what was learned stays; None when it is not kept."""
        hour = next((hour for hour in self.past if hour.bucket == bucket), None)
        if hour is not None:
            hour.observed[nodes[nodes < len(hour.observed)]] += calls
            self._past_sums.clear()
        return hour

    def totals_many(self, nodes: NDArray[np.int64], since: int, share: float) -> tuple[Floats, Floats]:
        """Observed and expected sums of several nodes from a bucket on."""
        observed, expected = np.zeros(len(nodes)), np.zeros(len(nodes))
        for hour in self.past:
            known = nodes < len(hour.observed)
            if hour.bucket >= since:
                observed[known] += hour.observed[nodes[known]]
                expected[known] += hour.expected[nodes[known]]
        for bucket in range(max(since, self.ledger.sealed_until), self.open_bucket + 1):
            observed += self.ledger.counts(bucket, len(self.nodes))[nodes]
            expected += self.predict(bucket, nodes).mean * (share if bucket == self.open_bucket else 1.0)
        return observed, expected

    def totals(self, node: int, since: int, share: float) -> Totals:
        """Sums of a node from a bucket on, as far back as hours are kept."""
        buckets, sums = self._past_of(node)
        totals = Totals(*sums[bisect_left(buckets, since)])
        for bucket in range(max(since, self.ledger.sealed_until), self.open_bucket + 1):
            part = share if bucket == self.open_bucket else 1.0
            whole, mean = self.whole(bucket), float(self.whole(bucket).mean[node])
            part *= self.exposure_of_one(bucket, node)
            variance = (mean + (float(whole.variance[node]) - mean) * part) * part * float(whole.vif[node])
            totals.add(float(self.ledger.counts(bucket, len(self.nodes))[node]), mean * part, variance)
        return totals

    def kept(self, bucket: int, counts: Floats) -> PastHour:
        """What is remembered of a sealed bucket, whether or not it is learned."""
        predicted = self.predict(bucket)
        variance = predicted.variance * predicted.vif
        self._past_sums.clear()
        return PastHour(bucket, *(column.astype(np.float32) for column in (counts, predicted.mean, variance)))

    def learn(
        self,
        bucket: int,
        counts: Floats,
        told: Floats,
        *,
        cells: Cells | None = None,
        treatment: Treatment | None = None,
    ) -> PastHour:
        """Learn one bucket for good.

        Args:
            bucket: the oldest one that is not sealed.
            counts: calls of each node.
            told: the same by node and source.
            cells: the same by leaf and feed, remembered to learn it again; None: it never will be.
            treatment: how some nodes learn it otherwise, by what people have said.
        """
        slot = self.calendar.slot(bucket)
        heard = np.zeros(told.shape[1]) if self.contacts is None else told[self.contacts]
        broken = self.exposure.settle(bucket, slot.week_hour, heard)
        self._exposures.pop(bucket, None)
        hour = self.kept(bucket, counts)
        exposure = None if self.is_silent(bucket) else self.exposure_of(bucket)
        zeroed = np.flatnonzero(self.fresh_from == bucket + 1).tolist()
        if cells is not None:
            if self.memory.wants(bucket):
                self.memory.put(self.as_of(bucket))
            self.memory.keep(KeptHour(bucket, exposure, self.memory.started_again, zeroed, cells))
        self.teach(bucket, counts, exposure, treatment)
        self.bank.up[zeroed] = 0.0
        self.exposure.sources.learn(slot.week_hour, heard, broken, told)
        self.forget_predictions()
        return hour

    def learn_again(self, since: int, treatment: Callable[[int], Treatment | None]) -> Iterator[PastHour]:
        """Put the model back to the last kept one before a bucket and learn all sealed hours once more.

        Yields each hour with what is expected of it now, before it is learned; the caller must take them all.
        """
        model = self.memory.start_from(since)
        if model is None:
            return
        self.put_back(model)
        for bucket in range(model.bucket, self.ledger.sealed_until):
            hour = self.memory.hours[bucket]
            self.forget_predictions()
            self.bank.forget_scores(np.array(hour.started_again, np.int64))
            if bucket in self.memory.models:
                self.memory.models[bucket] = self.as_of(bucket)
            counts, exposure = self._rolled_up(hour), self._exposed_then(hour)
            yield self._expected_again(bucket, counts, exposure)
            self.teach(bucket, counts, exposure, treatment(bucket))
            self.bank.up[hour.zeroed] = 0.0
        self.bank.forget_scores(np.array(self.memory.started_again, np.int64))
        self.forget_predictions()
        self._past_sums.clear()
        self.recompute()

    def _rolled_up(self, hour: KeptHour) -> Floats:
        counts = np.zeros(len(self.nodes))
        for (leaf, _), calls in hour.cells.items():
            counts[self.nodes.above(leaf)] += calls
        return counts

    def _exposed_then(self, hour: KeptHour) -> Floats | float | None:
        """Exposure of every node in a kept hour; those that had not occurred yet were all in."""
        then = hour.exposure
        return np.append(then, np.ones(len(self.nodes) - len(then))) if isinstance(then, np.ndarray) else then

    def _expected_again(self, bucket: int, counts: Floats, exposure: Floats | float | None) -> PastHour:
        predicted = exposed(self.whole(bucket), 1.0 if exposure is None else exposure)
        variance = predicted.variance * predicted.vif
        return PastHour(bucket, *(column.astype(np.float32) for column in (counts, predicted.mean, variance)))
