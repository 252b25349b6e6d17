"""What people say afterwards: labels, declared events and retractions, and what the model has learned then."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from schemas.alert import Alert
from schemas.output import SealedHour
from services.detector.domain.snapshot import to_blocks
from tests.detector_world import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    USUAL,
    WARM,
    World,
    alerts,
    points,
    rejections,
    sealed,
    statuses,
    warm,
)

SURGE = WARM + 8 * MINUTE
MODEL = ("tx|bank", "tx|profiles")


def surged(hours: int, before: Any = None) -> tuple[World, Alert]:
    """A world some hours after a burst of calls, and the newest version of its alert."""
    world = warm()
    if before is not None:
        before(world)
    said = world.burst(30, at=SURGE) + world.usual(WARM + hours * HOUR)
    return world, alerts(said)[-1]


@cache
def _blocks(hours: int) -> tuple[dict[str, bytes], Alert]:
    world, alert = surged(hours)
    return to_blocks(world.state), alert


def after(hours: int) -> tuple[World, Alert]:
    """The same, computed once."""
    from services.detector.domain.snapshot import from_blocks

    blocks, alert = _blocks(hours)
    fresh = World()
    return World(from_blocks(blocks, fresh.references.__getitem__)), alert


def model(world: World) -> list[bytes]:
    """What was learned."""
    blocks = to_blocks(world.state)
    return [blocks[name] for name in MODEL]


def level(world: World, need: str = "BD-1", area: str = "tx-1a") -> float:
    """Calls in an average hour of a node."""
    scoring = world.home().scoring
    node = scoring.nodes.find(need, area)
    assert node is not None
    return float(scoring.bank.level(np.array([node]))[0])


def say(world: World, label: str | None, alert: Alert, name: str = "l1") -> list[Any]:
    """A label, effective now."""
    return world.control(name, "label", {"alert_id": alert.id, "label": label}, effective_at=world.now, home_area="tx")


def declare(world: World, name: str = "e1", **more: Any) -> list[Any]:
    """An event in the north, effective now."""
    body = {"event_id": "heat", "name": "Heat wave", "areas": ["tx-1"], "needs": ["BD"], "start": START} | more
    return world.control(name, "event", body, effective_at=world.now)


def test_learning_again_without_a_word_ends_in_the_same_model() -> None:
    world, _ = after(12)
    before = model(world)
    scoring = world.home().scoring
    assert sum(1 for _ in scoring.learn_again(START // HOUR, lambda _: None)) > 10
    assert model(world) == before


def test_a_data_problem_is_learned_as_if_its_hours_had_not_been_seen() -> None:
    world, alert = after(12)
    seen = level(world)
    say(world, "data_problem", alert)
    known, calendar = world.home().labels.alerts[alert.id], world.home().scoring.calendar
    assert known.until is not None
    start, end = calendar.start_ms(known.since), calendar.start_ms(known.until)
    unseen, _ = surged(12, lambda one: declare(one, areas=["tx-1a"], needs=["BD-1"], start=start, end=end))
    assert level(world) != seen
    assert model(world) == model(unseen)


def test_a_label_the_morning_after_and_an_event_declared_before_teach_the_same() -> None:
    early, _ = surged(12, lambda one: declare(one, needs=[], areas=["tx"], start=START, end=SURGE + 6 * HOUR))
    late, _ = after(12)
    assert model(late) != model(early)
    declare(late, needs=[], areas=["tx"], start=START, end=SURGE + 6 * HOUR)
    assert model(late) == model(early)


@pytest.mark.parametrize("label", ["expected_event", "data_problem"])
def test_a_label_that_is_taken_back_leaves_no_trace(label: str) -> None:
    world, alert = after(12)
    before = model(world)
    say(world, label, alert)
    assert model(world) != before
    say(world, None, alert, "l2")
    assert model(world) == before
    say(world, "real_surge", alert, "l3")
    assert model(world) == before


def test_while_an_alert_is_open_a_label_holds_for_its_next_hours_too() -> None:
    world, alert = after(2)
    say(world, "data_problem", alert)
    before = level(world)
    world.burst(60, at=world.now + MINUTE, every=MINUTE)
    world.usual(world.now + 4 * HOUR)
    assert world.home().watch.episodes
    assert level(world) == before


def test_a_new_normal_ends_the_alert_and_the_level_is_new() -> None:
    world = warm()
    said = []
    for hour in range(10):
        said += world.burst(10, at=world.now - world.now % HOUR + HOUR + MINUTE, every=5 * MINUTE)
        said += world.tick(WARM + (hour + 1) * HOUR)
    alert = alerts(said)[-1]
    before = level(world)
    assert alert.status == "rising"
    assert before < 4
    say(world, "new_normal", alert)
    assert level(world) > 6
    last = alerts(world.tick(world.now + SECOND))
    assert [(one.id, one.status, one.ended_by) for one in last] == [(alert.id, "ended", "ana")]
    said = []
    for hour in range(10, 20):
        said += world.burst(10, at=world.now - world.now % HOUR + HOUR + MINUTE, every=5 * MINUTE)
        said += world.tick(WARM + (hour + 1) * HOUR)
    assert [one for one in alerts(said) if one.kind == "surge" and one.status == "rising"] == []
    assert 8 < level(world) < 12


def test_a_false_alarm_stands_in_the_budgets_account_for_a_week() -> None:
    world, alert = after(12)
    before = model(world)
    say(world, "false_alarm", alert)
    assert statuses(world.tick(world.now + MINUTE))[-1].false_alarms_week == 1
    assert model(world) == before
    assert world.home().labels.false_alarms(world.now + 8 * 24 * HOUR) == 0


@pytest.mark.parametrize("label", ["real_surge", "expected_event"])
def test_what_had_a_cause_counts_against_no_budget_until_the_label_is_taken_back(label: str) -> None:
    world, alert = after(12)
    say(world, label, alert)
    assert world.restarted().home().quiet.caused == {world.home().quiet.alerts[alert.id]}
    say(world, None, alert, "l2")
    assert world.restarted().home().quiet.caused == set()


@pytest.mark.parametrize("label", ["false_alarm", "data_problem", "new_normal"])
def test_what_nobody_wanted_goes_on_counting_against_the_budget(label: str) -> None:
    world, alert = after(12)
    say(world, label, alert)
    assert (world.home().quiet.caused, list(world.home().quiet.alerts)) == (set(), [alert.id])


def test_an_alert_can_be_labelled_for_two_weeks_after_its_end() -> None:
    world, alert = after(12)
    labels, ended = world.home().labels, world.home().labels.alerts[alert.id].ended_at
    assert ended is not None
    labels.forget(ended + 14 * 24 * HOUR)
    assert alert.id in labels.alerts
    labels.forget(ended + 14 * 24 * HOUR + 1)
    assert [one.reason for one in rejections(say(world, "real_surge", alert))] == ["label_of_unknown_alert"]


def test_an_alert_in_a_declared_event_still_rises_and_names_it() -> None:
    world = warm()
    declare(world)
    told = alerts(world.burst(30, at=SURGE) + world.usual(WARM + 6 * HOUR))
    assert told[0].declared_event is not None
    assert (told[0].declared_event.id, told[0].declared_event.name) == ("heat", "Heat wave")
    assert next(check.detail for check in told[0].checks if check.name == "calendar").startswith(
        "Heat wave is declared"
    )
    assert told[-1].observed >= 30
    world, other = after(6)
    assert other.declared_event is None


def test_what_is_outside_a_declared_event_is_learned_as_ever() -> None:
    early, _ = surged(12, lambda one: declare(one, areas=["tx-1"], needs=["BD"]))
    late, _ = after(12)
    assert level(early) != level(late)
    assert level(early, "BH", "tx-2") == pytest.approx(level(late, "BH", "tx-2"), rel=0.01)


def test_an_event_that_is_withdrawn_was_never_there() -> None:
    world, _ = after(12)
    before = model(world)
    declare(world)
    assert model(world) != before
    declare(world, "e2", withdrawn=True)
    assert model(world) == before


def test_an_event_told_again_with_an_end_frees_the_hours_after_it() -> None:
    world, _ = surged(12, lambda one: declare(one, needs=[], areas=["tx"], start=START))
    other, _ = surged(12, lambda one: declare(one, needs=[], areas=["tx"], start=START, end=SURGE + 3 * HOUR))
    assert model(world) != model(other)
    declare(world, "e2", needs=[], areas=["tx"], start=START, end=SURGE + 3 * HOUR)
    assert model(world) == model(other)


def flooded(hours: int, source: str | None) -> World:
    """A world in which a second source brought a hundred calls, or none."""
    world = warm()
    for number in range(100 if source else 0):
        world.one("BD-1", "tx-2", at=SURGE + number * SECOND, source=source)
    world.usual(WARM + hours * HOUR)
    return world


def test_what_was_retracted_counts_no_more_whether_sealed_or_not() -> None:
    for hours in (1, 8):
        world, without = flooded(hours, "city"), flooded(hours, None)
        body = {"source": "city", "from": START, "to": WARM + 12 * HOUR}
        said = world.control("r1", "retract", body, effective_at=world.now, home_area="tx")
        said += world.tick(world.now + SECOND)
        without.tick(without.now + SECOND)
        ours, theirs = world.home().scoring, without.home().scoring
        node, other = ours.nodes.find("BD-1", "tx-2"), theirs.nodes.find("BD-1", "tx-2")
        assert node is not None
        assert other is not None
        since = SURGE // HOUR
        assert ours.totals(node, since, 0.0).observed == theirs.totals(other, since, 0.0).observed
        assert level(world, "BD-1", "tx-2") == pytest.approx(level(without, "BD-1", "tx-2"), rel=0.02)
        assert rejections(said) == []


def test_a_retracted_hour_is_said_again_without_those_calls() -> None:
    world = flooded(8, "city")
    body = {"source": "city", "from": START, "to": WARM + 12 * HOUR}
    said = world.control("r1", "retract", body, effective_at=world.now, home_area="tx")
    hours: list[SealedHour] = sealed(said)
    assert [hour.corrected for hour in hours] == [True]
    assert "city" not in {row.source for hour in hours for row in hour.counts}
    told = [point for point in points(said) if (point.need, point.area) == ("BD-1", "tx-2")]
    assert [point.observed for point in told if point.start == hours[0].start] == [
        sum(row.count for row in hours[0].counts if (row.need, row.area) == ("BD-1", "tx-2"))
    ]


def test_retracted_calls_may_be_sent_again() -> None:
    world = warm()
    call = world.call("BH", "tx-2", at=SURGE, source="city")
    world.calls(call, at=SURGE)
    body = {"source": "city", "from": START, "to": SURGE + HOUR}
    world.control("r1", "retract", body, effective_at=SURGE, home_area="tx")
    world.calls(call, at=SURGE + SECOND)
    assert world.home().intake.counters["duplicate"] == 0


def test_what_is_no_longer_known_is_said_when_it_cannot_be_retracted() -> None:
    world = flooded(8, "city")
    body = {"source": "city", "from": START - 400 * HOUR, "to": WARM + 12 * HOUR}
    said = world.control("r1", "retract", body, effective_at=world.now, home_area="tx")
    assert [one.reason for one in rejections(said)] == ["retract_reaches_too_far_back"]


@pytest.mark.parametrize(
    ("type_", "body", "home_area", "field"),
    [
        ("label", {"alert_id": "x", "label": "great"}, "tx", "body.label"),
        ("label", {"label": "real_surge"}, "tx", "body"),
        ("label", {"alert_id": "x", "label": "real_surge"}, None, "home_area"),
        ("end", {"alert_id": 3}, "tx", "body.alert_id"),
        ("event", {"event_id": "e", "name": "n", "areas": [], "start": 0}, None, "body.areas"),
        ("event", {"event_id": "e", "name": "n", "areas": ["tx"], "start": 5, "end": 5}, None, "body"),
        ("event", {"event_id": "e", "name": "", "areas": ["tx"], "start": 5}, None, "body.name"),
        ("retract", {"source": "CRM", "from": 0, "to": 1}, "tx", "body.source"),
        ("retract", {"source": "crm", "from": 1, "to": 1}, "tx", "body"),
        ("budget", {"per_week": 0}, "tx", "body.per_week"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_changes_nothing(
    type_: str, body: dict[str, Any], home_area: str | None, field: str
) -> None:
    world = warm()
    before = to_blocks(world.state)
    said = world.control("x1", type_, body, effective_at=world.now, home_area=home_area)
    assert [(one.reason, one.field) for one in rejections(said)] == [(f"bad_{type_}", field)]
    assert to_blocks(world.state) == before


def test_an_end_that_is_taken_back_lets_the_rise_be_raised_again() -> None:
    world, alert = after(1)
    world.control("x1", "end", {"alert_id": alert.id}, effective_at=world.now, home_area="tx")
    world.tick(world.now + SECOND)
    assert world.home().watch.blocked
    body = {"alert_id": alert.id, "undo": True}
    world.control("x2", "end", body, effective_at=world.now, home_area="tx")
    assert world.home().watch.blocked == []
    told = alerts(world.burst(15, at=world.now + MINUTE) + world.tick(world.now + 20 * MINUTE))
    assert [one.id for one in told if one.status == "rising"]
    assert alert.id not in {one.id for one in told}


@pytest.mark.parametrize("said_of_it", ["data_problem", "new_normal", "event", "retract"])
def test_a_restart_before_or_after_what_people_say_changes_nothing(said_of_it: str) -> None:
    quiet, alert = after(8)
    broken = quiet.restarted()
    outputs = []
    for world in (quiet, broken):
        if said_of_it == "event":
            said = declare(world)
        elif said_of_it == "retract":
            body = {"source": "crm", "from": SURGE - HOUR, "to": SURGE + HOUR}
            said = world.control("r1", "retract", body, effective_at=world.now, home_area="tx")
        else:
            said = say(world, said_of_it, alert)
        if world is broken:
            world = world.restarted()
        last = world.now
        for place, (need, area) in enumerate(USUAL):
            said += world.calls(world.call(need, area, at=last + place, id=f"{place:016x}"), at=last + place)
        outputs.append((said + world.tick(last + 5 * HOUR), to_blocks(world.state)))
    assert outputs[0] == outputs[1]
