"""Fixed rules of an emergency plan, through the fold."""

import msgspec
import pytest

from schemas.alert import Alert
from schemas.reference import Trigger
from services.detector.domain.snapshot import to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, SECOND, START, WARM, World, alerts, warm

PLAN = Trigger("BD", "tx-1", 20, 3, "Open the pantry.", "Ouvrir la réserve.", "Abrir la despensa.", "extreme")


def planned(*triggers: Trigger, world: World | None = None) -> World:
    """A world with these rules: a cold one unless another is given."""
    world = world or World()
    world.references["plan"] = msgspec.structs.replace(REFERENCE, triggers=triggers)
    world.configure(msgspec.structs.replace(CONFIG, reference="plan"), name=f"plan{len(triggers)}", effective_at=START)
    return world


def triggered(said: list) -> list[Alert]:  # type: ignore[type-arg]
    return [alert for alert in alerts(said) if alert.kind == "trigger"]


def test_a_rule_that_is_met_raises_at_the_next_grid_point_in_a_home_area_that_knows_nothing_yet() -> None:
    world = planned(PLAN)
    assert triggered(world.burst(19, at=START + MINUTE) + world.tick(START + 2 * MINUTE)) == []
    told = triggered(world.one("BD-2", "tx-1b", at=START + 3 * MINUTE) + world.tick(START + 4 * MINUTE))
    assert len(told) == 1
    alert = told[0]
    assert alert.raised_at.timestamp() * 1000 == START + 3 * MINUTE + CONFIG.grid_ms
    assert (alert.need, alert.area, alert.status, alert.severity) == ("BD", "tx-1", "rising", "extreme")
    assert (alert.observed, alert.expected, alert.ratio, alert.budget_needed) == (20, 0.0, None, 0.0)
    assert alert.explanation.en == (
        "20 calls in the last 3 hours; the rule of the emergency plan is 20 in 3 hours. "
        "What is usual here is not known yet. Open the pantry."
    )
    assert alert.explanation.fr.endswith("Ouvrir la réserve.")
    assert alert.explanation.es.endswith("Abrir la despensa.")
    assert alert.headline.en == "Plan rule met: Food, North"


def test_a_rule_counts_by_the_minute_and_not_by_the_hour() -> None:
    world = planned(PLAN)
    world.burst(10, at=START + 30 * MINUTE)
    just_out = world.burst(10, at=START + 3 * HOUR + 32 * MINUTE) + world.tick(START + 3 * HOUR + 33 * MINUTE)
    assert triggered(just_out) == []
    world = planned(PLAN)
    world.burst(10, at=START + 30 * MINUTE)
    just_in = world.burst(10, at=START + 3 * HOUR + 28 * MINUTE) + world.tick(START + 3 * HOUR + 29 * MINUTE)
    assert len(triggered(just_in)) == 1


def test_calls_elsewhere_and_of_other_needs_do_not_count_and_a_call_with_two_needs_counts_once() -> None:
    world = planned(PLAN)
    world.burst(30, "BH", "tx-1a", at=START + MINUTE)
    world.burst(30, "BD-1", "tx-2", at=START + 2 * MINUTE)
    for number in range(10):
        world.calls(world.call(at=START + 3 * MINUTE + number, needs=("BD-1", "BD-2")), at=START + 3 * MINUTE + number)
    assert triggered(world.tick(START + 4 * MINUTE)) == []
    assert len(triggered(world.burst(10, at=START + 5 * MINUTE) + world.tick(START + 6 * MINUTE))) == 1


def test_what_is_taken_back_does_not_count_and_a_repeat_counts_once() -> None:
    world = planned(PLAN)
    calls = [world.call(at=START + MINUTE) for _ in range(19)]
    world.calls(*calls, at=START + MINUTE)
    world.calls(*calls, at=START + MINUTE + SECOND)
    world.calls(msgspec.structs.replace(calls[0], revision=1, void=True), at=START + 2 * MINUTE)
    world.calls(msgspec.structs.replace(calls[1], revision=1, needs=("BH",)), at=START + 2 * MINUTE)
    assert triggered(world.burst(2, at=START + 3 * MINUTE) + world.tick(START + 4 * MINUTE)) == []
    assert len(triggered(world.one(at=START + 5 * MINUTE) + world.tick(START + 6 * MINUTE))) == 1


