"""Slow rises: needs that grow by 10 to 25 % a week over weeks, which no hour shows (detection.md, Slow trends).

Once a day each node's calls, freed of the hours of the week by the model's own factors, go into three decaying means of
7, 14 and 56 days. The rise is the newest against the oldest, in standard deviations that allow for counting noise, for
the doubt about the old level and for a level that wanders by itself; it is over when the newest is no higher than the
middle one. Days that a surge speaks for are left out, and after a surge of days a node begins anew.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.codes import CONTACTS
from services.detector.domain.cases import Case, graded
from services.detector.domain.chances import Table
from services.detector.domain.levels import related, to_tell
from services.detector.domain.past_hours import PastHour
from services.detector.domain.rows import Floats, Rows
from services.detector.domain.scoring import Scoring

CHANCE = Table(at=2.5, rate=0.0005, slope=2.5)
"""By standard deviations."""
DAY_MS = 86_400_000
FAST_DAYS, MIDDLE_DAYS, SLOW_DAYS = 7.0, 14.0, 56.0
WANDER = 0.15
"""Standard deviation of the level's own wandering over weeks, relative."""
FIRST_AFTER_DAYS = 42
"""Days that a node must have been seen; before, its old level is not known."""
LEAST_HOURS = 6.0
"""A day with less exposure than so many average hours says nothing."""
WINSOR_SD, WINSOR_CALLS, WINSOR_FROM_DAYS = 4.0, 2.0, 7
LEAST_EXCESS, LEAST_RATIO, LEAST_GROWTH = 8.0, 1.25, 1.05
"""Calls of about a week above the old level; newest against oldest mean; newest against middle one."""
CALM_GROWTH, WILD_GROWTH = 1.03, 1.1
DWELL_MS = 7 * DAY_MS
BEGUN_RATIO = 1.05
"""A rise begins when the newest mean leaves the oldest by more than this."""
LONG_SURGE_DAYS = 3
COLUMNS = (
    "fast_calls", "fast_hours", "fast_variance", "middle_calls", "middle_hours", "slow_calls", "slow_hours",
    "day_calls", "day_hours", "day_variance", "age_days", "surge_days", "since", "rise_calls", "rise_hours",
)  # fmt: skip


