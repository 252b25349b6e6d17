"""Kinds of days: what they are, what is learned of them, and holidays that nobody listed."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from schemas.log_record import VERSION, History, HistoryCell
from services.detector.domain.calendar import Calendar, Slot
from services.detector.domain.daytypes import DayType, day_type
from services.detector.domain.seasons import KINDS, Seasons
from services.detector.domain.unlisted import Unlisted
from tests.detector_world import CONFIG, HOUR, MINUTE, World, alerts, configured

THANKSGIVING = date(2025, 11, 27)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2025, 11, 27), DayType.HOLIDAY),
        (date(2025, 11, 28), DayType.AFTER_HOLIDAY),
        (date(2025, 11, 29), DayType.MONTH_END),
        (date(2025, 12, 1), DayType.MONTH_START),
        (date(2025, 12, 3), DayType.MONTH_START),
        (date(2025, 12, 4), DayType.ORDINARY),
        (date(2025, 12, 15), DayType.MID_MONTH),
        (date(2025, 12, 17), DayType.ORDINARY),
        (date(2025, 12, 30), DayType.MONTH_END),
        (date(2028, 2, 27), DayType.ORDINARY),
        (date(2028, 2, 28), DayType.MONTH_END),
    ],
)
def test_each_day_has_one_kind(day: date, kind: DayType) -> None:
    assert day_type(day, {THANKSGIVING}) == kind


def test_the_day_after_a_holiday_on_a_friday_is_the_monday_and_a_holiday_on_a_sunday_has_none() -> None:
    friday, sunday = date(2025, 7, 4), date(2025, 8, 10)
    assert [day_type(date(2025, 7, day), {friday}) for day in (5, 6, 7)] == [
        DayType.ORDINARY,
        DayType.ORDINARY,
        DayType.AFTER_HOLIDAY,
    ]
    assert day_type(date(2025, 8, 11), {sunday}) == DayType.ORDINARY


def after(days: int, factors: list[float], calls: float = 20.0) -> Seasons:
    """What is learned from some days of a month's beginning on which each need came so many times as often."""
    seasons = Seasons()
    seasons.grow(len(factors))
    expected = np.full(len(factors), calls)
    for _ in range(24 * days):
        seasons.learn(DayType.MONTH_START, expected * np.array(factors), expected)
    return seasons


def test_nothing_is_assumed_of_a_kind_of_day() -> None:
    seasons = Seasons()
    seasons.grow(3)
    assert [seasons.factors(DayType(kind)).tolist() for kind in range(KINDS)] == [[1.0] * 3] * KINDS


def test_a_need_that_comes_more_often_at_the_beginning_of_the_month_is_expected_more_often_after_a_year() -> None:
    one, year = after(1, [1.4, 1.0, 1.0]), after(36, [1.4, 1.0, 1.0])
    assert 1.0 < one.factors(DayType.MONTH_START)[0] < 1.2
    assert year.factors(DayType.MONTH_START)[0] == pytest.approx(1.4, abs=0.05)
    assert year.factors(DayType.MONTH_START)[1] == pytest.approx(1.0, abs=0.05)
    assert year.factors(DayType.MID_MONTH).tolist() == [1.0, 1.0, 1.0]


def test_a_need_without_calls_of_its_own_takes_the_factor_of_all() -> None:
    seasons = after(36, [1.3] * 20 + [1.3])
    seasons.grow(22)
    factors = seasons.factors(DayType.MONTH_START)
    assert factors[21] == pytest.approx(factors[:20].mean(), abs=0.06)
    assert factors[21] > 1.1


def test_a_surge_on_such_a_day_is_no_custom() -> None:
    assert after(1, [50.0, 1.0, 1.0]).factors(DayType.MONTH_START)[0] < 1.6


def day_of(unlisted: Unlisted, ordinal: int, share: float, first: int = 0) -> None:
    """A day from some hour on: ten office needs at a share of their usual calls; a holiday would bring a tenth."""
    weekday = (ordinal - 1) % 7
    for hour in range(first, 24):
        usual = np.full(10, 3.0 if 8 <= hour < 18 and weekday < 5 else 0.3)
        sunday = np.full(10, 0.3)
        unlisted.learn(Slot(weekday * 24 + hour, ordinal, None), np.rint(usual * share), usual, sunday)


