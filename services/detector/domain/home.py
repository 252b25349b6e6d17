"""One home area: its clock, its grid of evaluations, and what it says (design.md, Time)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.controls import EventBody
from schemas.log_record import History, LogCall
from schemas.output import HomeStatus, Rejected, SealedHour, SeriesPoint, SeriesRecord
from services.detector.domain.bank import TUNING
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.cases import Case
from services.detector.domain.explain import Scene, tell
from services.detector.domain.held_back import HeldBackList
from services.detector.domain.history import Past
from services.detector.domain.intake import Intake
from services.detector.domain.kinds import Kinds
from services.detector.domain.labels import Labels
from services.detector.domain.nodes import Nodes
from services.detector.domain.outputs import (
    Output,
    alert_output,
    rejected_output,
    sealed_output,
    series_output,
    status_output,
)
from services.detector.domain.points import kept_points, late_points, marked, points
from services.detector.domain.quiet import QuietPast
from services.detector.domain.rarity import threshold
from services.detector.domain.rules import Rules
from services.detector.domain.scoring import Scoring
from services.detector.domain.sealing import carry, learn_history, seal
from services.detector.domain.tell_case import tell_case
from services.detector.domain.treatment import Treatment
from services.detector.domain.watch import Beside, Watch

Index = NDArray[np.int64]

ATTENTIVE_MS = 5 * 60_000
QUIET_PAUSE_MS = 10_000
"""Open buckets and status are told at most this often."""
TOLD_EXPECTED = 0.2
"""At its close an hour is told for every node with a call, an alert, or at least this many calls expected."""


@dataclass
class Home:
    """State of one home area. Nothing moves it but the log."""

    code: str
    rules: Rules
    scoring: Scoring
    watch: Watch
    intake: Intake
    kinds: Kinds
    """Alerts that are not surges."""
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
    past: Past | None = field(default_factory=Past)
    """Loaded history; None after the first seal."""
    stale: bool = True
    """Whether the model must be learned again from history before it is asked."""
    labels: Labels = field(default_factory=Labels)
    events: dict[str, EventBody] = field(default_factory=dict)
    """Declared events of the partition by id."""
    quiet: QuietPast = field(default_factory=QuietPast)
    held_back: HeldBackList = field(default_factory=HeldBackList)

    def call(self, call: LogCall, logged_at: int) -> list[Output]:
        """Count one call by its own stamps, or refuse it with a reason."""
        reason = self.intake.refuse(call, logged_at)
        if reason:
            return [rejected_output(Rejected(1, reason, source=call.source, field="time", at=logged_at))]
        if self.intake.count(call, logged_at) and self.changed_at is None:
            self.changed_at = max(logged_at, self.looked_at)
        return []

    def learn_history(self, record: History) -> str | None:
        """Take in loaded history; returns why not, when it comes too late."""
        if self.past is None:
            return "history_after_first_seal"
        self.past.put(record)
        self.stale = True
        return None

    def adopt(self, rules: Rules, now: int) -> list[Output]:
        """New configuration or reference data: numbers stay, what lies above a leaf may change."""
        if self.code not in rules.reference.home_areas:
            return []
        scoring, old = self.scoring, self.scoring.nodes
        self.rules = rules
        self.intake.follow(rules)
        self.labels.follow()
        scoring.exposure.closed_slots = rules.closed_slots
        scoring.follow(Nodes.restored(rules.needs, rules.areas, old.leaves, old.names), rules.calendar(self.code))
        self.intake.grow()
        scoring.ledger.rebuild_counts(scoring.nodes.above, len(scoring.nodes))
        scoring.recompute()
        return self._tell_cases(self.kinds.follow(rules, scoring, now), now)

    def end(self, body: dict[str, Any], issuer: str, now: int) -> list[Output]:
        """A person ends an alert of this home area."""
        alert_id = str(body.get("alert_id", ""))
        if not self.watch.end(alert_id, issuer, now) and not self.kinds.end(alert_id, issuer, now):
            return []
        self.changed_at = now
        return []

    def reopen(self, alert_id: str, now: int) -> None:
        """A person takes an end back: where the rise is still on it may be raised again."""
        alert = self.labels.alerts.get(alert_id)
        if alert is not None and alert.node in self.watch.blocked:
            self.watch.blocked.remove(alert.node)
            self.changed_at = now

    def due(self) -> int:
        """Log time of the next evaluation; it follows from this home area's own log alone."""
        close = self.scoring.calendar.start_ms(self.scoring.open_bucket + 1) + self.rules.close_offset_ms(self.code)
        times = [close]
        if self.changed_at is not None:
            grid = self.rules.config.grid_ms
            times.append((self.changed_at // grid + 1) * grid)
        if self.untold:
            times.append(self.told_series_at + QUIET_PAUSE_MS)
        if self.watch.attentive or self.kinds.attentive:
            times.append((self.looked_at // ATTENTIVE_MS + 1) * ATTENTIVE_MS)
        return max(min(times), self.looked_at)

    def advance(self, to: int) -> list[Output]:
        """Let time pass: every evaluation that is due until then, in order."""
        said: list[Output] = []
        while self.due() <= to:
            said += self._look(self.due())
        return said

    def share(self, now: int) -> float:
        """Part of the open bucket that has passed."""
        return min(1.0, max(0.0, (now - self.scoring.calendar.start_ms(self.scoring.open_bucket)) / HOUR_MS))

    def _look(self, now: int) -> list[Output]:
        if self.stale:
            self._learn_from_history()
        said: list[Output] = []
        touched = self._roll_up(said, now)  # time alone lowers every score, so the other nodes can wait for the hour
        hour = self.scoring.open_bucket
        while self.scoring.calendar.start_ms(self.scoring.open_bucket + 1) <= now:
            said += self._close(now)
            touched = None
        beside: Beside = "alerts" if now // ATTENTIVE_MS != self.looked_at // ATTENTIVE_MS else "nothing"
        nodes = np.arange(len(self.scoring.nodes)) if touched is None else np.array(sorted(touched), np.int64)
        said += self._evaluate(now, nodes, beside="episodes" if touched is None else beside)
        over = self.scoring.open_bucket > hour
        sources = self.intake.sources.values()
        cases = self.kinds.look(self.scoring, sources, self.watch, now, hour_over=over, all_open=beside != "nothing")
        said += self._tell_cases(cases, now)
        self.looked_at, self.changed_at = now, None
        if now - self.told_series_at >= QUIET_PAUSE_MS:
            said += self._tell_open(now)
        if now - self.told_status_at >= QUIET_PAUSE_MS:
            self.told_status_at = now
            said.append(status_output(self.status(now)))
        return said

    def _learn_from_history(self) -> None:
        self.stale = False
        if self.past is not None and self.past.periods:
            self.kinds.unlearn()
            for hour in learn_history(self.scoring, self.intake, self.past, self.born):
                self.kinds.remember(self.scoring, hour, self.watch)

    def _roll_up(self, said: list[Output], now: int) -> set[int] | None:
        """Bring counts up to date; the nodes that changed. Closed hours that changed are scored again."""
        size = len(self.scoring.nodes)
        said += self._series(now, late_points(self.scoring))
        late = any(bucket < self.scoring.open_bucket for bucket in self.scoring.ledger.waiting())
        marked = now // ATTENTIVE_MS != self.looked_at // ATTENTIVE_MS
        changed = self.scoring.ledger.roll_up(self.scoring.nodes.above, size)
        touched: set[int] = set().union(*changed.values()) if changed else set()
        self.untold |= touched
        if self.scoring.refresh(now, self.intake.sources, whole=late or marked):
            self.scoring.recompute()
            return None
        before = set().union(*(nodes for bucket, nodes in changed.items() if bucket < self.scoring.open_bucket))
        if before:
            self.scoring.recompute(np.array(sorted(before), np.int64))
        return touched

    def _close(self, now: int) -> list[Output]:
        """The open hour is over: tell it, and seal what is old enough."""
        scoring = self.scoring
        bucket = scoring.open_bucket
        scoring.refresh(now, self.intake.sources, whole=True)
        scoring.close()
        if scoring.calendar.slot(bucket + 1).day != scoring.calendar.slot(bucket).day:
            self.quiet.settle(now, self.watch.budget_per_week, scoring.nodes.names)
            scoring.correct(self.quiet.nats, self.quiet.of_need)
        predicted = scoring.predict(bucket)
        counts = scoring.ledger.counts(bucket, len(scoring.nodes))
        told = np.flatnonzero((counts != 0) | (predicted.mean >= TOLD_EXPECTED) | self._alerted())
        said = self._series(now, points(scoring, told, bucket, 1.0))
        self.untold.clear()
        self.intake.close_hour(bucket, now)
        if known := self.intake.settle_newcomers():
            scoring.start_again(known, scoring.open_bucket)
        limit = scoring.calendar.bucket(now - scoring.ledger.seal_hours * HOUR_MS)
        sealed = range(scoring.ledger.sealed_until, min(limit, scoring.open_bucket))
        for one in sealed:
            said.append(self._seal(one))
        scoring.refresh(now, self.intake.sources, whole=True)
        if sealed:
            scoring.recompute()
        scoring.look_at_days()
        scoring.ledger.forget(now)
        self.intake.evidence.forget(scoring.open_bucket)
        self.labels.forget(now)
        return said

    def _alerted(self) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.scoring.nodes), bool)
        mask[[episode.node for episode in self.watch.episodes if episode.raised_at is not None]] = True
        mask[self.kinds.open_nodes(self.scoring)] = True
        return mask

    def _seal(self, bucket: int) -> Output:
        if bucket >= self.born:
            carry(self.scoring, self.watch.episodes)
            self.kinds.carry(self.scoring)
        if bucket > self.born:
            self.past = None
        sealed = self._sealed(bucket)
        if bucket > self.born:
            self.kinds.sealed(self.scoring, self.scoring.past[-1], self.watch)
        return sealed_output(sealed)

    def _sealed(self, bucket: int) -> SealedHour:
        feeds, how = self.intake.feeds, self.treatment(bucket)
        return seal(self.scoring, bucket, born=self.born, feeds=feeds, code=self.code, treatment=how)

    def treatment(self, bucket: int) -> Treatment | None:
        """How some nodes are to learn a bucket, by what people have said."""
        return self.labels.treatment(bucket, self.scoring.nodes, self.scoring.calendar, self.events)

    def _evaluate(self, now: int, nodes: Index, *, beside: Beside) -> list[Output]:
        if self.intake.newcomers:
            nodes = nodes[~np.isin(nodes, list(self.intake.newcomers))]
        if not len(nodes) and not self.watch.attentive:
            return []
        share = self.share(now)
        before = {episode.id: episode.told.node for episode in self.watch.episodes if episode.told is not None}
        told = self.watch.update(self.scoring, now, nodes, share, beside=beside, patches=self.rules.patches(self.code))
        if self.scoring.bank.careful:
            self.quiet.follow(self.watch.episodes, self.scoring.nodes.names, now)
            self.held_back.follow(self.watch.episodes, self.scoring, now, share, anew=beside == "episodes")
        for episode in told:
            self.labels.tell_of(episode, self.scoring.open_bucket)
        if not told:
            return []
        scene = self._scene(now)
        said: list[Output] = []
        for episode in told:
            alert = tell(episode, scene)
            if alert is not None:
                said.append(alert_output(alert))
                if before.get(episode.id) != episode.node:
                    said += self._series(now, kept_points(self.scoring, episode.node, share))
        return said

    def _tell_cases(self, cases: list[Case], now: int) -> list[Output]:
        said: list[Output] = []
        for case in cases:
            is_new, node = case.told is None, self.scoring.nodes.find(case.need or "", case.area)
            self.labels.tell_of_case(case, node, self.scoring.calendar, self.scoring.open_bucket)
            said.append(alert_output(tell_case(case, self._scene(now))))
            if is_new and node is not None:
                said += self._series(now, kept_points(self.scoring, node, self.share(now)))
        return said

    def _scene(self, now: int) -> Scene:
        return Scene(
            self.code,
            self.rules.mode,
            self.rules.reference,
            self.scoring,
            tuple(self.intake.feeds),
            self.intake.usual_sources,
            now,
            self.share(now),
            sources=self.intake.sources,
            evidence=self.intake.evidence,
            sealed=self.scoring.memory.sealed_cells(),
            events=self.events,
            limit=threshold(self.watch.budget_per_week, len(self.scoring.nodes)),
        )

    def _tell_open(self, now: int) -> list[Output]:
        self.told_series_at = now
        nodes = np.array(sorted(self.untold), np.int64)
        self.untold.clear()
        return self._series(now, points(self.scoring, nodes, self.scoring.open_bucket, self.share(now)))

    def _series(self, now: int, told: list[SeriesPoint]) -> list[Output]:
        told = marked(self.scoring, told, self.intake.newcomers)
        return [series_output(SeriesRecord(1, self.code, now, tuple(told)))] if told else []

    def status(self, now: int) -> HomeStatus:
        """How this home area stands."""
        raised, held_back = self.watch.account(now)
        sources = self.intake.sources
        return HomeStatus(
            v=1,
            home_area=self.code,
            log_time=now,
            sealed_until=self.scoring.calendar.start_ms(self.scoring.ledger.sealed_until),
            state="live" if self.scoring.bank.careful else "warming",
            series=len(self.scoring.nodes),
            open_alerts=len(self.kinds.open_cases()) + sum(one.raised_at is not None for one in self.watch.episodes),
            budget_per_week=self.watch.budget_per_week,
            raised_week=raised,
            held_back_week=held_back,
            false_alarms_week=self.labels.false_alarms(now),
            counters=dict(sorted(self.intake.counters.items())),
            sources=tuple(sources[source].status() for source in sorted(sources)),
            warming_hours=max(0, TUNING.careful_after_hours - self.scoring.bank.hours),
            warming_series=len(self.intake.newcomers),
            correction_nats=self.quiet.nats,
            held_back=self.held_back.newest_first(),
        )
