"""An alert that is not a surge: a rule of a plan is met, a need rises slowly, calls fell, a feed stopped.

A case is raised when it is made. Who watches its kind keeps its numbers and status up to date; what is worth a new
version is decided here, the same way for all kinds.
"""

from dataclasses import dataclass
from typing import Literal, cast, get_args

from schemas.reference import Severity
from services.detector.domain.alerts import HOUR_MS, State, episode_id
from services.detector.domain.chances import budget_needed
from services.detector.domain.rarity import severity

CaseKind = Literal["trigger", "trend", "drop", "silence"]


@dataclass(frozen=True)
class CaseTold:
    """What the last version said."""

    at: int
    observed: int
    status: State
    severity: Severity


@dataclass
class Case:
    """One alert of another kind, from the moment that it was raised."""

    kind: CaseKind
    need: str | None
    """None for a silent feed."""
    area: str
    since: int
    """Onset, ms."""
    raised_at: int
    source: str | None = None
    id: str = ""
    status: State = "rising"
    easing_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    score: float = 0.0
    peak: float = 0.0
    false_a_week: float = 0.0
    """How often chance alone brings the peak to one node; 0 where chance is not the question."""
    nodes: int = 1
    """Nodes watched when the peak was reached."""
    observed: float = 0.0
    """Calls since the onset."""
    expected: float = 0.0
    variance: float = 0.0
    usual_known: bool = True
    """Whether `expected` says anything: not while the home area is warming up."""
    carried: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The part of observed, expected and variance that belongs to sealed hours."""
    severity: Severity = "minor"
    detail: tuple[float, ...] = ()
    """What the sentence of its kind says besides: of a trigger calls in the window, calls and hours of the rule; of a
    trend its growth a week and the old level; of a silence 1 when a batch is overdue; of a drop calls an hour that were
    usual when it was raised."""
    playbook: tuple[str, str, str] = ("", "", "")
    """What the plan says to do, in English, French and Spanish."""
    version: int = 0
    told: CaseTold | None = None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status != "ended"

    def named(self, home_area: str) -> "Case":
        """The same with its id, which speaks of what it was when it was raised."""
        what = self.source if self.need is None else self.need
        self.id = episode_id(home_area, self.kind, what or "", self.area, self.raised_at)
        return self

    def turn(self, status: State, now: int) -> None:
        """Go over to a status; the moments of easing and ending are noted."""
        if status == "easing" and self.status != "easing":
            self.easing_at = now
        if status == "rising":
            self.easing_at = None
        if status == "ended" and self.status != "ended":
            self.ended_at = now
        self.status = status

    def follow(self, calm: bool, wild: bool, now: int, dwell_ms: int) -> None:
        """Rising while `wild`, easing from `calm` on, ended after easing for a dwell; between the two as before."""
        if wild:
            self.turn("rising", now)
        elif calm and self.status == "rising":
            self.turn("easing", now)
        elif calm and self.easing_at is not None and now - self.easing_at >= dwell_ms:
            self.turn("ended", now)

    def rise_to(self, score: float, false_a_week: float, nodes: int) -> None:
        """The score now, and how often chance brings it to one of so many nodes; the rarest so far is the peak."""
        self.score = score
        if self.false_a_week == 0.0 or false_a_week * nodes < self.false_a_week * self.nodes:
            self.peak, self.false_a_week, self.nodes = score, false_a_week, nodes

    @property
    def budget_needed(self) -> float:
        """Budget at which it is raised; of what has no share of a budget, chance alarms a week."""
        if self.kind in ("trend", "drop"):
            return budget_needed(self.false_a_week, self.nodes)
        return self.false_a_week * self.nodes

    def carry(self, observed: float, expected: float, variance: float) -> None:
        """One more sealed hour."""
        before = self.carried
        self.carried = (before[0] + observed, before[1] + expected, before[2] + variance)

    def close(self, by: str, now: int) -> None:
        """A person ends it."""
        self.turn("ended", now)
        self.ended_by = by

    def is_news(self, now: int) -> bool:
        """Whether a new version is due: other words at once, other numbers when they moved enough and time passed."""
        told, observed = self.told, round(self.observed)
        if told is None or (told.status, told.severity) != (self.status, self.severity):
            return True
        pause = 5_000 if now - self.raised_at < HOUR_MS else 60_000
        return abs(observed - told.observed) >= max(1.0, 0.05 * told.observed) and now - told.at >= pause

    def tell(self, now: int) -> None:
        """A version is told."""
        self.version += 1
        self.told = CaseTold(now, round(self.observed), self.status, self.severity)


def graded(case: Case, away: float) -> Severity:
    """Severity by how rarely chance brings it to any node of the home area, and how many calls it is away from usual.

    It does not fall while the alert lasts, so that words do not flicker.
    """
    order = get_args(Severity)
    now = cast(Severity, severity(7.0 / max(case.false_a_week * case.nodes, 1e-9), away))
    return now if case.told is None else max(now, case.told.severity, key=order.index)