MONDAY = date(2025, 6, 2).toordinal()


def test_a_working_day_that_is_like_a_sunday_makes_the_next_one_a_day_after_a_holiday() -> None:
    unlisted = Unlisted()
    day_of(unlisted, MONDAY, 1.0)
    day_of(unlisted, MONDAY + 1, 0.1)
    tuesday, wednesday, thursday = (Slot((1 + day) * 24 + 9, MONDAY + 1 + day, None) for day in range(3))
    assert [unlisted.kind(slot) for slot in (tuesday, wednesday, thursday)] == [
        DayType.ORDINARY,
        DayType.AFTER_HOLIDAY,
        DayType.ORDINARY,
    ]


def test_a_friday_like_a_sunday_is_followed_by_a_monday_and_a_weekend_is_never_a_holiday() -> None:
    unlisted = Unlisted()
    day_of(unlisted, MONDAY + 4, 0.1)
    day_of(unlisted, MONDAY + 5, 0.1)
    assert unlisted.days == [MONDAY + 4]
    assert unlisted.kind(Slot(9, MONDAY + 7, None)) == DayType.AFTER_HOLIDAY


def test_an_outage_of_some_hours_is_no_holiday() -> None:
    unlisted = Unlisted()
    day_of(unlisted, MONDAY, 1.0)
    for hour in range(24):
        open_ = 8 <= hour < 18
        usual = np.full(10, 3.0 if open_ else 0.3)
        observed = usual * (0.1 if 9 <= hour < 12 else 1.0)
        unlisted.learn(Slot(24 + hour, MONDAY + 1, None), np.rint(observed), usual, np.full(10, 0.3))
    assert unlisted.days == []


# --- daylight saving, through the fold ----------------------------------------------------------------------------

OFFICE = range(8, 18)
PLACES = (("BD-1", "tx-1a"), ("BH", "tx-2"))


def office_calls(calendar: Calendar, bucket: int) -> int:
    """Three calls in each office hour, local time."""
    return 3 if calendar.slot(bucket).week_hour % 24 in OFFICE else 0


def over_the_change(year: int, month: int, day: int) -> tuple[World, int]:
    """A home area that knows three weeks of office hours, at the local midnight before clocks change."""
    calendar = Calendar("America/Chicago", {})
    midnight = round(datetime(year, month, day, tzinfo=ZoneInfo("America/Chicago")).timestamp() * 1000)
    start = midnight // HOUR - 6
    cells = []
    for hour in range(start - 21 * 24, start):
        for need, area in PLACES:
            calls = office_calls(calendar, calendar.bucket(hour * HOUR))
            cells += [HistoryCell(one, area, hour, "211", calls) for one in (need, "contacts") if calls]
    world = configured(msgspec.structs.replace(CONFIG, budget_per_week=0.5))
    world.put(History(VERSION, "crm", (start - 21 * 24) * HOUR, start * HOUR, tuple(cells)), "tx")
    world.one(at=start * HOUR + MINUTE)
    world.tick(midnight)
    return world, midnight


@pytest.mark.parametrize(("change", "hours"), [((2026, 3, 8), 23), ((2025, 11, 2), 25)])
def test_a_surge_amid_a_change_of_clocks_is_found_and_office_hours_move_with_the_clock(
    change: tuple[int, int, int], hours: int
) -> None:
    world, midnight = over_the_change(*change)
    calendar = world.home().scoring.calendar
    said = []
    for bucket in range(calendar.bucket(midnight), calendar.bucket(midnight) + 2 * hours):
        for number in range(office_calls(calendar, bucket)):
            for need, area in PLACES:
                said += world.one(need, area, at=calendar.start_ms(bucket) + (number * 17 + 3) * MINUTE)
    assert [alert.kind for alert in alerts(said)] == []
    days = [calendar.slot(bucket).day for bucket in range(calendar.bucket(midnight), calendar.bucket(midnight) + 50)]
    assert days.count(days[0]) == hours
    world, midnight = over_the_change(*change)
    said = world.burst(25, at=midnight + 90 * MINUTE, every=2 * MINUTE)
    assert {(alert.kind, alert.area) for alert in alerts(said)} == {("surge", "tx-1a")}
    assert calendar.bucket(alerts(said)[0].started_at.timestamp().__round__() * 1000) >= calendar.bucket(midnight)
