"""One alert a surge, at the node that explains it best: sentences on whole surges through the fold."""

from collections.abc import Sequence

from schemas.alert import Alert
from services.detector.domain.outputs import Output
from tests.detector_world import HOUR, MINUTE, USUAL, WARM, World, alerts, usual_calls, warm

SURGE = WARM + 8 * MINUTE
Place = tuple[str, str]


def newest(said: Sequence[Output]) -> list[Alert]:
    """The last version of each surge alert."""
    return list({alert.id: alert for alert in alerts(said) if alert.kind == "surge"}.values())


def rise(world: World, places: Sequence[Place], hours: int, *, per_hour: int = 12) -> list[Output]:
    """Whole hours of usual calls and so many more at each of the places."""
    said: list[Output] = []
    for hour in range(-(-world.now // HOUR), -(-world.now // HOUR) + hours):
        extra = [(minute * HOUR // per_hour + MINUTE // 2, place) for minute in range(per_hour) for place in places]
        usual = [
            (minute * MINUTE, place)
            for number, place in enumerate(USUAL)
            for minute in range(7, 60, 22)[: usual_calls(hour, number)]
        ]
        for after, (need, area) in sorted(extra + usual):
            said += world.one(need, area, at=hour * HOUR + after)
        said += world.tick((hour + 1) * HOUR)
    return said


def test_a_surge_in_a_leaf_is_one_alert_there() -> None:
    world = warm()
    told = newest(world.burst(20, at=SURGE) + world.usual(WARM + 4 * HOUR))
    assert [(alert.need, alert.area) for alert in told] == [("BD-1", "tx-1a")]


def test_a_surge_in_a_district_is_one_alert_there() -> None:
    world = warm()
    told = newest(rise(world, [("BD-1", "tx-1a"), ("BD-1", "tx-1b")], 4))
    assert [(alert.need, alert.area) for alert in told if alert.status == "rising"] == [("BD-1", "tx-1")]
    assert {driver.area for driver in told[0].drivers} >= {"tx-1a", "tx-1b"}


def test_a_whole_branch_in_an_area_is_one_alert_there() -> None:
    world = warm()
    told = newest(rise(world, [("BD-1", "tx-2"), ("BD-2", "tx-2")], 4))
    assert [(alert.need, alert.area) for alert in told if alert.status == "rising"] == [("BD", "tx-2")]


def test_two_surges_of_other_needs_in_other_areas_are_two_alerts() -> None:
    world = warm()
    told = newest(rise(world, [("BD-1", "tx-1a"), ("BH", "tx-2")], 4))
    assert sorted((alert.need, alert.area) for alert in told) == [("BD-1", "tx-1a"), ("BH", "tx-2")]


def test_a_surge_that_spreads_from_a_leaf_to_its_district_moves_the_same_alert_up() -> None:
    world = warm()
    first = newest(world.burst(20, "BD-1", "tx-1a", at=SURGE) + world.tick(SURGE + 10 * MINUTE))
    told = newest(rise(world, [("BD-1", "tx-1a"), ("BD-1", "tx-1b")], 5))
    assert [(alert.need, alert.area) for alert in first] == [("BD-1", "tx-1a")]
    assert [(alert.id, alert.need, alert.area) for alert in told] == [(first[0].id, "BD-1", "tx-1")]


def test_counts_that_flap_are_one_alert() -> None:
    world = warm()
    said = rise(world, [("BD-1", "tx-1a")], 2)
    for _ in range(4):
        said += rise(world, [], 2) + rise(world, [("BD-1", "tx-1a")], 1)
    assert len(newest(said)) == 1


def test_a_later_surge_inside_an_open_alert_is_an_alert_of_its_own() -> None:
    world = warm()
    first = newest(rise(world, [("BD-1", "tx-1a"), ("BD-1", "tx-2")], 8))
    assert [(alert.need, alert.area, alert.status) for alert in first] == [("BD-1", "tx", "rising")]
    later = newest(world.burst(60, "BD-1", "tx-1b", at=world.now + MINUTE) + world.tick(world.now + 20 * MINUTE))
    fresh = [alert for alert in later if alert.id != first[0].id]
    assert [(alert.need, alert.area) for alert in fresh] == [("BD-1", "tx-1b")]


def test_what_is_left_when_the_calls_of_an_alert_are_taken_out_raises_nothing_above_or_below_it() -> None:
    world = warm()
    said = rise(world, [("BD-1", "tx-1a")], 8, per_hour=20)
    assert [(alert.need, alert.area) for alert in newest(said)] == [("BD-1", "tx-1a")]
    speaking = [episode for episode in world.home().watch.episodes if episode.raised_at is not None]
    assert len(speaking) == 1


def test_a_snapshot_amid_a_surge_that_spreads_changes_nothing() -> None:
    one, other = warm(), warm()
    places = [("BD-1", "tx-1a"), ("BD-1", "tx-2")]
    for world in (one, other):
        rise(world, places, 2)
    other = other.restarted()
    assert alerts(rise(one, [*USUAL[:3]], 3)) == alerts(rise(other, [*USUAL[:3]], 3))
