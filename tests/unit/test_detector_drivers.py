"""Of which areas and needs a rise is made: parts that share no call, and that sum to no more than the whole."""

from collections.abc import Mapping
from functools import cache
from itertools import combinations

import pytest

from schemas.alert import Alert, Driver
from services.detector.domain.alerts import Episode
from services.detector.domain.drivers import MOST, drivers
from services.detector.domain.past_hours import KEPT_HOURS
from services.detector.domain.scoring import Scoring
from tests.detector_world import HOUR, MINUTE, WARM, warm
from tests.unit.test_detector_odd_series import Place, steady, warmed

Trees = tuple[list[Driver], list[Driver]]
RISES: Mapping[Place, int] = {("BD-1", "tx-1a"): 2, ("BD-2", "tx-1b"): 2}
"""Records an hour; each stands for four calls."""


def trees(alert: Alert) -> Trees:
    """By area and by need, as the page tells them apart."""
    areas = [one for one in alert.drivers if one.need == alert.need]
    return areas, [one for one in alert.drivers if one.need != alert.need and one.area == alert.area]


def sums_of(parts: list[Driver]) -> tuple[int, float]:
    return sum(one.observed for one in parts), sum(one.expected for one in parts)


@cache
def scoring() -> Scoring:
    """Rises of many sizes at every leaf of a warm home area, in this hour."""
    world = warm()
    for number, place in enumerate((("BD-1", "tx-1a"), ("BD-1", "tx-1b"), ("BD-2", "tx-1b"), ("BH", "tx-2"))):
        world.burst(4 + 3 * number, *place, at=WARM + (2 * number + 1) * MINUTE)
    world.tick(WARM + 10 * MINUTE)
    return world.home().scoring


def test_parts_of_either_tree_share_no_call_and_hold_no_more_than_the_whole() -> None:
    nodes, told = scoring().nodes, 0
    for node, (need, area) in enumerate(nodes.names):
        episode = Episode(node, WARM, scoring().open_bucket)
        found = drivers(episode, scoring(), 0.2)
        whole = scoring().totals(node, episode.since, 0.2)
        areas = [one for one in found if one.need == need]
        needs = [one for one in found if one.need != need]
        assert all(one.area == area for one in needs)
        assert len(found) <= MOST
        assert [one.observed - one.expected for one in found] == pytest.approx(
            sorted((one.observed - one.expected for one in found), reverse=True), abs=0.02
        )
        for parts in (areas, needs):
            numbers = [nodes.find(one.need, one.area) for one in parts]
            assert None not in numbers
            assert all(nodes.meet(one or 0, other or 0) is None for one, other in combinations(numbers, 2))
            assert sums_of(parts)[0] <= whole.observed
            told += len(parts)
    assert told > len(nodes) / 2


def test_the_finest_parts_are_told_that_leave_room_for_the_others() -> None:
    node = scoring().nodes.find("contacts", "tx")
    assert node is not None
    found = drivers(Episode(node, WARM, scoring().open_bucket), scoring(), 0.2)
    assert {one.area for one in found if one.need == "contacts"} == {"tx-1a", "tx-1b", "tx-2"}
    assert {one.need for one in found if one.need != "contacts"} == {"BD-1", "BD-2", "BH"}


def test_the_parts_of_an_alert_of_five_days_hold_all_its_calls() -> None:
    world = warmed()
    told = steady(world, KEPT_HOURS + 6, RISES, count=4)
    world = world.restarted()
    told += steady(world, 42, RISES, count=4)
    last = [alert for alert in told if alert.kind == "surge" and alert.need == "BD"][-1]
    assert (last.updated_at - last.started_at).total_seconds() * 1000 > (KEPT_HOURS + 24) * HOUR
    for parts in trees(last):
        observed, expected = sums_of(parts)
        assert len(parts) == 2
        assert observed == last.observed
        assert expected == pytest.approx(last.expected, rel=0.25)
