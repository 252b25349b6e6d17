"""All alerts of a home area that are not surges, in one hand: when each is looked at, and what they share."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.alerts import MINUTE_MS
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.cases import Case
from services.detector.domain.drops import Drops
from services.detector.domain.feeds import Feed
from services.detector.domain.past_hours import PastHour
from services.detector.domain.rarity import real_share
from services.detector.domain.rules import Rules
from services.detector.domain.scoring import Scoring
from services.detector.domain.silences import Silences
from services.detector.domain.trends import Trends
from services.detector.domain.triggers import Rule, Triggers
from services.detector.domain.watch import Watch

Nodes = NDArray[np.bool_]
RECENTLY_MS = 6 * HOUR_MS
SUSPECT_SHARE = 0.2
"""A node of which a silent feed usually brings so much tells of that feed, not of need."""


@dataclass
class Kinds:
    """Triggers, silences, drops and trends of one home area."""

    triggers: Triggers
    silences: Silences
    drops: Drops
    trends: Trends
    day_over: bool = False
    """Whether a day has been sealed since trends were last looked at."""

    @classmethod
    def of(cls, triggers: Triggers) -> "Kinds":
        """Nothing known yet."""
        home = triggers.home_area
        return cls(triggers, Silences(home), Drops(home), Trends(home))

    def follow(self, rules: Rules, scoring: Scoring, now: int) -> list[Case]:
        """Other reference data: returns alerts whose rule is gone, to be told for the last time."""
        own = [one for one in rules.reference.triggers if rules.reference.home_area(one.area) == self.home_area]
        gone = self.triggers.follow(own, now)
        for rule in self.triggers.rules:
            node = scoring.nodes.find(rule.trigger.need, rule.trigger.area)
            if rule.new and node is not None:
                _seed(rule, scoring, node)
            rule.new = False
        return gone

    @property
    def home_area(self) -> str:
        """Whose alerts these are."""
        return self.triggers.home_area

    def unlearn(self) -> None:
        """The model is learned again from history."""
        self.trends = Trends(self.home_area)

    def remember(self, scoring: Scoring, hour: PastHour, watch: Watch) -> None:
        """An hour of loaded history: a trend may have begun in it; a drop is of our own hours."""
        self._daily(scoring, hour, watch)

    def carry(self, scoring: Scoring) -> None:
        """Before an hour is kept: what it pushes out of memory stays in the sums of the rules' alerts."""
        past = scoring.past
        if len(past) < (past.maxlen or 0):
            return
        for case in self.triggers.open_cases():
            _carry(case, scoring, past[0])

    def sealed(self, scoring: Scoring, hour: PastHour, watch: Watch) -> None:
        """An hour for good, of this home area's own calls."""
        self.drops.sealed(scoring, hour)
        self._daily(scoring, hour, watch)

    def _daily(self, scoring: Scoring, hour: PastHour, watch: Watch) -> None:
        self.trends.sealed(scoring, hour)
        calendar = scoring.calendar
        if calendar.slot(hour.bucket + 1).day != calendar.slot(hour.bucket).day:
            self.trends.end_day(scoring, hour.bucket, spoken_for(scoring, watch))
            self.day_over = True

    def look(
        self, scoring: Scoring, feeds: Iterable[Feed], watch: Watch, now: int, *, hour_over: bool, all_open: bool
    ) -> list[Case]:
        """Alerts that may have news.

        Args:
            scoring: rolled up and closed up to `now`.
            feeds: sources of the home area.
            watch: whose budget is spent, and whose surges are spoken for already.
            now: log time, ms.
            hour_over: whether an hour was closed, so that everything is looked at.
            all_open: whether open alerts are looked at although nothing touched them.
        """
        told = self.triggers.look(now, all_open=all_open or hour_over) + self._closed_by_hand()
        for case in (case for case in told if case.kind == "trigger"):
            _expect(case, scoring, now)
        if hour_over or self.silences.cases or self.silences.blocked:
            told += self.silences.look(feeds, now)
        budget, real = watch.budget_per_week, real_share(scoring.correction)
        if hour_over:
            told += self.drops.look(scoring, now, budget, self._doubted(scoring, now), real)
        if self.day_over and hour_over:
            self.day_over = False
            told += self.trends.look(scoring, now, budget, spoken_for(scoring, watch), real)
        watch.raised_times += [now for case in told if case.kind in ("trend", "drop") and case.told is None]
        return [case for case in told if case.is_news(now)]

    def end(self, alert_id: str, by: str, now: int) -> bool:
        """A person ends an alert."""
        return any(kind.end(alert_id, by, now) for kind in (self.triggers, self.silences, self.drops, self.trends))

    def _closed_by_hand(self) -> list[Case]:
        """Drops and trends that a person ended since the last look."""
        gone = [case for case in (*self.drops.cases, *self.trends.cases) if not case.open]
        for kind in (self.drops, self.trends):
            kind.cases = [case for case in kind.cases if case.open]
        return gone

    def _doubted(self, scoring: Scoring, now: int) -> Nodes:
        """Nodes of which a feed that is or was just silent usually tells."""
        lost, sources = self.silences.lost(now - RECENTLY_MS, now), scoring.exposure.sources
        told = np.zeros((len(scoring.nodes), len(sources.names)))
        told[: len(sources.told)] = sources.told
        silent = told[:, [name in lost for name in sources.names]].sum(axis=1)
        doubted: Nodes = silent > SUSPECT_SHARE * told.sum(axis=1)
        return doubted

    @property
    def attentive(self) -> bool:
        """Whether time alone can bring news before the hour is over."""
        return self.triggers.attentive

    def open_cases(self) -> list[Case]:
        """Alerts that have not ended."""
        return [*self.triggers.open_cases(), *self.silences.cases.values(), *self.drops.cases, *self.trends.cases]

    def open_nodes(self, scoring: Scoring) -> list[int]:
        """Nodes of alerts that have not ended."""
        nodes = (scoring.nodes.find(case.need or "", case.area) for case in self.open_cases())
        return [node for node in nodes if node is not None]


