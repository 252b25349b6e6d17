"""Local hours: long and short days, half-hour zones, holidays, the leap day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.detector.domain.calendar import HOUR_MS, SUNDAY, Calendar

CHICAGO = Calendar("America/Chicago", {})


def ms(zone: str, *when: int, fold: int = 0) -> int:
    return round(datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)  # type: ignore[misc,arg-type]


def hours_of_day(calendar: Calendar, year: int, month: int, day: int) -> list[int]:
    """Slot hours of the buckets of a local day, in order."""
    wanted = date(year, month, day).toordinal()
    middle = calendar.bucket(ms(calendar.zone, year, month, day, 12))
    around = range(middle - 30, middle + 30)
    return [calendar.slot(bucket).week_hour % 24 for bucket in around if calendar.slot(bucket).day == wanted]


def test_the_day_on_which_clocks_go_forward_has_23_hours_and_no_two_o_clock() -> None:
    assert hours_of_day(CHICAGO, 2026, 3, 8) == [0, 1, *range(3, 24)]


def test_the_day_on_which_clocks_go_back_has_25_hours_and_one_o_clock_twice() -> None:
    assert hours_of_day(CHICAGO, 2025, 11, 2) == [0, 1, 1, *range(2, 24)]
    first, second = ms("America/Chicago", 2025, 11, 2, 1, 30), ms("America/Chicago", 2025, 11, 2, 1, 30, fold=1)
    assert CHICAGO.bucket(second) - CHICAGO.bucket(first) == 1


def test_an_ordinary_day_has_24_hours() -> None:
    assert hours_of_day(CHICAGO, 2026, 5, 5) == list(range(24))


@pytest.mark.parametrize(
    ("zone", "shift_minutes"),
    [("America/Chicago", 0), ("America/St_Johns", 30), ("Asia/Kolkata", 30), ("Asia/Kathmandu", 45), ("UTC", 0)],
)
def test_buckets_are_whole_local_hours_in_every_zone(zone: str, shift_minutes: int) -> None:
    calendar = Calendar(zone, {})
    assert calendar.shift_ms == shift_minutes * 60_000
    for when in ((2026, 1, 15, 9, 59), (2026, 7, 15, 9, 0), (2026, 7, 15, 9, 30)):
        moment = ms(zone, *when)
        start = calendar.start_ms(calendar.bucket(moment))
        local = calendar.local(start)
        assert (local.hour, local.minute) == (9, 0)
        assert start <= moment < start + HOUR_MS
        assert calendar.bucket(start) == calendar.bucket(moment)
        assert calendar.bucket(start - 1) == calendar.bucket(moment) - 1


def test_newfoundland_changes_its_clocks_by_whole_hours_too() -> None:
    calendar = Calendar("America/St_Johns", {})
    assert hours_of_day(calendar, 2026, 3, 8) == [0, 1, *range(3, 24)]
    assert hours_of_day(calendar, 2025, 11, 2) == [0, 1, 1, *range(2, 24)]


def test_the_week_begins_on_monday_at_midnight() -> None:
    slots = [CHICAGO.slot(CHICAGO.bucket(ms("America/Chicago", 2026, 5, 4, hour))).week_hour for hour in (0, 23)]
    assert slots == [0, 23]
    assert CHICAGO.slot(CHICAGO.bucket(ms("America/Chicago", 2026, 5, 10, 23))).week_hour == 167


def test_a_holiday_takes_the_hours_of_a_sunday_on_its_local_day_only() -> None:
    calendar = Calendar("America/Chicago", {date(2025, 12, 25): "Christmas Day"})
    christmas = calendar.slot(calendar.bucket(ms("America/Chicago", 2025, 12, 25, 9)))
    assert (christmas.week_hour, christmas.holiday) == (SUNDAY * 24 + 9, "Christmas Day")
    eve = calendar.slot(calendar.bucket(ms("America/Chicago", 2025, 12, 24, 23)))
    assert (eve.week_hour, eve.holiday) == (2 * 24 + 23, None)
    last = calendar.slot(calendar.bucket(ms("America/Chicago", 2025, 12, 25, 23)))
    after = calendar.slot(calendar.bucket(ms("America/Chicago", 2025, 12, 26, 0)))
    assert (last.holiday, after.holiday) == ("Christmas Day", None)


def test_the_leap_day_is_a_day_like_others() -> None:
    assert hours_of_day(CHICAGO, 2028, 2, 29) == list(range(24))
    leap = CHICAGO.slot(CHICAGO.bucket(ms("America/Chicago", 2028, 2, 29, 0)))
    assert leap.week_hour == 1 * 24
    assert CHICAGO.slot(CHICAGO.bucket(ms("America/Chicago", 2028, 3, 1, 0))).day == leap.day + 1


def test_looking_up_many_buckets_gives_each_its_own_slot() -> None:
    calendar = Calendar("America/Chicago", {})
    start = calendar.bucket(ms("America/Chicago", 2026, 5, 4, 0))
    assert [calendar.slot(start + hour).week_hour for hour in range(1_000)] == [hour % 168 for hour in range(1_000)]
    assert calendar.slot(start).week_hour == 0
