"""Honest warm-up: what is said before the usual is known, and needs that are new where the usual is known."""

import msgspec
import pytest

from schemas.log_record import VERSION, History, HistoryCell
from schemas.reference import Need
from schemas.space_config import SpaceConfig
from services.detector.domain.snapshot import to_blocks
from tests.detector_world import (
    CONFIG,
    HOUR,
    MINUTE,
    REFERENCE,
    START,
    USUAL,
    WARM,
    World,
    alerts,
    configured,
    points,
    statuses,
    usual_calls,
    warm,
)

DISASTER = (Need("TH", "", "Disaster", "Catastrophe", "Desastre"), Need("TH-26", "TH", "Shelter", "Refuge", "Refugio"))


def clumpy(config: SpaceConfig = CONFIG) -> World:
    """A warm home area in which callers report several things at once: its counts scatter far more than a Poisson's."""
    world = World()
    world.configure(config)
    first = START // HOUR - 21 * 24
    cells = []
    for hour in range(first, START // HOUR):
        for place, (need, area) in enumerate(USUAL):
            calls = usual_calls(hour, place) * (5 if (hour * 7 + place) % 11 == 0 else 1)
            cells += [HistoryCell(one, area, hour, "211", calls) for one in (need, "contacts") if calls]
    world.put(History(VERSION, "crm", first * HOUR, START, tuple(cells)), "tx")
    world.one("BD-1", "tx-1b", at=START + MINUTE)
    world.usual(START + 6 * HOUR)
    world.tick(WARM)
    return world


def with_disaster(world: World) -> World:
    """The same with codes for disasters, which nobody has used so far."""
    world.references["disaster"] = msgspec.structs.replace(REFERENCE, needs=(*REFERENCE.needs, *DISASTER))
    world.configure(msgspec.structs.replace(CONFIG, reference="disaster"), name="disaster")
    return world


def twelve(world: World, need: str, area: str, **more: str) -> list:  # type: ignore[type-arg]
    """Twelve calls within two hours."""
    said, begin = [], world.now + 5 * MINUTE
    for number in range(12):
        said += world.one(need, area, at=begin + number * 10 * MINUTE, **more)
    return said + world.tick(begin + 2 * HOUR)


@pytest.mark.parametrize("clumps", [False, True])
@pytest.mark.parametrize(("need", "area"), [("TH-26", "tx-1a"), ("BD-2", "tx-1b"), ("TH-26", "tx")])
def test_twelve_first_calls_of_a_need_raise_within_two_hours(need: str, area: str, clumps: bool) -> None:
    world = with_disaster(clumpy() if clumps else warm())
    told = [alert for alert in alerts(twelve(world, need, area)) if alert.kind == "surge"]
    assert told
    nodes = world.home().scoring.nodes
    assert nodes.needs.covers(told[-1].need or "", need)
    assert nodes.areas.covers(told[-1].area, area)
    assert told[-1].expected < 3.0
    assert told[-1].severity in ("severe", "extreme")


def test_a_cold_home_area_raises_no_surge_and_says_that_it_is_warming_up_and_for_how_long() -> None:
    world = with_disaster(configured())
    world.one("BH", "tx-2", at=START + MINUTE)
    said = twelve(world, "TH-26", "tx-1a")
    assert alerts(said) == []
    status = statuses(said)[-1]
    assert (status.state, status.warming_hours) == ("warming", 14 * 24)
    assert status.sources[0].state == "warming"
    assert all(point.warming for point in points(said))


def test_hours_to_come_are_counted_down_until_it_is_live() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    told = statuses(world.tick(START + 16 * 24 * HOUR))
    hours = [status.warming_hours for status in told]
    assert hours == sorted(hours, reverse=True)
    assert {status.state for status in told if status.warming_hours} == {"warming"}
    assert {status.state for status in told if not status.warming_hours} == {"live"}


def test_points_warm_up_for_a_week() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    said = world.usual(START + 8 * 24 * HOUR)
    first, last = points(said)[0], points(said)[-1]
    assert (first.warming, last.warming) == (True, False)


def test_a_warm_home_area_says_nothing_of_warming_up() -> None:
    said = warm().usual(WARM + 2 * HOUR)
    assert not any(point.warming for point in points(said))
    assert {(status.state, status.warming_hours, status.warming_series) for status in statuses(said)} == {
        ("live", 0, 0)
    }


def test_what_a_new_feed_brings_warms_up_in_a_home_area_that_is_live() -> None:
    """A centre that joins brings needs nobody told of before: that is no rise, until its usual is known."""
    world = with_disaster(warm())
    world.usual(WARM + 2 * HOUR)
    said = twelve(world, "TH-26", "tx-1a", source="joined")
    assert [alert for alert in alerts(said) if alert.kind == "surge"] == []
    assert statuses(said)[-1].warming_series > 0
    mine = [point for point in points(said) if point.need == "TH-26"]
    assert mine
    assert all(point.warming for point in mine)
    assert not any(point.warming for point in points(said) if (point.need, point.area) == ("BD-1", "tx-1a"))
    assert to_blocks(world.restarted().state) == to_blocks(world.state)
