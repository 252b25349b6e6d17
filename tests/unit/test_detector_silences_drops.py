"""A feed that stopped and an area where calls truly fell, through the fold: neither is taken for the other."""

import itertools
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from schemas.alert import Alert
from schemas.log_record import VERSION, History, HistoryCell
from services.detector.domain.drops import Drops
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, START, World, alerts, configured, statuses

PLACES = (("BD-1", "tx-1a"), ("BD-2", "tx-1b"), ("BH", "tx-2"), ("BD-1", "tx-2"))
SOURCE_OF = {"tx-1a": "north", "tx-1b": "north", "tx-2": "south"}
AN_HOUR = 6
"""Calls at each place."""


def busy(world: World, hours: int, *, without: str = "-", mute: str = "-") -> list:  # type: ignore[type-arg]
    """Usual hours; none `without` an area and all below it, none of a `mute` feed."""
    said = []
    first = world.now // HOUR
    for minute in range(hours * 60):
        if minute % (60 // AN_HOUR) == 0:
            for place, (need, area) in enumerate(PLACES):
                if SOURCE_OF[area] != mute and not area.startswith(without):
                    at = first * HOUR + minute * MINUTE + place * 1000 + 2 * MINUTE
                    said += world.one(need, area, at=at, source=SOURCE_OF[area])
    return said + world.tick((first + hours) * HOUR + MINUTE)


@cache
def _blocks() -> dict[str, bytes]:
    world = configured()
    first = START // HOUR - 15 * 24
    for source in ("north", "south"):
        cells = [
            HistoryCell(need, area, hour, "211", AN_HOUR)
            for hour in range(first, START // HOUR)
            for place, area in PLACES
            if SOURCE_OF[area] == source
            for need in (place, "contacts")
        ]
        world.put(History(VERSION, source, first * HOUR, START, tuple(cells)), "tx")
    world.tick(START)
    busy(world, 5)
    return to_blocks(world.state)


def two_feeds() -> World:
    """A home area of two feeds, one for the north and one for the south, that both know their usual."""
    return World(from_blocks(_blocks(), lambda _: REFERENCE), {"usual": REFERENCE}, itertools.count(10**6))


def of_kind(said: list, kind: str) -> list[Alert]:  # type: ignore[type-arg]
    return [alert for alert in alerts(said) if alert.kind == kind]


def test_usual_hours_raise_nothing_of_any_kind() -> None:
    assert alerts(busy(two_feeds(), 30)) == []


def test_a_feed_that_stops_is_told_as_silent_and_not_as_a_drop_and_ends_when_it_returns() -> None:
    world = two_feeds()
    said = busy(world, 30, mute="north")
    assert {alert.kind for alert in alerts(said)} == {"silence"}
    first, last = alerts(said)[0], alerts(said)[-1]
    assert (first.source, first.need, first.need_name, first.area, first.status) == (
        "north",
        None,
        None,
        "tx",
        "rising",
    )
    assert first.headline.en == "Silent feed: north, Texas"
    assert (first.raised_at - first.started_at).total_seconds() <= 2 * 3600
    assert first.observed == 0
    assert first.expected >= 8
    assert "No calls since" in last.explanation.en
    assert {source.source: source.state for source in statuses(said)[-1].sources} == {
        "north": "silent",
        "south": "live",
    }
    back = of_kind(busy(world, 1), "silence")
    assert [(alert.id, alert.status, alert.version) for alert in back] == [(first.id, "ended", last.version + 1)]
    assert back[0].headline.en == "Feed is back: north, Texas"
    assert alerts(busy(world, 40)) == []


def test_a_feed_that_brings_its_whole_day_as_an_hour_begins_was_heard_in_that_hour() -> None:
    world = configured()
    noon = START - START % (24 * HOUR) + 12 * HOUR
    days = range(noon - 15 * 24 * HOUR, noon, 24 * HOUR)
    cells = [HistoryCell(need, "tx-1a", at // HOUR, "211", 40) for at in days for need in ("BD-1", "contacts")]
    world.put(History(VERSION, "daily", days[0], START, tuple(cells)), "tx")
    said = world.tick(START)
    for at in range(noon if noon > START else noon + 24 * HOUR, noon + 5 * 24 * HOUR, 24 * HOUR):
        said += world.tick(at - MINUTE)
        for second in range(40):
            said += world.one("BD-1", "tx-1a", at=at + second * 10, source="daily")
        said += world.tick(at + 20 * HOUR)
    assert of_kind(said, "silence") == []
    assert {source.state for source in statuses(said)[-1].sources} == {"live"}


def test_calls_that_fell_in_an_area_while_its_feed_lives_are_a_drop_there_and_not_a_silence() -> None:
    world = two_feeds()
    said = busy(world, 12, without="tx-1b")
    told = alerts(said)
    assert {alert.kind for alert in told} == {"drop"}
    assert len({alert.id for alert in told}) == 1
    first = told[0]
    assert first.area == "tx-1b"
    assert (first.source, first.status) == (None, "rising")
    assert first.expected - first.observed >= 12
    assert first.headline.en in ("Fewer calls: Pantry, North Lake", "Fewer calls: All calls, North Lake")
    assert first.explanation.en.endswith("The feeds that tell of it are live.")
    assert [alert.version for alert in told] == list(range(1, len(told) + 1))
    assert world.home().status(world.now).raised_week == 1
    rest = of_kind(busy(world, 30), "drop")
    assert {alert.id for alert in rest} == {first.id}
    assert list(dict.fromkeys(alert.status for alert in rest))[-2:] == ["easing", "ended"]
    assert all(new.updated_at > old.updated_at for old, new in pairwise(rest))
    assert alerts(busy(world, 30)) == []


def test_a_drop_is_raised_from_the_budget_on_that_it_says_it_needs() -> None:
    first = of_kind(busy(two_feeds(), 12, without="tx-1b"), "drop")[0]
    assert first.budget_needed <= CONFIG.budget_per_week
    assert first.recurrence_days_home_area == pytest.approx(7 / (0.1 * first.budget_needed), rel=1e-3)

    def raised_so(budget: float) -> bool:
        world = two_feeds()
        world.control("b", "budget", {"per_week": budget}, effective_at=world.now, home_area="tx")
        told = of_kind(busy(world, 12, without="tx-1b"), "drop")
        return first.id in {alert.id for alert in told}

    assert raised_so(1.01 * first.budget_needed)
    assert not raised_so(0.99 * first.budget_needed)


def test_a_drop_that_was_ended_by_a_person_stays_quiet_until_calls_are_usual_again() -> None:
    world = two_feeds()
    alert = of_kind(busy(world, 12, without="tx-1b"), "drop")[-1]
    said = world.control("e", "end", {"alert_id": alert.id}, home_area="tx") + world.tick(world.now + MINUTE)
    assert [(one.id, one.status, one.ended_by) for one in of_kind(said, "drop")] == [(alert.id, "ended", "ana")]
    assert of_kind(busy(world, 6, without="tx-1b"), "drop") == []


def test_an_hour_of_quiet_is_not_a_drop() -> None:
    world = two_feeds()
    assert of_kind(busy(world, 1, without="tx-1b") + busy(world, 10), "drop") == []


def test_a_restart_during_a_silence_and_a_drop_changes_nothing() -> None:
    one = two_feeds()
    busy(one, 12, mute="south", without="tx-1b")
    assert len(one.home().kinds.open_cases()) == 2
    other = one.restarted()
    for world in (one, other):
        world.ids = itertools.count(10**7)
    assert busy(one, 20) == busy(other, 20)
    assert to_blocks(one.state) == to_blocks(other.state)


def test_calls_that_are_missed_one_by_one_over_months_are_no_drop() -> None:
    drops = Drops("tx")
    drops.rows.grow(1)
    for name, value in {"arm": 18.0, "since": 0.0, "observed": 0.0, "expected": 36.0}.items():
        drops.rows[name] = np.array([value])
    assert drops.clear(5 * 24).tolist() == [True]
    assert drops.clear(300 * 24).tolist() == [False]
    drops.rows["expected"] = np.array([300.0])
    assert drops.clear(300 * 24).tolist() == [True]