def _seed(rule: Rule, scoring: Scoring, node: int) -> None:
    """A new rule begins with the calls of the hours that are not sealed, each as if at its hour's beginning."""
    for bucket in scoring.ledger.hours:
        calls = round(float(scoring.ledger.counts(bucket, len(scoring.nodes))[node]))
        if calls:
            rule.book(scoring.calendar.start_ms(bucket) // MINUTE_MS, calls)


def spoken_for(scoring: Scoring, watch: Watch) -> Nodes:
    """Nodes that an open surge alert speaks for."""
    mask = np.zeros(len(scoring.nodes), bool)
    for episode in watch.episodes:
        if episode.open and episode.raised_at is not None:
            mask |= [scoring.nodes.related(node, episode.node) for node in range(len(mask))]
    return mask


def _expect(case: Case, scoring: Scoring, now: int) -> None:
    """What was usual since the onset of a case, where the home area knows it; hours no longer kept included."""
    node = scoring.nodes.find(case.need or "", case.area)
    case.usual_known = scoring.bank.careful and node is not None
    if node is None or not case.usual_known:
        return
    calendar = scoring.calendar
    first, before = _onset(case, scoring)
    share = min(1.0, max(0.0, (now - calendar.start_ms(scoring.open_bucket)) / HOUR_MS))
    whole, rest = scoring.totals(node, first, share), scoring.totals(node, first + 1, share)
    _, expected, variance = case.carried
    case.expected = expected + whole.expected - before * (whole.expected - rest.expected)
    case.variance = variance + whole.variance - before * (whole.variance - rest.variance)


def _onset(case: Case, scoring: Scoring) -> tuple[int, float]:
    """Bucket in which a case began, and the part (0..1) of it that lies before."""
    first = scoring.calendar.bucket(case.since)
    return first, min(1.0, (case.since - scoring.calendar.start_ms(first)) / HOUR_MS)


def _carry(case: Case, scoring: Scoring, gone: PastHour) -> None:
    """An hour goes that belongs to a case, as a whole or in part; its calls were counted when they came."""
    node = scoring.nodes.find(case.need or "", case.area)
    first, before = _onset(case, scoring)
    if node is not None and gone.bucket >= first and node < len(gone.expected):
        part = 1.0 - before if gone.bucket == first else 1.0
        case.carry(0.0, part * float(gone.expected[node]), part * float(gone.variance[node]))
