"""Corners in which what is computed once and what is computed again after a restart must be the same."""

import msgspec

from schemas.reference import Holiday, Reference
from services.detector.domain.snapshot import to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, SECOND, USUAL, WARM, World, points, warm

SILENT = WARM + HOUR + 30 * MINUTE
"""A moment in the hour in which nobody is heard."""


def same_from_here(world: World, until: int) -> None:
    """The world and its restart say the same, and end the same."""
    other = world.restarted()
    at = world.now + MINUTE
    spoken = [world.one(at=at, id="00000000000000aa"), other.one(at=at, id="00000000000000aa")]
    assert spoken[0] == spoken[1]
    assert world.tick(until) == other.tick(until)
    assert to_blocks(world.state) == to_blocks(other.state)


def busy() -> World:
    """A warm world in which more than six contacts an hour are usual."""
    world = warm()
    world.home().scoring.exposure.sources.calls *= 3
    return world.restarted()


def test_a_late_call_that_breaks_a_silent_hour_brings_that_hour_back_for_every_node() -> None:
    world = busy()
    world.burst(4, "BD-1", "tx-1a", at=WARM + 5 * MINUTE)
    world.tick(WARM + 2 * HOUR + 10 * MINUTE)
    scoring = world.home().scoring
    hour = scoring.calendar.bucket(SILENT)
    node = scoring.nodes.find("BD-1", "tx-1a")
    assert scoring.is_silent(hour)
    before = scoring.closed.up[node].copy()
    world.calls(world.call("BH", "tx-2", at=SILENT), at=world.now + SECOND)
    world.tick(world.now + 10 * SECOND)
    assert not world.home().scoring.is_silent(hour)
    assert (world.home().scoring.closed.up[node] < before).any()
    same_from_here(world, world.now + 5 * HOUR)


def test_a_void_that_makes_an_hour_silent_is_the_same_after_a_restart() -> None:
    world = busy()
    world.burst(4, "BD-1", "tx-1a", at=WARM + 5 * MINUTE)
    call = world.call("BH", "tx-2", at=SILENT)
    world.calls(call, at=SILENT)
    world.tick(WARM + 2 * HOUR + 10 * MINUTE)
    world.calls(msgspec.structs.replace(call, revision=1, void=True), at=world.now + SECOND)
    world.tick(world.now + 10 * SECOND)
    assert world.home().scoring.is_silent(world.home().scoring.calendar.bucket(SILENT))
    same_from_here(world, world.now + 5 * HOUR)


def with_holiday_today(world: World) -> None:
    """New reference data: today, which has begun, is a holiday."""
    world.references["new"] = msgspec.structs.replace(REFERENCE, holidays=(Holiday("2025-10-09", "", "Sudden Day"),))
    config = msgspec.structs.replace(CONFIG, reference="new")
    world.control("config-2", "config", msgspec.to_builtins(config), effective_at=world.now)


def test_new_reference_data_hold_for_the_open_hour_too() -> None:
    world = warm()
    world.one(at=WARM + MINUTE)
    world.tick(WARM + 2 * MINUTE)
    with_holiday_today(world)
    slot = world.home().scoring.calendar.slot(world.home().scoring.open_bucket)
    assert slot.holiday == "Sudden Day"
    scoring = world.home().scoring
    fresh = scoring.bank.predict_many(scoring.profile(scoring.open_bucket))
    assert (scoring.predict(scoring.open_bucket).mean == fresh.mean).all()
    same_from_here(world, world.now + 3 * HOUR)


def test_new_trees_count_the_open_hours_under_the_new_ancestors() -> None:
    world = warm()
    world.burst(3, "BH", "tx-2", at=WARM + MINUTE)
    world.tick(WARM + 2 * MINUTE)
    areas = [msgspec.structs.replace(area, parent="tx-1") if area.code == "tx-2" else area for area in REFERENCE.areas]
    world.references["new"] = Reference(tuple(areas), REFERENCE.needs)
    world.control(
        "config-2",
        "config",
        msgspec.to_builtins(msgspec.structs.replace(CONFIG, reference="new")),
        effective_at=world.now,
    )
    said = world.one("BH", "tx-2", at=world.now + MINUTE)
    said += world.tick(world.now + MINUTE)
    open_points = {(point.need, point.area): point.observed for point in points(said) if point.open}
    assert open_points["BH", "tx-1"] == 4
    same_from_here(world, world.now + 3 * HOUR)


def test_an_alert_survives_new_reference_data() -> None:
    world = warm()
    world.burst(12, at=WARM + MINUTE)
    alert = world.home().watch.episodes[0].id
    with_holiday_today(world)
    world.tick(world.now + MINUTE)
    assert [episode.id for episode in world.home().watch.episodes] == [alert]
    same_from_here(world, world.now + 3 * HOUR)


def test_a_restart_between_a_call_and_its_evaluation_changes_nothing() -> None:
    world = warm()
    world.burst(6, at=WARM + MINUTE, every=50)
    assert world.home().changed_at is not None
    same_from_here(world, world.now + 30 * MINUTE)


def test_a_restart_after_the_end_of_an_alert_changes_nothing() -> None:
    world = warm(msgspec.structs.replace(CONFIG, seal_hours=12))
    world.burst(20, at=WARM + MINUTE)
    world.usual(WARM + 12 * HOUR, USUAL)
    same_from_here(world, world.now + 14 * HOUR)
