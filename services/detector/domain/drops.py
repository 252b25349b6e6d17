"""Areas and needs whose calls fell, clearly and persistently, while those who tell of them are heard.

An arm of each node gathers evidence that its calls fell to half: `y ln 1/2 + mu/2` nats an hour, the ratio of two
Poissons, divided by how much more than a Poisson the node varies. Holidays say nothing, nor do hours without exposure
(closed desks, silent feeds), because nothing is expected of them. The bank's own downward arm guards its learning; this
one keeps what an alert must tell: since when, and how many calls are missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.alerts import DWELL_MS, HOUR_MS
from services.detector.domain.cases import Case, graded
from services.detector.domain.chances import Table
from services.detector.domain.levels import related, to_tell
from services.detector.domain.past_hours import PastHour
from services.detector.domain.rows import Floats, Rows
from services.detector.domain.scoring import Scoring

CHANCE = Table(at=8.0, rate=0.0027, slope=0.6)
MOST_NATS = 40.0
LONG_HOURS = 36
"""A fall to half must have lasted so long: a day that is a holiday in no calendar is not a drop."""
LOST_SHARE, LOST_HOURS = 0.1, 3
"""A fall to nearly nothing is told after so many hours."""
LEAST_MISSING = 12.0
"""Calls below usual under which nobody is told; of a longer fall as many in each two weeks."""
RECENT_CALLS, RECENT_WINDOWS = 8.0, (3, 6, 12, 24, 48, 70)
"""It is judged over by the shortest of these last hours in which so many calls were usual."""
CALM_RATIO, WILD_RATIO = 0.8, 0.65
FORGOTTEN = 0.3
"""Where hardly any calls are left to be usual, it is over when no more than this part of what was usual still is."""
LONGEST_MS = 14 * 24 * HOUR_MS
"""After two weeks what is left is no news any more: the alert ends, and nothing is told until calls are usual again."""
COLUMNS = ("arm", "since", "observed", "expected", "variance")
"""Nats; the bucket in which the arm left zero; sums since then."""


@dataclass
class Drops:
    """Arms and open alerts of one home area."""

    home_area: str
    rows: Rows = field(default_factory=lambda: Rows(COLUMNS))
    """As of the last sealed hour."""
    cases: list[Case] = field(default_factory=list)
    blocked: list[tuple[str, str]] = field(default_factory=list)
    """Nodes whose alert a person ended while calls were still few."""

    def sealed(self, scoring: Scoring, hour: PastHour) -> None:
        """One hour for good; holidays, and hours before the usual is known, say nothing."""
        self.rows.grow(len(scoring.nodes))
        observed, expected, variance = (
            _wide(one, len(self.rows)) for one in (hour.observed, hour.expected, hour.variance)
        )
        if scoring.bank.careful and scoring.calendar.slot(hour.bucket).holiday is None:
            after = _after(self._state(), hour.bucket, observed, expected, variance)
            for name, column in after.items():
                self.rows[name] = column
        for case in self.cases:
            node = scoring.nodes.find(case.need or "", case.area)
            if node is not None and scoring.calendar.start_ms(hour.bucket) >= case.since:
                case.carry(float(observed[node]), float(expected[node]), float(variance[node]))

    def look(
        self, scoring: Scoring, now: int, budget_per_week: float, doubted: NDArray[np.bool_], real: float = 1.0
    ) -> list[Case]:
        """At an hour's close: alerts that may have news, new ones among them.

        Args:
            scoring: of the home area, its open bucket being the one that has just begun.
            now: log time, ms.
            budget_per_week: of the home area.
            doubted: nodes of which a silent feed usually tells; they raise nothing.
            real: part of the budget that a table from simulation may spend here.
        """
        told = list(self.cases)
        for case in self.cases:
            self._follow(case, scoring, now, real)
        if scoring.bank.careful:
            told += self._new(scoring, now, CHANCE.threshold(budget_per_week, len(scoring.nodes), real), doubted, real)
        self.cases = [case for case in self.cases if case.open]
        return told

    def end(self, alert_id: str, by: str, now: int) -> bool:
        """A person ends an alert: nothing of its subtree is told until calls are usual again."""
        for case in self.cases:
            if case.id == alert_id:
                case.close(by, now)
                self.blocked.append((case.need or "", case.area))
                return True
        return False

    def clear(self, bucket: int) -> NDArray[np.bool_]:
        """Nodes that miss enough calls for long enough, as of the hours sealed before a bucket."""
        return _clear(self._state(), bucket)

    def _new(self, scoring: Scoring, now: int, limit: float, doubted: NDArray[np.bool_], real: float) -> list[Case]:
        nodes = scoring.nodes
        if self.blocked:
            self._unblock(scoring, np.round(self._closed(scoring)["arm"], 4))
        state = self._closed(scoring)
        arm = np.round(state["arm"], 4)
        missing = state["expected"] - state["observed"]
        clear = (arm >= limit) & _clear(state, scoring.open_bucket) & ~doubted
        taken = [node for node in self._taken(scoring) if node is not None]
        found = [
            int(node) for node in np.flatnonzero(clear) if not any(related(nodes, int(node), other) for other in taken)
        ]
        raised = []
        for node in to_tell(nodes, {node: float(missing[node]) for node in found}):
            need, area = nodes.names[node]
            case = Case("drop", need, area, scoring.calendar.start_ms(int(state["since"][node])), now)
            if state["since"][node] < scoring.ledger.sealed_until:
                case.carry(*(float(self.rows[name][node]) for name in ("observed", "expected", "variance")))
            hours = max(1.0, scoring.open_bucket - float(state["since"][node]))
            case.detail = (float(state["expected"][node]) / hours,)
            raised.append(case.named(self.home_area))
            self._count(case, scoring, node, float(arm[node]), real)
        self.cases += raised
        return raised

    def _follow(self, case: Case, scoring: Scoring, now: int, real: float) -> None:
        node = scoring.nodes.find(case.need or "", case.area)
        if node is None:
            case.turn("ended", now)
        if node is None or not case.open:
            return
        self._count(case, scoring, node, float(np.round(self._closed(scoring, node)["arm"][0], 4)), real)
        ratio, usual = _recent(scoring, node)
        if ratio is None:
            case.follow(usual <= FORGOTTEN * case.detail[0], False, now, DWELL_MS)
        else:
            case.follow(ratio >= CALM_RATIO, ratio <= WILD_RATIO, now, DWELL_MS)
        if not case.open:
            self._forget(scoring, node)
        elif now - case.raised_at >= LONGEST_MS:
            case.turn("ended", now)
            self.blocked.append((case.need or "", case.area))

    def _count(self, case: Case, scoring: Scoring, node: int, arm: float, real: float) -> None:
        """Numbers since the onset: of sealed hours, and of those that are closed."""
        case.rise_to(arm, CHANCE.false_a_week(arm, real), len(scoring.nodes))
        sums = case.carried
        first = scoring.calendar.bucket(case.since)
        for bucket in range(max(first, scoring.ledger.sealed_until), scoring.open_bucket):
            hour = scoring.hours_of(np.array([node]), bucket, 1.0)
            sums = (sums[0] + float(hour[0][0]), sums[1] + float(hour[1][0]), sums[2] + float(hour[2][0]))
        case.observed, case.expected, case.variance = sums
        case.severity = graded(case, case.expected - case.observed)

    def _closed(self, scoring: Scoring, node: int | None = None) -> dict[str, Floats]:
        """The arms carried over the hours that are closed and not sealed; of all nodes, or of one."""
        self.rows.grow(len(scoring.nodes))
        which = np.arange(len(scoring.nodes)) if node is None else np.array([node])
        state = {name: column[which] for name, column in self._state().items()}
        for bucket in range(scoring.ledger.sealed_until, scoring.open_bucket):
            if scoring.calendar.slot(bucket).holiday is None:
                state = _after(state, bucket, *scoring.hours_of(which, bucket, 1.0))
        return state

    def _unblock(self, scoring: Scoring, arm: Floats) -> None:
        for name in list(self.blocked):
            node = scoring.nodes.find(*name)
            if node is None or arm[node] <= 0.0:
                self.blocked.remove(name)
            if node is not None and arm[node] <= 0.0:
                self._forget(scoring, node)

    def _taken(self, scoring: Scoring) -> Iterable[int | None]:
        yield from (scoring.nodes.find(case.need or "", case.area) for case in self.cases)
        yield from (scoring.nodes.find(*name) for name in self.blocked)

    def _forget(self, scoring: Scoring, ended: int) -> None:
        """What the fall left in the arms must not raise it again."""
        stale = [node for node in range(len(scoring.nodes)) if related(scoring.nodes, node, ended)]
        for name in COLUMNS:
            column = self.rows[name]
            column[stale] = 0.0
            self.rows[name] = column

    def _state(self) -> dict[str, Floats]:
        return {name: self.rows[name] for name in COLUMNS}


def _after(
    state: dict[str, Floats], bucket: int, observed: Floats, expected: Floats, variance: Floats
) -> dict[str, Floats]:
    """Arms and sums after one more hour."""
    phi = np.maximum(variance / np.maximum(expected, 1e-6), 1.0)
    gain = np.where(expected > 0.0, (observed * np.log(0.5) + 0.5 * expected) / phi, 0.0)
    arm = np.clip(state["arm"] + gain, 0.0, MOST_NATS)
    begins = state["arm"] <= 0.0
    told = {name: np.where(begins, 0.0, state[name]) for name in ("observed", "expected", "variance")}
    here = {"observed": observed, "expected": expected, "variance": variance}
    sums = {name: np.where(arm > 0.0, told[name] + here[name], 0.0) for name in told}
    return {"arm": arm, "since": np.where(begins, float(bucket), state["since"]), **sums}


def _clear(state: dict[str, Floats], bucket: int) -> NDArray[np.bool_]:
    hours = bucket - state["since"]
    lost = (state["observed"] <= LOST_SHARE * state["expected"]) & (hours >= LOST_HOURS)
    least = LEAST_MISSING * np.maximum(1.0, hours * HOUR_MS / LONGEST_MS)  # hardly any calls are some dozen in a year
    enough: NDArray[np.bool_] = state["expected"] - state["observed"] >= least
    return enough & (lost | (hours >= LONG_HOURS))


def _recent(scoring: Scoring, node: int) -> tuple[float | None, float]:
    """Calls of the last hours against usual, None when too few are usual to tell; and how many are usual in an hour."""
    usual = 0.0
    for hours in RECENT_WINDOWS:
        totals = scoring.totals(node, scoring.open_bucket - hours, 0.0)
        usual = totals.expected / hours
        if totals.expected >= RECENT_CALLS:
            return float(np.round(totals.observed / totals.expected, 4)), usual
    return None, usual


def _wide(column: NDArray[np.float32], size: int) -> Floats:
    wide = np.zeros(size)
    wide[: len(column)] = column
    return wide
