"""Closed desks and broken lines: nothing can be said of them, which is not the same as no calls."""

import msgspec
import pytest

from schemas.reference import OpenHours
from services.detector.domain.outputs import Output
from tests.detector_world import HOUR, MINUTE, REFERENCE, World, alerts, statuses
from tests.feeds_world import (
    CLOSES,
    DAY,
    OPENS,
    PLACES,
    STRICT,
    TODAY,
    Timed,
    at_midnight,
    exposure,
    first_of,
    level,
    play,
    surge,
    told,
    usual,
)

MONDAY = TODAY + DAY
OPENING = MONDAY + OPENS * HOUR


def levels(world: World) -> list[float]:
    return [level(world, need, area) for need, area in PLACES]


def states(said: list[Output]) -> dict[str, str]:
    return {source.source: source.state for source in statuses(said)[-1].sources}


def desk(world: World, start: int, end: int) -> list[Timed]:
    """The desk's usual calls from `start` on."""
    return [call for call in usual(world, "desk", MONDAY, end) if call[0] >= start]


def test_a_desk_that_is_closed_at_night_and_on_sundays_is_not_silent() -> None:
    world = at_midnight("desk")
    before = levels(world)
    said = world.tick(OPENING - MINUTE)
    assert states(said) == {"desk": "live"}
    assert not alerts(said)
    assert levels(world) == pytest.approx(before, rel=0.05)


def test_a_desk_that_opens_late_on_one_day_alerts_nobody() -> None:
    world = at_midnight("desk")
    before = levels(world)
    said = play(world, desk(world, OPENING + 3 * HOUR, MONDAY + DAY), MONDAY + DAY)
    assert not alerts(said)
    assert levels(world) == pytest.approx(before, rel=0.1)


def test_a_desk_that_never_opens_is_told_as_a_silent_feed_and_nothing_is_learned_from_it() -> None:
    world = at_midnight("desk")
    before = levels(world)
    said = world.tick(MONDAY + DAY)
    assert states(said) == {"desk": "silent"}
    assert {alert.kind for alert in alerts(said)} <= {"silence"}
    assert levels(world) == pytest.approx(before, rel=0.1)


def test_new_opening_hours_hold_at_once() -> None:
    """From today on the desk is closed on Mondays: no call is missed, nothing is learned, nobody is alarmed."""
    world = at_midnight("desk")
    before = levels(world)
    hours = tuple(OpenHours("desk", day, OPENS * 60, CLOSES * 60) for day in range(1, 5))
    world.references["new"] = msgspec.structs.replace(REFERENCE, hours=hours)
    config = msgspec.to_builtins(msgspec.structs.replace(STRICT, reference="new"))
    world.control("hours", "config", config, effective_at=world.now)
    said = world.tick(MONDAY + DAY)
    assert states(said) == {"desk": "live"}
    assert not alerts(said)
    assert levels(world) == pytest.approx(before, rel=0.02)


def broken_on_monday() -> tuple[World, list[Timed]]:
    """A line that is heard all day, and a desk that breaks at eleven for five hours."""
    world = at_midnight("crm", "desk")
    calls = usual(world, "crm", TODAY, MONDAY + DAY)
    eleven = MONDAY + 11 * HOUR
    return world, calls + [one for one in desk(world, OPENING, MONDAY + DAY) if not 0 <= one[0] - eleven < 5 * HOUR]


def test_a_line_that_breaks_takes_its_part_of_what_is_expected_with_it() -> None:
    world, calls = broken_on_monday()
    before = levels(world)
    said = play(world, calls, MONDAY + 14 * HOUR + MINUTE)
    assert exposure(world, 2) == pytest.approx(1 / 3, abs=0.15)
    rest = [call for call in calls if call[0] > MONDAY + 14 * HOUR + MINUTE]
    said += play(world, rest, MONDAY + DAY)
    assert {alert.kind for alert in alerts(said)} == {"silence"}
    assert {alert.source for alert in alerts(said)} == {"desk"}
    assert levels(world) == pytest.approx(before, rel=0.1)


def test_a_surge_is_found_in_the_line_that_still_works() -> None:
    world, calls = broken_on_monday()
    onset = MONDAY + 13 * HOUR + 5 * MINUTE
    said = play(world, calls + surge(world, "crm", onset, 20, 60), onset + 2 * HOUR)
    found = first_of([one for one in said if getattr(one.value, "kind", "") == "surge"])
    assert found is not None
    assert (found.need or "").startswith("BD")


def test_calls_of_a_broken_line_that_another_line_takes_are_no_surge() -> None:
    world = at_midnight("crm", "desk")
    calls = usual(world, "crm", TODAY, MONDAY + DAY)
    lost = [call for _, call in desk(world, OPENING, MONDAY + DAY)]
    calls += [told(world, "crm", str(call.needs[0]), str(call.area), call.time) for call in lost]
    said = play(world, calls, MONDAY + DAY)
    assert {alert.kind for alert in alerts(said)} <= {"silence"}
