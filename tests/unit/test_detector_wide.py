"""A wide disaster: many series rise at once, and it is told as one alert on all calls."""

import msgspec
import pytest

from schemas.log_record import VERSION, Control, History, HistoryCell, LogCall
from schemas.reference import Area, Need, Reference
from services.detector.domain.choice import together_by_chance
from services.detector.domain.outputs import Output
from tests.detector_world import CONFIG, HOUR, START, World, alerts

NEEDS, AREAS, DAYS = 5, 6, 15
REFERENCE = Reference(
    areas=(Area("h", "", "Home"), *(Area(f"h-{i}", "h", f"Area {i}") for i in range(AREAS))),
    needs=tuple(Need(f"B{i}", "", f"Need {i}", f"Besoin {i}", f"Necesidad {i}") for i in range(NEEDS)),
)
SERIES = [(f"B{i}", f"h-{j}") for i in range(NEEDS) for j in range(AREAS)]


def usual(hour: int, number: int, heavy: int) -> int:
    """0, 1 or 2, a call an hour on average; so many more of the last need."""
    return (0, 1, 2, 1)[(hour + number) % 4] + (heavy if SERIES[number][0] == "B4" else 0)


def warm(heavy: int = 0) -> World:
    """A home area of thirty series that has learned two weeks."""
    world = World(references={"usual": REFERENCE})
    world.put(Control(VERSION, "config", "config", START, START, "ana", msgspec.to_builtins(CONFIG)))
    hours = range(START // HOUR - DAYS * 24, START // HOUR)
    cells = [
        HistoryCell(code, area, hour, "211", usual(hour, number, heavy))
        for hour in hours
        for number, (need, area) in enumerate(SERIES)
        if usual(hour, number, heavy)
        for code in (need, "contacts")
    ]
    world.put(History(VERSION, "crm", hours[0] * HOUR, START, tuple(cells)), "h")
    return world


def pass_hours(world: World, hours: int, more: dict[int, int], heavy: int = 0) -> list[Output]:
    """Hours of usual calls, and so many more on some series, every quarter of an hour a record."""
    said: list[Output] = []
    first = max(START, world.now) // HOUR
    for hour in range(first, first + hours):
        calls: list[list[LogCall]] = [[], [], [], []]
        for number, (need, area) in enumerate(SERIES):
            for one in range(usual(hour, number, heavy) + more.get(number, 0)):
                quarter = (one + number) % 4
                calls[quarter].append(world.call(need, area, at=hour * HOUR + quarter * HOUR // 4 + HOUR // 8))
        for quarter, together in enumerate(calls):
            said += (
                world.calls(*together, at=hour * HOUR + quarter * HOUR // 4 + HOUR // 8, key="h") if together else []
            )
        said += world.tick((hour + 1) * HOUR)
    return said


def test_thirty_percent_of_the_series_at_two_sd_are_one_alert_on_all_calls() -> None:
    world = warm()
    pass_hours(world, 8, {})
    rising = dict.fromkeys((0, 3, 7, 10, 14, 17, 21, 24, 28), 2)
    told = {alert.id: alert for alert in alerts(pass_hours(world, 24, rising)) if alert.kind == "surge"}
    speaking = [alert for alert in told.values() if alert.status != "ended"]
    assert [(alert.need, alert.area, alert.status) for alert in speaking] == [("contacts", "h", "rising")]
    assert len(told) <= 4
    assert "All calls" in speaking[0].headline.en
    areas = [driver for driver in speaking[0].drivers if driver.need == "contacts"]
    needs = [driver for driver in speaking[0].drivers if driver.area == "h"]
    assert len(areas) + len(needs) == len(speaking[0].drivers)
    for parts in (areas, needs):
        assert 0 < sum(driver.observed for driver in parts) <= speaking[0].observed


def test_needs_that_few_calls_are_about_are_told_one_by_one() -> None:
    world = warm(heavy=4)
    pass_hours(world, 8, {}, heavy=4)
    said = alerts(pass_hours(world, 16, {0: 5, 8: 5, 16: 5}, heavy=4))
    assert {alert.need for alert in said if alert.kind == "surge"} == {"B0", "B1", "B2"}


def test_a_wide_alert_is_the_same_after_a_restart() -> None:
    one = warm()
    pass_hours(one, 8, {})
    rising = dict.fromkeys(range(0, 30, 3), 2)
    pass_hours(one, 10, rising)
    other = one.restarted()
    more = alerts(pass_hours(one, 3, rising))
    assert more == alerts(pass_hours(other, 3, rising))
    assert "contacts" in {alert.need for alert in more}


@pytest.mark.parametrize(("budget", "alerts_at_once"), [(0.1, 3), (3.0, 3), (10.0, 5), (50.0, 11)])
def test_a_larger_budget_asks_more_alerts_at_once_of_a_wide_disaster(budget: float, alerts_at_once: int) -> None:
    assert together_by_chance(budget) == alerts_at_once
