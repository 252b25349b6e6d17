"""The life of an alert: raised, changed, moved to the node that explains it best, easing, ended (design.md, Alerts).

An episode is an alert or a candidate for one: a rise that came within five times the budget. It is followed the
same way in both cases; only what meets the budget is told.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from services.detector.domain.rarity import budget_needed, severity

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
CANDIDATE_FACTOR = 5.0
"""Candidates are followed up to this many times the budget."""
DWELL_MS = 6 * HOUR_MS
"""An alert ends after easing this long."""
CALM_SD, WILD_SD = 1.0, 2.5
"""Easing begins under the first, rising again above the second: excess of the last hours in sd."""
RECENT_HOURS = 3
MERGED = "merged"
"""Who ended an alert that became part of another."""

State = Literal["rising", "easing", "ended"]


@dataclass
class Episode:
    """One rise, from the moment that it was noticed."""

    node: int
    noticed_at: int
    """ms."""
    since: int
    """Bucket in which the rise began."""
    id: str = ""
    """Given when it is raised."""
    score: float = 0.0
    peak: float = 0.0
    """The score when chance brought it least often to any of the nodes that were watched."""
    watched: int = 1
    """Nodes watched then: how rare it was does not change with codes that come later."""
    status: State = "rising"
    raised_at: int | None = None
    """ms; None while it is only a candidate."""
    raised_bucket: int | None = None
    easing_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    held: list[int] = field(default_factory=list)
    """Nodes that it was told at before, and those of alerts that it took in: it speaks for their rises too."""
    parts: list[int] = field(default_factory=list)
    """Nodes that share no call and whose sum rises, when that is not the whole of its node."""
    version: int = 0
    told: "Told | None" = None
    onset: list[int] | None = None
    """Buckets: earliest, likely and latest in which it began; kept when its first hours no longer are."""
    step: list[float] | None = None
    """What the model said of a rise in its node when it was first told there: by now the model has learned the rise."""
    step_node: int = -1
    """Node that `step` speaks of."""
    carried: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Observed, expected and variance of its hours that are no longer kept."""
    carried_parts: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Observed and expected of these hours, by part of its node."""
    first_node: int = -1
    """Where it was noticed; -1 until that was noted."""

    @property
    def nodes(self) -> list[int]:
        """All nodes that it speaks for."""
        return [self.node, *(node for node in self.held if node != self.node)]

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status != "ended"

    def rise_to(self, score: float, watched: int) -> None:
        """A score among so many watched nodes; the rarest so far is the peak."""
        if budget_needed(score, watched) < budget_needed(self.peak, self.watched):
            self.peak, self.watched = score, watched


@dataclass(frozen=True)
class Told:
    """What the last version said: the next one must say something else."""

    at: int
    observed: int
    status: State
    severity: str
    node: int


def episode_id(home_area: str, kind: str, need: str, area: str, at_ms: int) -> str:
    """Id of an alert: what it was when it was raised.

    >>> episode_id("tx", "surge", "BD", "tx-1", 1000)
    '82a89854de013cc3'
    """
    text = "\\n".join((home_area, kind, need, area, str(at_ms)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def next_state(episode: Episode, now: int, recent_z: float, score: float, end_score: float) -> State:
    """Rising, easing or ended, with thresholds apart so that it does not flap."""
    if recent_z >= WILD_SD:
        return "rising"
    calm = recent_z <= CALM_SD or score < end_score
    if episode.status == "rising":
        return "easing" if calm else "rising"
    if not calm or episode.easing_at is None:
        return episode.status
    return "ended" if now - episode.easing_at >= DWELL_MS else "easing"


def is_news(episode: Episode, now: int, observed: int, level: str) -> bool:
    """Whether a new version is due.

    At once when status, severity or node changed; otherwise when the count moved by at least 1 and 5 % and 5 s of log
    time have passed (60 s after the first hour).
    """
    told = episode.told
    if told is None:
        return True
    if (told.status, told.severity, told.node) != (episode.status, level, episode.node):
        return True
    moved = abs(observed - told.observed)
    pause = 5_000 if now - (episode.raised_at or now) < HOUR_MS else 60_000
    return moved >= max(1.0, 0.05 * told.observed) and now - told.at >= pause


def level_of(episode: Episode, home_recurrence_days: float, excess: float) -> str:
    """Severity; it does not fall while the alert rises, so that words do not flicker."""
    order = ("minor", "moderate", "severe", "extreme")
    now = severity(home_recurrence_days, excess)
    if episode.told is None or episode.status != "rising":
        return now
    return max(now, episode.told.severity, key=order.index)
