"""Holidays that no calendar names: working days on which all needs together call as on a holiday.

Evidence is the log-likelihood ratio of the day's hours under a Sunday against its own slots, summed over the needs of
the home area. Such a day is judged by its usual means, so that a phone system that comes back is no surge; what is
gained is that the first working day after it is known for what it is.
"""

from collections.abc import Container
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import DAY_HOURS, Slot
from services.detector.domain.daytypes import FRIDAY, DayType

Floats = NDArray[np.float64]
RAISED, DROPPED = 10.0, 3.0
"""Nats at which a day is taken for a holiday, and below which it is not any longer."""
LEAST, MOST = -20.0, 40.0
HOUR_MOST = 2.0
"""Nats that one need can bring in one hour: one that is closed for its own reasons is not all of them."""
OVERDISPERSION = 0.1
REMEMBERED_DAYS = 7


@dataclass
class Day:
    """Evidence of a day so far."""

    day: int = 0
    """Ordinal of the local date."""
    evidence: float = 0.0
    holiday: bool = False

    def see(self, slot: Slot, observed: Floats, usual: Floats, sunday: Floats) -> None:
        """One hour of a day: calls by need, what is usual in its slot, and in the same hour of a holiday."""
        if slot.day != self.day:
            self.day, self.evidence, self.holiday = slot.day, 0.0, False
        if slot.holiday is not None or slot.week_hour // DAY_HOURS > FRIDAY:
            return
        usual, sunday = np.maximum(usual, 1e-3), np.maximum(sunday, 1e-3)
        ratio = (observed * np.log(sunday / usual) - (sunday - usual)) / (1.0 + OVERDISPERSION * usual)
        told = float(np.clip(ratio, -HOUR_MOST, HOUR_MOST).sum())
        self.evidence = round(min(MOST, max(LEAST, self.evidence + told)), 4)
        self.holiday = self.evidence > (DROPPED if self.holiday else RAISED)


@dataclass
class Unlisted(Container[object]):
    """Days that were like a holiday, and the day that is being sealed."""

    sealed: Day = field(default_factory=Day)
    days: list[int] = field(default_factory=list)
    """Ordinals, sealed."""
    likely: list[int] = field(default_factory=list)
    """Ordinals of days that are not sealed, as they looked at the last full hour."""

    def __contains__(self, day: object) -> bool:
        return day in self.days or day in self.likely

    def __bool__(self) -> bool:
        return bool(self.days or self.likely)

    def learn(self, slot: Slot, observed: Floats, usual: Floats, sunday: Floats) -> None:
        """One sealed hour; arrays by need."""
        self.sealed.see(slot, observed, usual, sunday)
        self.days = [day for day in self.days if slot.day - REMEMBERED_DAYS < day != self.sealed.day]
        self.days += [self.sealed.day] if self.sealed.holiday else []

    def carried(self) -> Day:
        """The day that is being sealed, to go on with hours that are not."""
        return replace(self.sealed)

    def kind(self, slot: Slot) -> DayType:
        """Kind of a bucket's day when these days count as holidays; a day itself keeps its own."""
        if not self or slot.kind in (DayType.HOLIDAY, DayType.AFTER_HOLIDAY) or slot.holiday is not None:
            return slot.kind
        return DayType.AFTER_HOLIDAY if self._follows(slot) else slot.kind

    def _follows(self, slot: Slot) -> bool:
        weekday = slot.week_hour // DAY_HOURS
        return weekday <= FRIDAY and (slot.day - (3 if weekday == 0 else 1)) in self
