"""Kinds of days on which calls depart from the usual week: holidays, the first working day after one, pay days."""

from collections.abc import Container
from datetime import date, timedelta
from enum import IntEnum

FRIDAY = 4
LONGEST_WAIT_DAYS = 5


class DayType(IntEnum):
    """What kind of day a local date is; the first that fits."""

    ORDINARY = 0
    HOLIDAY = 1
    AFTER_HOLIDAY = 2
    """The first working day after a holiday that fell on a working day."""
    MONTH_START = 3
    """1st to 3rd: rent and benefits."""
    MID_MONTH = 4
    """15th and 16th."""
    MONTH_END = 5
    """The last two days."""


def day_type(day: date, holidays: Container[date]) -> DayType:
    """Kind of a local date.

    >>> day_type(date(2025, 7, 7), {date(2025, 7, 4)}), day_type(date(2024, 2, 28), ())
    (<DayType.AFTER_HOLIDAY: 2>, <DayType.MONTH_END: 5>)
    """
    if day in holidays:
        return DayType.HOLIDAY
    if _follows_holiday(day, holidays):
        return DayType.AFTER_HOLIDAY
    if day.day <= 3:
        return DayType.MONTH_START
    if day.day in (15, 16):
        return DayType.MID_MONTH
    return DayType.MONTH_END if (day + timedelta(days=2)).day <= 2 else DayType.ORDINARY


def _follows_holiday(day: date, holidays: Container[date]) -> bool:
    if day.weekday() > FRIDAY:
        return False
    for days in range(1, LONGEST_WAIT_DAYS + 1):
        before = day - timedelta(days=days)
        if before.weekday() <= FRIDAY:
            return before in holidays
    return False
