"""Feeds that post late: one that posts live and one that posts each night, in one home area, of the same needs."""

from dataclasses import replace

import pytest

from services.detector.domain.snapshot import to_blocks
from tests.detector_world import HOUR, MINUTE, alerts, statuses
from tests.feeds_world import (
    DAY,
    NIGHT,
    TODAY,
    at_midnight,
    exposure,
    first_of,
    level,
    play,
    rest_of_yesterday,
    surge,
    usual,
)


def test_a_feed_that_posts_each_night_is_known_to_be_a_batch_and_the_live_one_is_not() -> None:
    world = at_midnight("crm", "city")
    said = world.tick(TODAY + MINUTE)
    batch = {source.source: (source.batch, source.state) for source in statuses(said)[-1].sources}
    assert batch == {"crm": (False, "live"), "city": (True, "live")}


def test_half_of_a_shared_place_is_exposed_until_the_batch_has_landed() -> None:
    world = at_midnight("crm", "city")
    batch, live = rest_of_yesterday(world), usual(world, "crm", TODAY, TODAY + 3 * HOUR)
    play(world, live, TODAY + NIGHT - MINUTE)
    assert exposure(world, 6) == pytest.approx(0.5, abs=0.1)
    play(world, batch + [one for one in live if one[0] >= TODAY + NIGHT], TODAY + NIGHT + 5 * MINUTE)
    assert exposure(world, 6) == pytest.approx(1.0)
    assert exposure(world, 1) == pytest.approx(0.5, abs=0.1)


def test_a_quiet_day_between_two_landings_raises_nothing() -> None:
    world = at_midnight("crm", "city")
    calls = rest_of_yesterday(world) + usual(world, "city", TODAY, TODAY + DAY)
    calls += usual(world, "crm", TODAY, TODAY + DAY + 3 * HOUR)
    assert not alerts(play(world, calls, TODAY + DAY + 3 * HOUR))


def test_a_surge_in_the_live_feed_is_found_as_fast_as_without_the_other() -> None:
    raised: dict[int, int] = {}
    onset = TODAY + 9 * HOUR + 10 * MINUTE
    for sources in (("crm",), ("crm", "city")):
        world = at_midnight(*sources)
        calls = usual(world, "crm", TODAY, TODAY + DAY) + surge(world, "crm", onset, 20, 60)
        if "city" in sources:
            calls += rest_of_yesterday(world) + usual(world, "city", TODAY, TODAY + DAY)
        said = play(world, calls, onset + 2 * HOUR)
        alert = first_of(said)
        assert alert is not None
        assert (alert.need or "").startswith("BD")
        raised[len(sources)] = round(alert.raised_at.timestamp() * 1000) - onset
    assert raised[2] <= raised[1] + 5 * MINUTE


def test_a_surge_inside_a_batch_is_found_when_it_lands() -> None:
    world = at_midnight("crm", "city")
    calls = rest_of_yesterday(world) + surge(world, "city", TODAY - 7 * HOUR, 90, 360)
    live = usual(world, "crm", TODAY, TODAY + 3 * HOUR)
    assert not alerts(play(world, live, TODAY + NIGHT - 1))
    calls += [call for call in live if call[0] >= TODAY + NIGHT]
    alert = first_of(play(world, calls, TODAY + NIGHT + 10 * MINUTE))
    assert alert is not None
    assert (alert.need or "").startswith("BD")
    assert alert.started_at.timestamp() * 1000 < TODAY - 6 * HOUR


def test_the_seal_waits_for_the_batch_so_that_its_calls_are_learned() -> None:
    world = at_midnight("crm", "city")
    home = world.home()
    assert 24 < home.scoring.ledger.seal_hours <= 30
    late = home.intake.counters["late_after_seal"]
    play(world, rest_of_yesterday(world), TODAY + NIGHT + 5 * MINUTE)
    assert home.intake.counters["late_after_seal"] == late
    assert at_midnight("crm").home().scoring.ledger.seal_hours == 6


def test_a_night_without_a_batch_is_a_silent_feed_and_no_loss_of_calls() -> None:
    world = at_midnight("crm", "city")
    before = level(world, "BH", "tx-2")
    said = play(world, usual(world, "crm", TODAY, TODAY + 36 * HOUR), TODAY + 36 * HOUR)
    states = {source.source: source.state for source in statuses(said)[-1].sources}
    assert states == {"crm": "live", "city": "silent"}
    assert level(world, "BH", "tx-2") == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize("minutes", [10, 30])
def test_calls_that_are_on_their_way_are_not_missed_and_not_taken_for_a_drop(minutes: int) -> None:
    """A source that posts a quarter or half an hour late is expected late."""
    world = at_midnight("crm")
    slow = [(at + minutes * MINUTE, call) for at, call in usual(world, "crm", TODAY, TODAY + 2 * DAY)]
    play(world, slow, TODAY + 2 * DAY + 10 * MINUTE)
    assert exposure(world, 0) < 0.7
    assert exposure(world, 2) == 1.0


def test_a_restart_amid_a_landing_batch_changes_nothing() -> None:
    world = at_midnight("crm", "city")
    calls = rest_of_yesterday(world) + surge(world, "city", TODAY - 7 * HOUR, 90, 360)
    play(world, calls, TODAY + NIGHT + MINUTE)
    other = replace(world.restarted(), ids=world.ids)
    rest = [call for call in calls if call[0] > TODAY + NIGHT + MINUTE]
    assert play(world, rest, TODAY + NIGHT + HOUR) == play(other, rest, TODAY + NIGHT + HOUR)
    assert to_blocks(world.state) == to_blocks(other.state)
