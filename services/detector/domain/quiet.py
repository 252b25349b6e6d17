"""What a home area's own past says of the table of rarity: real weeks have causes that no simulation knows.

The highest scores of all episodes of the last eight weeks, raised or not, are kept. The threshold that would have
raised as many as the budget allows in the median week (storms fill single weeks, so the median leaves them out) is set
against the one of the table; their difference in nats, drawn to a cautious first guess while weeks are few, is taken
off every score. So recurrence, budget and severity all speak of this home area.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from services.detector.domain.alerts import CANDIDATE_FACTOR, Episode
from services.detector.domain.rarity import SURGE_SHARE, threshold

WEEK_MS = 7 * 86_400_000
WEEKS = 8
FIRST_GUESS_NATS = 0.7
"""Before a week has been seen: real cities brought two to five times what the table says (detection.md)."""
GUESS_WEEKS = 2.0
"""Weeks that the first guess is worth."""
LEAST_NATS, MOST_NATS = -0.5, 14.0
STEP_NATS = 0.3
"""The correction moves at most this much a day."""
KEPT = 2_000

Key = tuple[int, int]
"""(when an episode was noticed, ms; its first node)."""


@dataclass
class QuietPast:
    """Highest scores of the episodes of one home area, before any correction."""

    peaks: dict[Key, float] = field(default_factory=dict)
    begun: int | None = None
    """When alerts became possible, ms."""
    nats: float = FIRST_GUESS_NATS
    """What is taken off every score now."""

    def follow(self, episodes: Iterable[Episode], now: int) -> None:
        """Note how high the open episodes have come."""
        if self.begun is None:
            self.begun = now
        for episode in episodes:
            if episode.first_node < 0:
                episode.first_node = episode.node
            key = episode.noticed_at, episode.first_node
            self.peaks[key] = max(self.peaks.get(key, 0.0), round(episode.peak + self.nats, 4))

    def settle(self, now: int, budget_per_week: float, nodes: int) -> None:
        """Once a day: forget what is old and correct anew.

        Args:
            now: log time, ms.
            budget_per_week: chance alerts that are wanted.
            nodes: how many nodes are watched.
        """
        nominal = threshold(budget_per_week, nodes)
        followed_from = threshold(budget_per_week * CANDIDATE_FACTOR, nodes) + self.nats
        kept = sorted(self.peaks.items())[-KEPT:]
        self.peaks = {key: peak for key, peak in kept if key[0] > now - WEEKS * WEEK_MS}
        weeks = self._weeks(now)
        if not weeks:
            return
        own = _own_threshold(weeks, SURGE_SHARE * budget_per_week, followed_from)
        shift = (len(weeks) * (own - nominal) + GUESS_WEEKS * FIRST_GUESS_NATS) / (len(weeks) + GUESS_WEEKS)
        step = min(STEP_NATS, max(-STEP_NATS, shift - self.nats))
        self.nats = round(min(MOST_NATS, max(LEAST_NATS, self.nats + step)), 4)

    def _weeks(self, now: int) -> list[list[float]]:
        """Peaks of each whole week since the beginning, highest first."""
        begun = now if self.begun is None else self.begun
        number = min(WEEKS, (now - begun) // WEEK_MS)
        weeks: list[list[float]] = [[] for _ in range(number)]
        for (noticed_at, _), peak in self.peaks.items():
            week = (now - noticed_at) // WEEK_MS
            if week < number:
                weeks[week].append(peak)
        return [sorted(week, reverse=True) for week in weeks]


def _own_threshold(weeks: list[list[float]], budget: float, least: float) -> float:
    """Score that the budget's number of episodes of the median week passed; below one a week, of all weeks together."""
    if budget >= 1.0:
        return float(np.median([_passed_by(week, math.floor(budget), least) for week in weeks]))
    together = sorted((peak for week in weeks for peak in week), reverse=True)
    return _passed_by(together, math.floor(budget * len(weeks)), least)


def _passed_by(peaks: list[float], number: int, least: float) -> float:
    """Score that `number` episodes passed and the next one did not; `least` where fewer were followed at all."""
    below = max(least, peaks[number]) if number < len(peaks) else least
    return (below + peaks[number - 1]) / 2 if 0 < number <= len(peaks) else below
