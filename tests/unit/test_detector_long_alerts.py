"""Alerts that last longer than hours are kept: what they say goes on to be the whole of it."""

import itertools
from collections.abc import Mapping
from functools import cache

import msgspec
import pytest

from schemas.alert import Alert
from schemas.reference import Trigger
from services.detector.domain.past_hours import KEPT_HOURS
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, World, alerts
from tests.unit.test_detector_odd_series import USUAL, Place, steady, warmed

RULE = Trigger("BD", "tx", 20, 6)
PLANNED = msgspec.structs.replace(REFERENCE, triggers=(RULE,))
BUSY: Mapping[Place, int] = {("BD-1", "tx-1a"): 2, ("BH", "tx-2"): 1}
"""Records an hour; each stands for four calls."""
USUAL_AN_HOUR = float(USUAL["BD-1", "tx-1a"])


def planned() -> World:
    """A world that knows its usual, with a rule for food anywhere."""
    world = warmed()
    world.references["plan"] = PLANNED
    world.configure(msgspec.structs.replace(CONFIG, reference="plan"), name="plan")
    return world


def of_rule(told: list[Alert]) -> list[Alert]:
    return [alert for alert in told if alert.kind == "trigger"]


@cache
def four_days() -> tuple[list[Alert], dict[str, bytes]]:
    """What the rule said in 100 hours of eight calls an hour where three are usual, and the state after them."""
    world = planned()
    told = of_rule(steady(world, KEPT_HOURS + 28, BUSY, count=4))
    return told, to_blocks(world.state)


def lasted(alert: Alert) -> float:
    return (alert.updated_at - alert.started_at).total_seconds() * 1000 / HOUR


def test_what_is_usual_since_a_rule_was_met_goes_on_to_grow_after_three_days() -> None:
    told = four_days()[0]
    assert len({alert.id for alert in told}) == 1
    assert lasted(told[-1]) > KEPT_HOURS + 24
    for alert in told:
        if lasted(alert) >= 12:
            assert alert.expected / lasted(alert) == pytest.approx(USUAL_AN_HOUR, rel=0.35)
    days = [alert for alert in told if lasted(alert) >= KEPT_HOURS]
    assert all(new.expected >= old.expected for old, new in itertools.pairwise(days))
    growth = days[-1].expected - days[0].expected
    assert growth / (lasted(days[-1]) - lasted(days[0])) == pytest.approx(USUAL_AN_HOUR, rel=0.6)


def hours_told_late(world: World, hours: int) -> list[Alert]:
    """The same calls, each pair the other way round and after its hour."""
    said, first = [], -(-world.now // HOUR)
    end = (first + hours) * HOUR
    for hour in range(first, first + hours):
        at = [hour * HOUR + part * HOUR // 4 for part in (1, 3)]
        late = [world.call("BD-1", "tx-1a", at=time, count=4) for time in reversed(at)]
        soon = world.call("BH", "tx-2", at=at[0], count=4)
        said += world.calls(soon, at=at[0]) + world.calls(*late, at=min(hour * HOUR + 66 * MINUTE, end - MINUTE))
    return alerts(said + world.tick(end))


def test_the_order_in_which_calls_come_before_the_seal_changes_nothing_in_the_end() -> None:
    in_time, late = planned(), planned()
    begun = [of_rule(steady(world, 12, BUSY, count=4)) for world in (in_time, late)]
    assert begun[0] == begun[1]
    steady(in_time, 10, BUSY, count=4)
    hours_told_late(late, 10)
    for world in (in_time, late):
        steady(world, KEPT_HOURS + 2, BUSY, count=4)
    one, other = (world.home().kinds.open_cases()[0] for world in (in_time, late))
    assert one.carried[1] > 0.0
    assert (one.id, one.observed, one.carried) == (other.id, other.observed, other.carried)
    assert one.expected == pytest.approx(other.expected, rel=0.01)  # two hours are not sealed: some calls may be late


def test_a_restart_in_a_long_alert_of_a_rule_changes_nothing() -> None:
    worlds = [World(from_blocks(four_days()[1], lambda _: PLANNED), {"usual": PLANNED, "plan": PLANNED})]
    worlds.append(worlds[0].restarted())
    for world in worlds:
        world.ids = itertools.count(10**7)
    said = [of_rule(steady(world, 12, BUSY, count=4)) for world in worlds]
    assert said[0] == said[1]
    assert said[0]
    assert said[0][-1].expected > four_days()[0][-1].expected + 6 * USUAL_AN_HOUR * 0.5
