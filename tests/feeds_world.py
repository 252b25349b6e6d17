"""A world of feeds: one that posts live, one that posts each night, a desk with opening hours; of the same needs."""

import random
from collections.abc import Iterator
from functools import cache

import msgspec

from schemas.alert import Alert
from schemas.log_record import VERSION, History, HistoryCell, LogCall
from services.detector.domain.outputs import Output
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, START, World, alerts, configured

DAY = 24 * HOUR
MIDNIGHT = START - 4 * HOUR
"""In Chicago, before START."""
NIGHT = 2 * HOUR
"""When the city posts what it took the day before."""
PLACES = (("BD-1", "tx-1a"), ("BH", "tx-2"))
STRICT = msgspec.structs.replace(CONFIG, seal_hours=6, budget_per_week=0.1)


OPENS, CLOSES = 8, 18
"""The desk's hours in Chicago, Monday to Friday."""


def is_open(hour: int) -> bool:
    """Whether the desk works in an hour (number since 1970)."""
    day, local = divmod(hour - MIDNIGHT // HOUR, 24)
    return (day + 3) % 7 < 5 and OPENS <= local < CLOSES


def usual_calls(rng: random.Random, source: str, hour: int) -> int:
    """Calls of a source in an hour at one place: three, one more or one less; twice as many at the desk."""
    calls = rng.choice((2, 3, 3, 4))
    return calls if source != "desk" else 2 * calls if is_open(hour) else 0


def past(sources: tuple[str, ...], days: int = 15) -> Iterator[History]:
    """Hours before START of each source."""
    first = START // HOUR - days * 24
    for source in sources:
        rng, cells = random.Random(source), list[HistoryCell]()
        for hour in range(first, START // HOUR):
            for need, area in PLACES:
                calls = usual_calls(rng, source, hour)
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
            for _ in range(usual_calls(rng, source, hour)):
                found.append(told(world, source, need, area, hour * HOUR + rng.randrange(HOUR)))
    return found


def told(world: World, source: str, need: str, area: str, time: int) -> Timed:
    """One call; the city's is logged in the night after its day, in order, within two minutes."""
    call = world.call(need, area, at=time, source=source)
    if source != "city":
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
"""Midnight of the day of the tests, a Sunday: two batches have come, the third comes at two."""


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


def level(world: World, need: str, area: str) -> float:
    """Calls in an average hour, as learned."""
    scoring = world.home().scoring
    node = scoring.nodes.find(need, area)
    assert node is not None
    return float(scoring.bank.level()[node])


def exposure(world: World, hours_ago: int, need: str = "BD-1", area: str = "tx-1a") -> float:
    """What should be in of a place's calls in a closed hour, or with 0 in the open one."""
    scoring = world.home().scoring
    node = scoring.nodes.find(need, area)
    assert node is not None
    whole = scoring.exposure_of(scoring.open_bucket - hours_ago)
    return whole if isinstance(whole, float) else float(whole[node])