@dataclass
class Trends:
    """Daily means and open alerts of one home area."""

    home_area: str
    rows: Rows = field(default_factory=lambda: Rows(COLUMNS))
    days: int = 0
    """Days seen by the home area."""
    cases: list[Case] = field(default_factory=list)
    blocked: list[tuple[str, str]] = field(default_factory=list)
    """Nodes whose alert a person ended while they were still rising."""

    def sealed(self, scoring: Scoring, hour: PastHour) -> None:
        """One hour for good."""
        self._grow(len(scoring.nodes))
        size = len(hour.observed)
        factor = hour.expected.astype(np.float64) / scoring.bank.level(np.arange(size))
        phi = np.maximum(hour.variance.astype(np.float64) / np.maximum(hour.expected.astype(np.float64), 1e-6), 1.0)
        for name, more in (("day_calls", hour.observed), ("day_hours", factor), ("day_variance", factor * phi)):
            column = self.rows[name]
            column[:size] += more
            self.rows[name] = column

    def end_day(self, scoring: Scoring, bucket: int, surges: NDArray[np.bool_]) -> None:
        """The day that ends with a bucket is whole; holidays are left out.

        Args:
            scoring: of the home area.
            bucket: last hour of the day.
            surges: nodes that a surge alert speaks for.
        """
        self._grow(len(scoring.nodes))
        row = {name: self.rows[name] for name in COLUMNS}
        if scoring.calendar.slot(bucket).holiday is None:
            self.days += 1
            self._learn(row, (row["day_hours"] >= LEAST_HOURS) & ~surges, bucket + 1)
            for case in self.cases:
                node = scoring.nodes.find(case.need or "", case.area)
                if node is not None:
                    base = case.detail[1]
                    variance = base * float(row["day_variance"][node])
                    case.carry(float(row["day_calls"][node]), base * float(row["day_hours"][node]), variance)
        row["surge_days"] = np.where(surges, row["surge_days"] + 1.0, 0.0)
        for name in ("day_calls", "day_hours", "day_variance"):
            row[name] = np.zeros(len(self.rows))
        for name, column in row.items():
            self.rows[name] = column

    def look(
        self, scoring: Scoring, now: int, budget_per_week: float, surges: NDArray[np.bool_], real: float = 1.0
    ) -> list[Case]:
        """After a day's end: alerts that may have news, new ones among them.

        Args:
            scoring: of the home area.
            now: log time, ms.
            budget_per_week: of the home area.
            surges: nodes that a surge alert speaks for; they raise nothing.
            real: part of the budget that a table from simulation may spend here.
        """
        told = list(self.cases)
        for case in self.cases:
            self._follow(case, scoring, now, real)
        if scoring.bank.careful and self.days >= FIRST_AFTER_DAYS:
            told += self._new(scoring, now, CHANCE.threshold(budget_per_week, len(scoring.nodes), real), surges, real)
        self.cases = [case for case in self.cases if case.open]
        return told

    def end(self, alert_id: str, by: str, now: int) -> bool:
        """A person ends an alert: nothing of its subtree is told until it no longer rises."""
        for case in self.cases:
            if case.id == alert_id:
                case.close(by, now)
                self.blocked.append((case.need or "", case.area))
                return True
        return False

    def scores(self) -> Floats:
        """Rise of each node in standard deviations, rounded as every comparison wants it."""
        base = self._base()
        fast, hours, slow = self.rows["fast_calls"], self.rows["fast_hours"], self.rows["slow_hours"]
        usual = base * hours
        doubt = (hours / np.maximum(slow, 1.0)) ** 2 * np.maximum(self.rows["slow_calls"], 1.0)
        variance = base * self.rows["fast_variance"] + (WANDER * usual) ** 2 + doubt
        scores: Floats = np.round((fast - usual) / np.sqrt(np.maximum(variance, 1e-6)), 4)
        return np.where(self.rows["age_days"] >= FIRST_AFTER_DAYS, scores, 0.0)

    def clear(self) -> NDArray[np.bool_]:
        """Nodes that rise by enough calls, far enough above the old level, and still."""
        fast, usual = self.rows["fast_calls"], self._base() * self.rows["fast_hours"]
        far: NDArray[np.bool_] = (fast - usual >= LEAST_EXCESS) & (fast >= LEAST_RATIO * usual)
        return far & (self.growth() >= LEAST_GROWTH)

    def growth(self) -> Floats:
        """Newest against middle mean."""
        fast = self.rows["fast_calls"] / np.maximum(self.rows["fast_hours"], 1e-6)
        middle = self.rows["middle_calls"] / np.maximum(self.rows["middle_hours"], 1e-6)
        growth: Floats = np.round(fast / np.maximum(middle, 1e-6), 4)
        return growth

    def _new(self, scoring: Scoring, now: int, limit: float, surges: NDArray[np.bool_], real: float) -> list[Case]:
        scores, growth, base, nodes = self.scores(), self.growth(), self._base(), scoring.nodes
        self._unblock(scoring, growth)
        excess = self.rows["fast_calls"] - base * self.rows["fast_hours"]
        clear = (scores >= limit) & self.clear() & ~surges
        names = [(case.need or "", case.area) for case in self.cases] + self.blocked
        taken = [node for node in (nodes.find(*name) for name in names) if node is not None]
        found = [
            int(node)
            for node in np.flatnonzero(clear)
            if nodes.names[node][0] != CONTACTS and not any(related(nodes, int(node), other) for other in taken)
        ]
        raised = []
        for node in to_tell(nodes, {node: float(excess[node]) for node in found}):
            need, area = nodes.names[node]
            since = scoring.calendar.start_ms(int(self.rows["since"][node]))
            case = Case("trend", need, area, since, now, detail=(0.0, float(base[node])))
            hours = float(self.rows["rise_hours"][node])
            case.carry(float(self.rows["rise_calls"][node]), float(base[node]) * hours, float(base[node]) * hours)
            self._count(case, float(scores[node]), float(growth[node]), len(nodes), real)
            raised.append(case.named(self.home_area))
        self.cases += raised
        return raised

    def _follow(self, case: Case, scoring: Scoring, now: int, real: float) -> None:
        node = scoring.nodes.find(case.need or "", case.area)
        if node is None:
            case.turn("ended", now)
        if node is None or not case.open:
            return
        growth = float(self.growth()[node])
        self._count(case, float(self.scores()[node]), growth, len(scoring.nodes), real)
        case.follow(growth <= CALM_GROWTH, growth >= WILD_GROWTH, now, DWELL_MS)
        if not case.open:
            self._settle(scoring, node)

    @staticmethod
    def _count(case: Case, score: float, growth: float, nodes: int, real: float) -> None:
        case.observed, case.expected, case.variance = case.carried
        case.rise_to(round(0.5 * max(score, 0.0) ** 2, 4), CHANCE.false_a_week(score, real), nodes)
        case.detail = (weekly_growth(growth), case.detail[1])
        case.severity = graded(case, case.observed - case.expected)

    def _settle(self, scoring: Scoring, ended: int) -> None:
        """After an end the level that was reached is the old level of all nodes that showed it."""
        which = [node for node in range(len(scoring.nodes)) if related(scoring.nodes, node, ended)]
        level = self.rows["fast_calls"] / np.maximum(self.rows["fast_hours"], 1e-6)
        for mean in ("middle", "slow"):
            calls = self.rows[f"{mean}_calls"]
            calls[which] = (level * self.rows[f"{mean}_hours"])[which]
            self.rows[f"{mean}_calls"] = calls

    def _unblock(self, scoring: Scoring, growth: Floats) -> None:
        for name in list(self.blocked):
            node = scoring.nodes.find(*name)
            if node is None or growth[node] <= CALM_GROWTH:
                self.blocked.remove(name)

    def _base(self) -> Floats:
        """Old level: calls in an average hour."""
        base: Floats = np.maximum(self.rows["slow_calls"] / np.maximum(self.rows["slow_hours"], 1e-6), 1e-3)
        return base

    def _grow(self, size: int) -> None:
        """A new node was silent on all days so far, but is too young to be told of."""
        hours = ("fast_hours", "middle_hours", "slow_hours", "fast_variance")
        seen = {name: float(self.rows[name].max(initial=0.0)) for name in hours} if len(self.rows) < size else {}
        self.rows.grow(size, **seen)

    @staticmethod
    def _learn(row: dict[str, Floats], known: NDArray[np.bool_], tomorrow: int) -> None:
        """One day; `known` are the nodes of which it says something, `tomorrow` is the first bucket after it."""
        anew = (row["surge_days"] >= LONG_SURGE_DAYS) & known
        for name in (*COLUMNS[:7], "age_days"):
            row[name] = np.where(anew, 0.0, row[name])
        level = row["fast_calls"] / np.maximum(row["fast_hours"], 1e-6)
        usual = level * row["day_hours"]
        phi = row["day_variance"] / np.maximum(row["day_hours"], 1e-6)
        most = usual + WINSOR_SD * np.sqrt(np.maximum(usual, 0.2) * phi) + WINSOR_CALLS
        calls = np.where(row["age_days"] < WINSOR_FROM_DAYS, row["day_calls"], np.minimum(row["day_calls"], most))
        for mean, days in (("fast", FAST_DAYS), ("middle", MIDDLE_DAYS), ("slow", SLOW_DAYS)):
            keep = math.exp(-1.0 / days)
            for name, more in ((f"{mean}_calls", calls), (f"{mean}_hours", row["day_hours"])):
                row[name] = np.where(known, keep * row[name] + more, row[name])
        keep = math.exp(-2.0 / FAST_DAYS)
        row["fast_variance"] = np.where(known, keep * row["fast_variance"] + row["day_variance"], row["fast_variance"])
        row["age_days"] = np.where(known, row["age_days"] + 1.0, row["age_days"])
        fast = row["fast_calls"] / np.maximum(row["fast_hours"], 1e-6)
        slow = row["slow_calls"] / np.maximum(row["slow_hours"], 1e-6)
        flat = fast <= BEGUN_RATIO * slow
        row["since"] = np.where(flat, float(tomorrow), row["since"])
        row["rise_calls"] = np.where(flat, 0.0, row["rise_calls"] + row["day_calls"])
        row["rise_hours"] = np.where(flat, 0.0, row["rise_hours"] + row["day_hours"])


def weekly_growth(growth: float) -> float:
    """Growth a week (0.22 is 22 %) of a steady rise whose 7-day mean stands so far above its 14-day mean.

    >>> round(weekly_growth(1.166), 2), weekly_growth(0.9)
    (0.22, 0.0)
    """
    spread = MIDDLE_DAYS - FAST_DAYS * growth
    if growth <= 1.0 or spread <= 0.0:
        return 0.0 if growth <= 1.0 else 1.0
    return round(min(1.0, math.exp(7.0 * (growth - 1.0) / spread) - 1.0), 4)
