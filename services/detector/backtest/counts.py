"""`backtest --counts`: scores of every leaf series of a folder of counts (contracts.md §5)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.almanac import Almanac, HomeHour
from services.detector.domain.bank import Bank, Floats, Prediction, Scores, advance
from services.detector.domain.calendar import Calendar, Slot
from services.detector.domain.profile import Profiles, tidal
from services.detector.domain.rarity import handicap, told_so_far

HOUR_SECONDS = 3600


@dataclass(frozen=True)
class Counts:
    """Calls of each leaf series: hourly first, from `fine_hour` on in steps of `fine_seconds`."""

    needs: list[str]
    areas: list[str]
    need_of: NDArray[np.int64]
    """Index of each series' need in `needs`."""
    start: int
    """Unix seconds."""
    hourly: Floats
    """[series, hour]."""
    fine: Floats
    """[series, step after fine_hour]."""
    fine_hour: int
    steps: int
    """Fine steps an hour."""
    calendar: Calendar
    added_up: int = 0
    """Rows of the file that were added to another one of their series and interval."""

    @property
    def names(self) -> list[tuple[str, str]]:
        """(need, area) of each series."""
        return [(need, area) for need in self.needs for area in self.areas]


def score_counts(counts: Counts, *, fine: bool, handicapped: bool = True) -> Iterator[tuple[int, Floats]]:
    """(end of interval in Unix seconds, score of each series): hourly, or from `fine_hour` on every fine step.

    `handicapped` takes off what busy series bring by chance, as the watch does.

    A score for time t uses nothing at or after t.
    """
    bank, profiles, almanac = Bank(), Profiles(), Almanac()
    bank.grow(len(counts.need_of))
    profiles.grow(len(counts.needs))
    almanac.seasons.grow(len(counts.needs))
    first = counts.calendar.bucket(counts.start * 1000)
    day = counts.calendar.slot(first).day
    total = counts.hourly.shape[1] + counts.fine.shape[1] // counts.steps
    for hour in range(total):
        slot = counts.calendar.slot(first + hour)
        if slot.day != day:
            bank.end_day()
            bank.expect(margins(bank.level(), len(counts.areas)))
            day = slot.day
        of_day = almanac.factors(slot)
        profile = (profiles.factors(slot.week_hour) * of_day)[counts.need_of]
        predicted = bank.predict_many(profile)
        before = bank.sealed_scores()
        off = handicap(bank.level()) if handicapped else 0.0
        end = counts.start + (hour + 1) * HOUR_SECONDS
        if hour < counts.fine_hour:
            observed = counts.hourly[:, hour]
        else:
            place = (hour - counts.fine_hour) * counts.steps
            steps = counts.fine[:, place : place + counts.steps].cumsum(axis=1)
            observed = steps[:, -1]
            if fine:
                width = HOUR_SECONDS // counts.steps
                for i in range(counts.steps - 1):
                    share = (i + 1) / counts.steps
                    now = advance(before, steps[:, i], predicted, first + hour, share)
                    score = Scores(told_so_far(before.up, now.up, share), now.run).best()
                    yield end - HOUR_SECONDS + (i + 1) * width, np.maximum(score - off, 0.0)
        weight = bank.learn_many(observed, predicted, profile, first + hour)
        whole = Scores(bank.up.astype(np.float64), bank.run.astype(np.int64)).best()
        yield end, np.maximum(whole - off, 0.0)
        shared = Shared(len(counts.areas), slot, of_day, careful=bank.careful)
        if slot.holiday is None:
            shared.learn(profiles, observed, predicted, weight)
        if bank.careful:
            almanac.learn(shared.hour(observed, predicted), profiles)


def margins(level: Floats, areas: int) -> Floats:
    """Rate of each series (need x area) by those of its need and of its area alone."""
    grid = level.reshape(-1, areas)
    rates: Floats = grid.sum(axis=1, keepdims=True) * grid.sum(axis=0, keepdims=True) / max(float(grid.sum()), 1e-9)
    return rates.ravel()


@dataclass(frozen=True)
class Shared:
    """What one hour teaches of needs as a whole."""

    areas: int
    slot: Slot
    of_day: Floats
    """Factor of the kind of day for each need."""
    careful: bool

    def learn(self, profiles: Profiles, observed: Floats, predicted: Prediction, weight: Floats) -> None:
        """Profiles and tides from the sums over all areas."""
        believed = weight * observed + (1 - weight) * np.minimum(observed, predicted.mean)
        calls = self._by_need(believed) / self.of_day
        profiles.learn(self.slot.week_hour, calls, np.ones(len(calls)))
        if self.careful:
            calls, variance = tidal(observed, predicted)
            profiles.follow(*(self._by_need(weight * part) for part in (calls, predicted.mean, variance)))

    def hour(self, observed: Floats, predicted: Prediction) -> HomeHour:
        """The hour as the almanac sees it."""
        every = np.ones(len(self.of_day), bool)
        return HomeHour(self.slot, self._by_need(observed), self._by_need(predicted.mean), every)

    def _by_need(self, values: Floats) -> Floats:
        summed: Floats = values.reshape(-1, self.areas).sum(axis=1)
        return summed