def test_an_alert_eases_when_its_rule_is_no_longer_met_and_ends_after_its_dwell_and_is_never_doubled() -> None:
    world = planned(PLAN)
    said = world.burst(40, at=START + MINUTE)
    for half_hour in range(1, 20):
        said += world.tick(START + half_hour * 30 * MINUTE)
    told = triggered(said)
    assert len({alert.id for alert in told}) == 1
    assert [alert.version for alert in told] == list(range(1, len(told) + 1))
    statuses = list(dict.fromkeys(alert.status for alert in told))
    assert statuses == ["rising", "easing", "ended"]
    easing = next(alert for alert in told if alert.status == "easing")
    assert 0 <= (easing.updated_at.timestamp() * 1000 - (START + 3 * HOUR)) <= 10 * MINUTE
    assert (told[-1].updated_at - easing.updated_at).total_seconds() * 1000 >= 3 * HOUR
    assert told[-1].observed == 40
    again = triggered(world.burst(25, at=world.now + MINUTE) + world.tick(world.now + 2 * MINUTE))
    assert {alert.version for alert in again} >= {1}
    assert not {alert.id for alert in again} & {alert.id for alert in told}


def test_a_rule_and_a_surge_of_the_same_calls_are_two_alerts_whatever_the_budget() -> None:
    world = planned(PLAN, world=warm(msgspec.structs.replace(CONFIG, budget_per_week=1.0)))
    said = world.burst(40, at=WARM + 8 * MINUTE) + world.tick(WARM + 10 * MINUTE)
    assert {alert.kind for alert in alerts(said)} == {"surge", "trigger"}
    trigger = triggered(said)[-1]
    assert 0.0 < trigger.expected < 5.0
    assert world.home().status(world.now).raised_week == 1
    assert world.home().status(world.now).open_alerts == 2


def test_what_a_person_ended_stays_quiet_until_the_rule_was_not_met() -> None:
    world = planned(PLAN)
    alert = triggered(world.burst(25, at=START + MINUTE) + world.tick(START + 2 * MINUTE))[-1]
    ended = triggered(
        world.control("e", "end", {"alert_id": alert.id}, home_area="tx") + world.tick(START + 3 * MINUTE)
    )
    assert [(one.status, one.ended_by) for one in ended] == [("ended", "ana")]
    assert triggered(world.burst(10, at=START + 4 * MINUTE) + world.tick(START + 5 * MINUTE)) == []
    world.tick(START + 5 * HOUR)
    assert (
        len({one.id for one in triggered(world.burst(25, at=world.now + MINUTE) + world.tick(world.now + HOUR))}) == 1
    )


def test_a_rule_that_comes_while_running_knows_the_calls_of_the_hours_before_and_one_that_goes_ends_its_alert() -> None:
    world = planned()
    world.burst(18, at=START + MINUTE)
    world.tick(START + 2 * MINUTE)
    planned(PLAN, world=world)
    told = triggered(world.burst(2, at=START + 10 * MINUTE) + world.tick(START + 11 * MINUTE))
    assert [alert.observed for alert in told] == [20]
    gone = triggered(world.configure(CONFIG, name="without"))
    assert [(alert.id, alert.status, alert.ended_by) for alert in gone] == [(told[0].id, "ended", "plan")]
    assert gone[0].explanation.en.endswith("The plan no longer has this rule.")


@pytest.mark.parametrize("seconds", [0, 59, 7_000])
def test_a_restart_in_between_changes_nothing(seconds: int) -> None:
    one = planned(PLAN)
    one.burst(19, at=START + MINUTE)
    one.tick(START + 2 * MINUTE + seconds * SECOND)
    other = one.restarted()
    for world in (one, other):
        world.ids = iter(range(10**6, 10**7))
    later = one.now + MINUTE
    said = [world.burst(15, at=later) + world.tick(later + 9 * HOUR) for world in (one, other)]
    assert said[0] == said[1]
    assert to_blocks(one.state) == to_blocks(other.state)
