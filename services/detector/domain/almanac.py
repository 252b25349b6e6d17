"""What kind of day a bucket belongs to and what that does to each need: seasons, and holidays that nobody listed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import DAY_HOURS, SUNDAY, Slot
from services.detector.domain.daytypes import DayType
from services.detector.domain.profile import Profiles
from services.detector.domain.seasons import Seasons
from services.detector.domain.unlisted import Unlisted

Floats = NDArray[np.float64]


class HomeHour(NamedTuple):
    """One hour of the whole home area, by need."""

    slot: Slot
    observed: Floats
    expected: Floats
    leaves: NDArray[np.bool_]
    """Needs without any need below them."""


@dataclass
class Almanac:
    """Days of one home area."""

    seasons: Seasons = field(default_factory=Seasons)
    unlisted: Unlisted = field(default_factory=Unlisted)

    def factors(self, slot: Slot) -> Floats:
        """Factor of a bucket's day for each need."""
        return self.seasons.factors(self.unlisted.kind(slot))

    def learn(self, hour: HomeHour, profiles: Profiles) -> None:
        """One sealed hour."""
        usual, sunday = self._means(hour, profiles)
        self.seasons.learn(self.unlisted.kind(hour.slot), hour.observed, hour.expected / self.factors(hour.slot))
        self.unlisted.learn(hour.slot, hour.observed[hour.leaves], usual, sunday)

    def look(self, hours: Iterable[HomeHour], profiles: Profiles) -> bool:
        """Hours that are closed but not sealed, in order; true when other days than before look like holidays."""
        before, likely = self.unlisted.likely, list[int]()
        day = self.unlisted.carried()
        for hour in hours:
            day.see(hour.slot, hour.observed[hour.leaves], *self._means(hour, profiles))
            likely = [one for one in likely if one != day.day] + ([day.day] if day.holiday else [])
        self.unlisted.likely = likely
        return before != likely

    def _means(self, hour: HomeHour, profiles: Profiles) -> tuple[Floats, Floats]:
        """What is usual in the slot, and in the same hour of a holiday, for needs without needs below them."""
        sunday = SUNDAY * DAY_HOURS + hour.slot.week_hour % DAY_HOURS
        ratio = profiles.factors(sunday) / profiles.factors(hour.slot.week_hour)
        ratio = ratio * self.seasons.factors(DayType.HOLIDAY) / self.factors(hour.slot)
        return hour.expected[hour.leaves], (hour.expected * ratio)[hour.leaves]
