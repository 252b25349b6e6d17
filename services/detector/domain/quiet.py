"""What a home area's own past says of the table of rarity: real weeks have causes that no simulation knows.

The highest scores of all episodes of the last eight weeks, raised or not, are kept. The threshold that would have
raised as many a week as the budget allows (the fullest quarter of the weeks, those of storms, count little more than
the fullest of the others) is set against the one of the table; their difference in nats, drawn to a cautious first
guess while weeks are few, is taken off every score. So recurrence, budget and severity all speak of this home area.
Where more was told than was asked for all the same, because the weeks to come are not those that were, less is asked
for until it fits.

Some needs rise again and again, for reasons that are theirs (a crew types in a street at once, a campaign). What is
told of one need beyond its share must stand out from its own past too; a third storm in a month still does.

What people have said was no chance (a real rise, an expected event) counts in none of this: a budget is chance alerts.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.detector.domain.alerts import CANDIDATE_FACTOR, Episode
from services.detector.domain.nodes import Pair
from services.detector.domain.rarity import SURGE_SHARE, threshold

WEEK_MS = 7 * 86_400_000
WEEKS = 8
FIRST_GUESS_NATS = 0.7
"""Before a week has been seen: real cities brought two to five times what the table says (detection.md)."""
GUESS_WEEKS = 2.0
"""Weeks that the first guess is worth."""
LEAST_NATS, MOST_NATS = -0.5, 14.0
LEAST_SHARE = 0.4
"""However much was told, no less than this part of the budget is asked for."""
FULLEST = 0.25
"""Part of the weeks that may be those of storms."""
MOST_OF_STORMS = 1.5
"""They count up to this many times the fullest of the others: so much fuller chance alone makes them."""
INSISTENCE = 2.0
"""Power with which less is asked for where more was told: with 1 a year that grows wilder keeps half its surplus."""
STEP_NATS = 0.3
"""The correction moves at most this much a day."""
KEPT = 2_000
NEED_SHARE = 0.08
"""Of the budget; two alerts in eight weeks at three a week."""
MOST_OF_A_NEED = 6.0
"""Nats that a need's own past takes off at most: what is far beyond chance is told however often it happens."""

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
    of_need: dict[str, float] = field(default_factory=dict)
    """What is taken off besides, of needs that rise often."""
    told: dict[Key, int] = field(default_factory=dict)
    """When those that were raised were, ms."""
    alerts: dict[str, Key] = field(default_factory=dict)
    """Which episode each alert is, by id."""
    caused: set[Key] = field(default_factory=set)
    """Episodes that people said were no chance."""

    def follow(self, episodes: Iterable[Episode], names: Sequence[Pair], now: int) -> None:
        """Note how high the open episodes are, right after they were scored; `names` are (need, area) of every node."""
        if self.begun is None:
            self.begun = now
        for episode in episodes:
            if episode.first_node < 0:
                episode.first_node = episode.node
            key = episode.noticed_at, episode.first_node
            taken_off = self.nats + self.of_need.get(names[episode.node][0], 0.0)
            self.peaks[key] = max(self.peaks.get(key, 0.0), round(float(episode.score) + taken_off, 4))
            if episode.raised_at is not None:
                self.told[key] = episode.raised_at
                self.alerts[episode.id] = key

    def say(self, alert_id: str, *, caused: bool) -> None:
        """A person says whether an alert had a cause; from the next day on its episode counts accordingly."""
        key = self.alerts.get(alert_id)
        if key is not None:
            self.caused = self.caused | {key} if caused else self.caused - {key}

    def settle(self, now: int, budget_per_week: float, names: Sequence[Pair]) -> None:
        """Once a day: forget what is old and correct anew.

        Args:
            now: log time, ms.
            budget_per_week: chance alerts that are wanted.
            names: (need, area) of the nodes that are watched.
        """
        nominal = threshold(budget_per_week, len(names))
        followed_from = threshold(budget_per_week * CANDIDATE_FACTOR, len(names)) + self.nats
        kept = sorted(self.peaks.items())[-KEPT:]
        self.peaks = {key: peak for key, peak in kept if key[0] > now - WEEKS * WEEK_MS}
        self.told = {key: at for key, at in self.told.items() if key in self.peaks}
        self.alerts = {alert: key for alert, key in self.alerts.items() if key in self.peaks}
        self.caused &= self.peaks.keys()
        self._settle_needs(budget_per_week, names, nominal + self.nats)
        weeks = self._weeks(now, names)
        if not weeks:
            return
        own = _own_threshold(weeks, self._asked(SURGE_SHARE * budget_per_week, len(weeks), now), followed_from)
        shift = (len(weeks) * (own - nominal) + GUESS_WEEKS * FIRST_GUESS_NATS) / (len(weeks) + GUESS_WEEKS)
        step = min(STEP_NATS, max(-STEP_NATS, shift - self.nats))
        self.nats = round(min(MOST_NATS, max(LEAST_NATS, self.nats + step)), 4)

    def _settle_needs(self, budget_per_week: float, names: Sequence[Pair], limit: float) -> None:
        """What each need must stand out by so that no more of it is told than its share, in all the weeks kept."""
        peaks: dict[str, list[float]] = {}
        for (_, node), peak in self._by_chance():
            if peak > limit:
                peaks.setdefault(names[node][0], []).append(peak)
        share = max(1, math.floor(NEED_SHARE * budget_per_week * WEEKS + 0.5))
        told = {need: _passed_by(sorted(found, reverse=True), share, limit) - limit for need, found in peaks.items()}
        self.of_need = {
            need: round(min(MOST_OF_A_NEED, nats), 4)
            for need, nats in sorted(told.items())
            if nats > 0.0 and len(peaks[need]) >= share
        }

    def _asked(self, budget: float, weeks: int, now: int) -> float:
        """Alerts a week to ask for: fewer than the budget where more were told."""
        told = [0] * weeks
        for key, at in self.told.items():
            if key not in self.caused and (week := (now - at) // WEEK_MS) < weeks:
                told[week] += 1
        mean = _of_quiet_weeks(told)
        less: float = (budget / max(mean, 1e-9)) ** INSISTENCE
        return budget * min(1.0, max(LEAST_SHARE, less))

    def _weeks(self, now: int, names: Sequence[Pair]) -> list[list[float]]:
        """Peaks of each whole week since the beginning, highest first, less what their needs take off."""
        begun = now if self.begun is None else self.begun
        number = min(WEEKS, (now - begun) // WEEK_MS)
        weeks: list[list[float]] = [[] for _ in range(number)]
        for (noticed_at, node), peak in self._by_chance():
            week = (now - noticed_at) // WEEK_MS
            if week < number:
                weeks[week].append(peak - self.of_need.get(names[node][0], 0.0))
        return [sorted(week, reverse=True) for week in weeks]

    def _by_chance(self) -> Iterator[tuple[Key, float]]:
        """Episodes and their peaks, without those that had a cause."""
        return ((key, peak) for key, peak in self.peaks.items() if key not in self.caused)


def _own_threshold(weeks: list[list[float]], budget: float, least: float) -> float:
    """Lowest score that no more episodes a week passed than the budget allows."""
    peaks = sorted({peak for week in weeks for peak in week if peak > least}, reverse=True)

    def kept_by(number: int) -> bool:
        return _of_quiet_weeks([sum(peak >= peaks[number] for peak in week) for week in weeks]) <= budget

    allowed = bisect_left(range(len(peaks)), True, key=lambda number: not kept_by(number))
    return _passed_by(peaks, allowed, least)


def _of_quiet_weeks(numbers: list[int]) -> float:
    """Winsorised mean: without the fullest weeks it would be too low by what chance alone fills them with."""
    ranked = sorted(numbers)
    most = MOST_OF_STORMS * ranked[-1 - min(math.ceil(FULLEST * len(ranked)), len(ranked) - 1)]
    return sum(min(number, most) for number in ranked) / len(ranked)


def _passed_by(peaks: list[float], number: int, least: float) -> float:
    """Score that `number` episodes passed and the next one did not; `least` where fewer were followed at all."""
    below = max(least, peaks[number]) if number < len(peaks) else least
    return (below + peaks[number - 1]) / 2 if 0 < number <= len(peaks) else below
