"""One home area: its clock, its grid of evaluations, and what it says (design.md, Time)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.codes import CONTACTS, UNMAPPED, unmapped_area
from schemas.log_record import History, LogCall
from schemas.output import HomeStatus, LeafCount, Rejected, SealedHour, SeriesPoint, SeriesRecord
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.explain import Scene, tell
from services.detector.domain.feeds import Feed
from services.detector.domain.history import Past
from services.detector.domain.ledger import Booked, bookings
from services.detector.domain.nodes import Nodes
from services.detector.domain.outputs import (
    Output,
    alert_output,
    rejected_output,
    sealed_output,
    series_output,
    status_output,
)
from services.detector.domain.points import past_points, points
from services.detector.domain.rules import Rules
from services.detector.domain.scoring import PastHour, Scoring
from services.detector.domain.watch import Beside, Watch

Index = NDArray[np.int64]

FUTURE_MS = 5 * 60_000
OLDEST_MS = 72 * HOUR_MS
ATTENTIVE_MS = 5 * 60_000
QUIET_PAUSE_MS = 10_000
"""Open buckets and status are told at most this often."""
TOLD_EXPECTED = 0.2
"""At its close an hour is told for every node with a call, an alert, or at least this many calls expected."""
UNKNOWN_CODES = 1000
KNOWN_COMBINATIONS = 100_000


@dataclass
class Home:
    """State of one home area. Nothing moves it but the log."""

    code: str
    rules: Rules
    scoring: Scoring
    watch: Watch
    born: int
    """Bucket of its first call; hours before it are known from history only."""
    changed_at: int | None = None
    """When something changed since the last evaluation."""
    looked_at: int = 0
    """Last evaluation, ms."""
    told_series_at: int = 0
    told_status_at: int = 0
    untold: set[int] = field(default_factory=set)
    """Nodes whose open bucket changed since it was last told."""
    feeds: list[tuple[str, str]] = field(default_factory=list)
    """(source, line) by number."""
    sources: dict[str, Feed] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, int] = field(default_factory=dict)
    usual_sources: dict[str, Counter[str]] = field(default_factory=dict)
    """Calls by need as given, then by source: who usually tells of a need."""
    past: Past | None = field(default_factory=Past)
    """Loaded history; None after the first seal."""
    _known_leaves: dict[tuple[tuple[str, ...], str | None], tuple[list[str], tuple[int, ...]]] = field(
        default_factory=dict, repr=False
    )
    stale: bool = True
    """Whether the model must be learned again from history before it is asked."""

    # --- calls -------------------------------------------------------------------------------------------------

    def call(self, call: LogCall, logged_at: int) -> list[Output]:
        """Count one call by its own stamps, or refuse it with a reason."""
        feed = self.sources.setdefault(call.source, Feed(call.source))
        reason = _refusal(call, logged_at)
        if reason:
            feed.refused += 1
            self.counters[f"refused_{reason}"] += 1
            return [rejected_output(Rejected(1, reason, source=call.source, field="time", at=logged_at))]
        call_id = int(call.id, 16)
        if self.scoring.ledger.repeats(call_id, call.revision):
            self.counters["duplicate"] += 1
            feed.duplicates += 1
            return []
        booked = Booked(
            call.revision,
            self.scoring.calendar.bucket(call.time),
            self._feed(call.source, call.line),
            call.count,
            () if call.void else self._leaves(call, feed),
        )
        late_before = self.scoring.calendar.bucket(logged_at - self.rules.config.seal_hours * HOUR_MS)
        outcome = self.scoring.ledger.count(call_id, logged_at, booked, late_before)
        self.counters[outcome] += 1
        if outcome == "late_after_seal":
            feed.late += 1
        if outcome in ("counted", "late_after_seal") and not call.void:
            feed.counted(call.time, logged_at, call.count)
        if self.changed_at is None:
            self.changed_at = max(logged_at, self.looked_at)
        return []

    def _leaves(self, call: LogCall, feed: Feed) -> tuple[int, ...]:
        codes = call.codes()
        known = self._known_leaves.get((codes, call.area))
        if known is None:
            known = self._new_leaves(codes, call.area, feed)
        needs, leaves = known
        for need in needs:
            self.usual_sources.setdefault(need, Counter())[feed.source] += call.count
        if call.area is None:
            self.counters["without_place"] += 1
        return leaves

    def _new_leaves(self, codes: tuple[str, ...], place: str | None, feed: Feed) -> tuple[list[str], tuple[int, ...]]:
        """Needs and leaves of a combination; remembered unless a code is unknown, which is noted each time."""
        before = feed.unknown_codes
        area = self._area(place, feed)
        needs = sorted({self._need(code, feed) for code in codes})
        pairs = [*self.rules.needs.distinct_bookings(needs), (CONTACTS, 1)]
        leaves = bookings((self.scoring.nodes.leaf(need, area), sign) for need, sign in pairs)
        self._grow()
        if feed.unknown_codes == before and len(self._known_leaves) < KNOWN_COMBINATIONS:
            self._known_leaves[codes, place] = needs, leaves
        return needs, leaves

    def _grow(self) -> None:
        self.scoring.grow()
        if self.scoring.contacts is None:
            self.scoring.contacts = self.scoring.nodes.find(CONTACTS, self.code)

    def _need(self, code: str, feed: Feed) -> str:
        if code in self.rules.needs:
            return code
        self._note_unknown(code, feed)
        return self.rules.needs.known(code) or UNMAPPED

    def _area(self, code: str | None, feed: Feed) -> str:
        if code is None:
            return unmapped_area(self.code)
        if self.rules.reference.home_area(code) == self.code:
            return code
        self._note_unknown(code, feed)
        return unmapped_area(self.code)

    def _note_unknown(self, code: str, feed: Feed) -> None:
        feed.unknown_codes += 1
        if code in self.unknown or len(self.unknown) < UNKNOWN_CODES:
            self.unknown[code] = self.unknown.get(code, 0) + 1

    def _feed(self, source: str, line: str) -> int:
        if (source, line) not in self.feeds:
            self.feeds.append((source, line))
        return self.feeds.index((source, line))

    def learn_history(self, record: History) -> str | None:
        """Take in loaded history; returns why not, when it comes too late."""
        if self.past is None:
            return "history_after_first_seal"
        self.past.put(record)
        self.stale = True
        return None

    def adopt(self, rules: Rules) -> None:
        """New configuration or reference data: numbers stay, what lies above a leaf may change."""
        if self.code not in rules.reference.home_areas:
            return
        scoring, old = self.scoring, self.scoring.nodes
        self.rules = rules
        self._known_leaves.clear()
        scoring.follow(Nodes.restored(rules.needs, rules.areas, old.leaves, old.names), rules.calendar(self.code))
        self._grow()
        scoring.ledger.rebuild_counts(scoring.nodes.above, len(scoring.nodes))
        scoring.recompute()

    def end(self, body: dict[str, Any], issuer: str, now: int) -> list[Output]:
        """A person ends an alert of this home area."""
        if not self.watch.end(str(body.get("alert_id", "")), issuer, now):
            return []
        self.changed_at = now
        return []

    # --- time --------------------------------------------------------------------------------------------------

    def due(self) -> int:
        """Log time of the next evaluation; it follows from this home area's own log alone."""
        close = self.scoring.calendar.start_ms(self.scoring.open_bucket + 1) + self.rules.close_offset_ms(self.code)
        times = [close]
        if self.changed_at is not None:
            grid = self.rules.config.grid_ms
            times.append((self.changed_at // grid + 1) * grid)
        if self.untold:
            times.append(self.told_series_at + QUIET_PAUSE_MS)
        if self.watch.attentive:
            times.append((self.looked_at // ATTENTIVE_MS + 1) * ATTENTIVE_MS)
        return max(min(times), self.looked_at)

    def advance(self, to: int) -> list[Output]:
        """Let time pass: every evaluation that is due until then, in order."""
        said: list[Output] = []
        while self.due() <= to:
            said += self._look(self.due())
        return said

    def _look(self, now: int) -> list[Output]:
        if self.stale:
            self._learn_from_history()
        said: list[Output] = []
        touched = self._roll_up(said, now)  # time alone lowers every score, so the other nodes can wait for the hour
        while self.scoring.calendar.start_ms(self.scoring.open_bucket + 1) <= now:
            said += self._close(now)
            touched = None
        beside: Beside = "alerts" if now // ATTENTIVE_MS != self.looked_at // ATTENTIVE_MS else "nothing"
        nodes = np.arange(len(self.scoring.nodes)) if touched is None else np.array(sorted(touched), np.int64)
        said += self._evaluate(now, nodes, beside="episodes" if touched is None else beside)
        self.looked_at, self.changed_at = now, None
        if now - self.told_series_at >= QUIET_PAUSE_MS:
            said += self._tell_open(now)
        if now - self.told_status_at >= QUIET_PAUSE_MS:
            self.told_status_at = now
            said.append(status_output(self.status(now)))
        return said

    def _roll_up(self, said: list[Output], now: int) -> set[int] | None:
        """Bring counts up to date; the nodes that changed. Closed hours that changed are scored again."""
        size = len(self.scoring.nodes)
        late = self._book_late(now)
        if late:
            said.append(series_output(late))
        closed = [bucket for bucket in self.scoring.ledger.waiting() if bucket < self.scoring.open_bucket]
        silent = [self.scoring.is_silent(bucket) for bucket in closed]
        changed = self.scoring.ledger.roll_up(self.scoring.nodes.above, size)
        touched: set[int] = set().union(*changed.values()) if changed else set()
        self.untold |= touched
        if silent != [self.scoring.is_silent(bucket) for bucket in closed]:
            self.scoring.recompute()
            return None
        before = set().union(*(nodes for bucket, nodes in changed.items() if bucket < self.scoring.open_bucket))
        if before:
            self.scoring.recompute(np.array(sorted(before), np.int64))
        return touched

    def _book_late(self, now: int) -> SeriesRecord | None:
        """Calls for sealed hours change the series, not what was learned."""
        found: list[SeriesPoint] = []
        for late in self.scoring.ledger.take_late():
            nodes = self.scoring.nodes.above(late.leaf)
            hour = self.scoring.amend(late.bucket, nodes, late.calls)
            found += past_points(self.scoring, hour, nodes) if hour is not None else []
        return SeriesRecord(1, self.code, now, tuple(found)) if found else None

    def _close(self, now: int) -> list[Output]:
        """The open hour is over: tell it, and seal what is old enough."""
        scoring = self.scoring
        bucket = scoring.open_bucket
        scoring.close()
        predicted = scoring.predict(bucket)
        counts = scoring.ledger.counts(bucket, len(scoring.nodes))
        told = np.flatnonzero((counts != 0) | (predicted.mean >= TOLD_EXPECTED) | self._alerted())
        closed = tuple(points(scoring, told, bucket, 1.0))
        said = [series_output(SeriesRecord(1, self.code, now, closed))]
        self.untold.clear()
        node = scoring.contacts
        usual = 1.0 if node is None else float(scoring.profile(bucket, np.array([node]))[0])
        for feed in self.sources.values():
            feed.close_hour(usual)
        limit = scoring.calendar.bucket(now - self.rules.config.seal_hours * HOUR_MS)
        sealed = range(scoring.ledger.sealed_until, min(limit, scoring.open_bucket))
        for one in sealed:
            said.append(self._seal(one))
        if sealed:
            scoring.recompute()
        scoring.ledger.forget(now)
        return said

    def _alerted(self) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.scoring.nodes), bool)
        mask[[episode.node for episode in self.watch.episodes if episode.raised_at is not None]] = True
        return mask

    def _seal(self, bucket: int) -> Output:
        scoring = self.scoring
        counts = scoring.ledger.counts(bucket, len(scoring.nodes))
        if bucket > self.born:
            self._keep(scoring.learn(bucket, counts))
            self.past = None
        elif bucket == self.born:
            self._keep(scoring.kept(bucket, counts))
        hour = scoring.ledger.seal(bucket)
        leaves = scoring.nodes.leaves
        rows = (LeafCount(*leaves[leaf], *self.feeds[feed], calls) for (leaf, feed), calls in hour.cells.items())
        cells = tuple(sorted(rows, key=lambda row: (row.need, row.area, row.source, row.line)))
        return sealed_output(SealedHour(1, self.code, scoring.calendar.start_ms(bucket), cells))

    def _keep(self, hour: PastHour) -> None:
        """Remember a sealed hour; what falls out of memory stays in the sums of the alerts it belongs to."""
        past = self.scoring.past
        if len(past) == past.maxlen:
            gone = past[0]
            for episode in self.watch.episodes:
                if gone.bucket >= episode.since and episode.node < len(gone.observed):
                    kept = (gone.observed, gone.expected, gone.variance)
                    more = (float(array[episode.node]) for array in kept)
                    observed, expected, variance = (a + b for a, b in zip(episode.carried, more, strict=True))
                    episode.carried = (observed, expected, variance)
        past.append(hour)

    def _learn_from_history(self) -> None:
        """Learn all loaded hours in order, then score what has come since again."""
        self.stale = False
        if self.past is None or not self.past.periods:
            return
        scoring, calendar = self.scoring, self.scoring.calendar
        scoring.unlearn()
        self.usual_sources.clear()
        for start, cells in self.past.hours(calendar.start_ms(self.born)).items():
            bucket = calendar.bucket(start)
            for source, (need, _, _, calls) in cells:
                self.usual_sources.setdefault(need, Counter())[source] += calls
            leaves = [(self._history_leaf(cell[0], cell[1]), cell[3]) for _, cell in cells]
            self._grow()
            counts = np.zeros(len(scoring.nodes))
            for leaf, calls in leaves:
                counts[scoring.nodes.above(leaf)] += calls
            scoring.past.append(scoring.learn(bucket, counts))
        scoring.recompute()

    def _history_leaf(self, need: str, area: str) -> int:
        known_need = need if need in self.rules.needs or need == CONTACTS else self.rules.needs.known(need) or UNMAPPED
        known_area = area if self.rules.reference.home_area(area) == self.code else unmapped_area(self.code)
        return self.scoring.nodes.leaf(known_need, known_area)

    # --- what is said ------------------------------------------------------------------------------------------

    def share(self, now: int) -> float:
        """Part of the open bucket that has passed."""
        return min(1.0, max(0.0, (now - self.scoring.calendar.start_ms(self.scoring.open_bucket)) / HOUR_MS))

    def _evaluate(self, now: int, nodes: Index, *, beside: Beside) -> list[Output]:
        if not len(nodes) and not self.watch.attentive:
            return []
        share = self.share(now)
        before = {episode.id: episode.told.node for episode in self.watch.episodes if episode.told is not None}
        told = self.watch.update(self.scoring, now, nodes, share, beside=beside)
        scene = Scene(
            self.code,
            self.rules.mode,
            self.rules.reference,
            self.scoring,
            tuple(self.feeds),
            self.usual_sources,
            now,
            share,
        )
        said: list[Output] = []
        for episode in told:
            alert = tell(episode, scene)
            if alert is not None:
                said.append(alert_output(alert))
                if before.get(episode.id) != episode.node:
                    said += self._tell_back(episode.node, now)
        return said

    def _tell_back(self, node: int, now: int) -> list[Output]:
        """With a new alert, or when it moves: all kept hours of its node, so that its chart is whole."""
        only = np.array([node], np.int64)
        told = [point for hour in self.scoring.past for point in past_points(self.scoring, hour, only)]
        for bucket in range(self.scoring.ledger.sealed_until, self.scoring.open_bucket + 1):
            told += points(self.scoring, only, bucket, self.share(now))
        return [series_output(SeriesRecord(1, self.code, now, tuple(told)))]

    def _tell_open(self, now: int) -> list[Output]:
        self.told_series_at = now
        if not self.untold:
            return []
        nodes = np.array(sorted(self.untold), np.int64)
        told = tuple(points(self.scoring, nodes, self.scoring.open_bucket, self.share(now)))
        self.untold.clear()
        return [series_output(SeriesRecord(1, self.code, now, told))]

    def status(self, now: int) -> HomeStatus:
        """How this home area stands."""
        raised, held_back = self.watch.account(now)
        return HomeStatus(
            v=1,
            home_area=self.code,
            log_time=now,
            sealed_until=self.scoring.calendar.start_ms(self.scoring.ledger.sealed_until),
            state="live" if self.scoring.bank.careful else "warming",
            series=len(self.scoring.nodes),
            open_alerts=sum(episode.raised_at is not None for episode in self.watch.episodes),
            budget_per_week=self.watch.budget_per_week,
            raised_week=raised,
            held_back_week=held_back,
            counters=dict(sorted(self.counters.items())),
            sources=tuple(self.sources[source].status() for source in sorted(self.sources)),
        )


def _refusal(call: LogCall, logged_at: int) -> str | None:
    """Why a call is not counted at all, by its own stamps."""
    if call.time > logged_at + FUTURE_MS:
        return "future"
    return "too_old" if call.time < logged_at - OLDEST_MS else None
