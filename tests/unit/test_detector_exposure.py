"""Feeds that post late: one that posts live and one that posts each night, in one home area, of the same needs."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import msgspec
import pytest

from schemas.alert import Alert
from schemas.log_record import VERSION, History, HistoryCell, LogCall
from services.detector.domain.fold import State
from services.detector.domain.outputs import Output
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, START, World, alerts, configured, statuses

DAY = 24 * HOUR
MIDNIGHT = START - 4 * HOUR
"""In Chicago, before START."""
NIGHT = 2 * HOUR
"""When the city posts what it took the day before."""
PLACES = (("BD-1", "tx-1a"), ("BH", "tx-2"))
STRICT = msgspec.structs.replace(CONFIG, seal_hours=6, budget_per_week=0.1)


def usual_calls(rng: random.Random) -> int:
    """Calls of a source in an hour at one place: three, one more or one less."""
    return rng.choice((2, 3, 3, 4))


def past(sources: tuple[str, ...], days: int = 15) -> Iterator[History]:
    """Hours before START of each source."""
    first = START // HOUR - days * 24
    for source in sources:
        rng, cells = random.Random(source), list[HistoryCell]()
        for hour in range(first, START // HOUR):
            for need, area in PLACES:
                calls = usual_calls(rng)
                if calls:
                    cells += [HistoryCell(one, area, hour, "211", calls) for one in (need, "contacts")]
        yield History(VERSION, source, first * HOUR, START, tuple(cells))


Timed = tuple[int, LogCall]
"""When a call is logged, and the call."""


def usual(world: World, source: str, start: int, end: int, *, seed: str = "") -> list[Timed]:
    """Usual calls of a stretch of time, logged as the source does it."""
    rng, found = random.Random(f"{source}{start}{seed}"), list[Timed]()
    for hour in range(start // HOUR, end // HOUR):
        for need, area in PLACES:
            for _ in range(usual_calls(rng)):
                found.append(told(world, source, need, area, hour * HOUR + rng.randrange(HOUR)))
    return found


def told(world: World, source: str, need: str, area: str, time: int) -> Timed:
    """One call; the city's is logged in the night after its day, in order, within two minutes."""
    call = world.call(need, area, at=time, source=source)
    if source == "crm":
        return time, call
    day = (time - MIDNIGHT) // DAY
    return MIDNIGHT + (day + 1) * DAY + NIGHT + (time - MIDNIGHT) % DAY // 720, call


def play(world: World, calls: list[Timed], until: int) -> list[Output]:
    """Calls in the order of the log, then time."""
    said: list[Output] = []
    for logged_at, call in sorted(calls, key=lambda timed: (timed[0], timed[1].id)):
        if logged_at <= until:
            said += world.calls(call, at=logged_at)
    return said + world.tick(until)


DAYS_BEFORE = 2
TODAY = MIDNIGHT + (DAYS_BEFORE + 1) * DAY
"""Midnight of the day of the tests: two batches have come, the third comes at two."""


@cache
def _blocks(sources: tuple[str, ...]) -> dict[str, bytes]:
    world = configured(STRICT)
    for record in past(sources):
        world.put(record, "tx")
    calls = [call for source in sources for call in usual(world, source, START, TODAY)]
    play(world, calls, TODAY - 1)
    return to_blocks(world.state)


def at_midnight(*sources: str) -> World:
    """A home area that knows its sources, at the beginning of TODAY."""
    world = World(from_blocks(_blocks(sources), lambda _: REFERENCE))
    world.ids = iter(range(10**7, 10**8))
    return world


def rest_of_yesterday(world: World) -> list[Timed]:
    """What the city took yesterday and has not told yet."""
    return [call for call in usual(world, "city", TODAY - DAY, TODAY) if call[0] >= TODAY]


def surge(world: World, source: str, at: int, calls: int, minutes: int) -> list[Timed]:
    """Calls beyond the usual at one place, at equal distances."""
    return [told(world, source, "BD-1", "tx-1a", at + number * minutes * MINUTE // calls) for number in range(calls)]


def first_of(said: list[Output]) -> Alert | None:
    return next(iter(alerts(said)), None)


def exposure(world: World, hours_ago: int, need: str = "BD-1", area: str = "tx-1a") -> float:
    """What should be in of a place's calls in a closed hour."""
    scoring = world.home().scoring
    node = scoring.nodes.find(need, area)
    whole = scoring.exposure_of(scoring.open_bucket - hours_ago)
    return float(whole) if isinstance(whole, float) else float(whole[node])  # type: ignore[index]


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
        assert alert is not None and (alert.need, alert.area) == ("BD-1", "tx-1a")
        raised[len(sources)] = round(alert.raised_at.timestamp() * 1000) - onset
    assert raised[2] <= raised[1] + 5 * MINUTE


def test_a_surge_inside_a_batch_is_found_when_it_lands() -> None:
    world = at_midnight("crm", "city")
    calls = rest_of_yesterday(world) + surge(world, "city", TODAY - 8 * HOUR, 30, 120)
    live = usual(world, "crm", TODAY, TODAY + 3 * HOUR)
    assert not alerts(play(world, live, TODAY + NIGHT - 1))
    calls += [call for call in live if call[0] >= TODAY + NIGHT]
    alert = first_of(play(world, calls, TODAY + NIGHT + 10 * MINUTE))
    assert alert is not None and (alert.need, alert.area) == ("BD-1", "tx-1a")
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


def level(world: World, need: str, area: str) -> float:
    scoring = world.home().scoring
    node = scoring.nodes.find(need, area)
    assert node is not None
    return float(scoring.bank.level()[node])


@pytest.mark.parametrize("minutes", [10, 30])
def test_calls_that_are_on_their_way_are_not_missed_and_not_taken_for_a_drop(minutes: int) -> None:
    """A source that posts a quarter or half an hour late is expected late."""
    world = at_midnight("crm")
    slow = [(at + minutes * MINUTE, call) for at, call in usual(world, "crm", TODAY, TODAY + 2 * DAY)]
    play(world, slow, TODAY + 2 * DAY + 10 * MINUTE)
    scoring = world.home().scoring
    node = scoring.nodes.find("BD-1", "tx-1a")
    assert node is not None
    whole = scoring.exposure_of(scoring.open_bucket)
    open_ = whole if isinstance(whole, float) else whole[node]
    assert open_ < 0.7
    assert scoring.exposure_of(scoring.open_bucket - 2) == 1.0


def test_a_restart_amid_a_landing_batch_changes_nothing() -> None:
    world = at_midnight("crm", "city")
    calls = rest_of_yesterday(world) + surge(world, "city", TODAY - 8 * HOUR, 30, 120)
    play(world, calls, TODAY + NIGHT + MINUTE)
    other = replace(world.restarted(), ids=world.ids)
    rest = [call for call in calls if call[0] > TODAY + NIGHT + MINUTE]
    assert play(world, rest, TODAY + NIGHT + HOUR) == play(other, rest, TODAY + NIGHT + HOUR)
    assert to_blocks(world.state) == to_blocks(other.state)
    assert isinstance(world.state, State)
