"""What an alert says that it would take to ease and to end is what it takes."""

import pytest

from schemas.alert import Alert
from services.detector.domain.alerts import Episode
from services.detector.domain.calm import recent_hours
from tests.detector_world import HOUR, MINUTE, START, World, alerts, warm
from tests.unit import test_detector_wide as wide

RISING = dict.fromkeys((0, 3, 7, 10, 14, 17, 21, 24, 28), 2)
"""More calls an hour by number of series."""


def wide_alert() -> tuple[World, Episode, Alert]:
    """A world with an alert of parts of its area, nothing of which is learned, and what the alert said last."""
    world = wide.warm()
    wide.pass_hours(world, 8, {})
    event = {"event_id": "fair", "name": "Fair", "areas": ["h"], "start": world.now}
    world.control("e1", "event", event, effective_at=world.now)
    said = alerts(wide.pass_hours(world, 12, RISING))
    episode = next(one for one in world.home("h").watch.episodes if one.open and one.raised_at and one.parts)
    return world, episode, [alert for alert in said if alert.id == episode.id][-1]


def go_on(world: World, parts: list[tuple[str, str]], calls: int, others: list[int]) -> None:
    """An hour with so many calls of the parts, and the usual ones of other series."""
    start = world.now
    series = [parts[number % len(parts)] for number in range(calls)]
    for number in others:
        series += [wide.SERIES[number]] * wide.usual(start // HOUR, number, 0)
    world.calls(*(world.call(*one, at=start + HOUR // 2) for one in series), at=start + HOUR // 2, key="h")
    world.tick(start + HOUR)


@pytest.mark.parametrize(("beyond", "status"), [(-1, "easing"), (0, "rising")])
def test_an_alert_of_parts_eases_with_one_call_fewer_than_it_tells_and_with_no_more(beyond: int, status: str) -> None:
    world, episode, told = wide_alert()
    assert told.because is not None
    assert told.because.ends is not None
    assert told.because.ends_words is not None
    below, hours = told.because.ends.calls_below, told.because.ends.window_hours
    counted = f"the {len(episode.parts)} parts that rise get fewer than {below} calls in {hours} hours"
    assert counted in told.because.ends_words.en
    scoring = world.home("h").scoring
    begun = scoring.open_bucket - 1
    assert scoring.calendar.bucket(round(told.updated_at.timestamp() * 1000)) == begun, "told within the last hour"
    parts = [scoring.nodes.names[part] for part in episode.parts]
    others = [number for number, one in enumerate(wide.SERIES) if one not in parts]
    left = below + beyond - int(scoring.ledger.counts(begun, len(scoring.nodes))[episode.parts].sum())
    for hour in range(1, hours):
        assert episode.status == "rising", "hours of before still count"
        go_on(world, parts, left * hour // (hours - 1) - left * (hour - 1) // (hours - 1), others)
    assert episode.status == status


@pytest.mark.parametrize(("beyond", "status"), [(-1, "ended"), (0, "easing")])
def test_an_alert_that_eases_ends_when_it_says_with_one_call_fewer_than_it_says(beyond: int, status: str) -> None:
    world, begin = warm(), START + 12 * HOUR
    others = [("BD-1", "tx-2"), ("BD-2", "tx-2"), ("BH", "tx-2"), ("BD-1", "tx-1b")]
    world.usual(begin)
    world.burst(20, "BD-1", "tx-1a", at=begin + 5 * MINUTE)
    told = alerts(world.usual(begin + 5 * HOUR, others))[-1]
    episode = next(one for one in world.home().watch.episodes if one.id == told.id)
    assert told.status == episode.status == "easing"
    assert episode.easing_at is not None
    assert told.because is not None
    assert told.because.ends is not None
    assert told.because.ends_words is not None
    end = episode.easing_at + 6 * HOUR
    first, below = end - told.because.ends.window_hours * HOUR, told.because.ends.calls_below
    assert world.now <= first, "all hours that will count are still to come"
    assert told.because.ends_words.en == (
        f"It ends at 02:00 CDT (Fri Oct 10) if fewer than {below} calls come between 21:00 CDT and then."
    )
    world.burst(below + beyond, "BD-1", "tx-1a", at=first + MINUTE, every=4 * HOUR // below)
    world.tick(end - 1)
    assert episode.status == "easing"
    world.tick(end)
    assert episode.status == status


def test_half_of_its_age_counts_but_three_hours_at_least_and_a_day_at_most() -> None:
    assert [recent_hours(lasted) for lasted in (0, 7, 8, 30, 48, 1_000)] == [3, 3, 4, 15, 24, 24]
