"""Score early, learn late: calls that come in any order before the seal leave the same state behind."""

import random
from functools import cache

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.log_record import LogCall
from services.detector.domain.scoring import Scoring
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, START, World, configured, history, sealed

CONFIG_6 = msgspec.structs.replace(CONFIG, seal_hours=6, budget_per_week=1e-9)
"""Nobody is alerted: an alert that ends takes back what its nodes had gathered, whenever that is."""
LEAVES = (("BD-1", "tx-1a"), ("BD-2", "tx-2"), ("BH", "tx-2"), ("BD-1", None))
HOURS = 6
FIRST = START + HOUR
UNTIL = FIRST + (HOURS + 10) * HOUR + MINUTE


@cache
def _blocks() -> dict[str, bytes]:
    """Two sources, one after the other in history, both heard in the hour of birth; every leaf is known."""
    world = configured(CONFIG_6)
    world.put(history(source="crm"), "tx")
    for source in ("crm", "city"):
        for number, (need, area) in enumerate(LEAVES):
            world.one(need, area, at=START + (number + 1) * MINUTE, source=source)
    world.tick(FIRST)
    return to_blocks(world.state)


def calls(seed: int) -> list[LogCall]:
    """Some calls of the hours after FIRST; sources fall silent for hours."""
    rng, world = random.Random(seed), World()
    found = []
    for _ in range(rng.randint(3, 20)):
        need, area = rng.choice(LEAVES)
        time = FIRST + rng.randrange(HOURS * HOUR)
        name = f"{rng.getrandbits(64):016x}"
        found.append(world.call(need, area, at=time, id=name, source=rng.choice(("crm", "city"))))
    return found


def learned(told: list[tuple[int, LogCall]]) -> tuple[Scoring, list[object]]:
    """What calls leave behind that are logged at these times, when all their hours are sealed."""
    world = World(from_blocks(_blocks(), lambda _: REFERENCE))
    said = []
    for at, call in sorted(told, key=lambda one: (one[0], one[1].id)):
        said += world.calls(call, at=at)
    said += world.tick(UNTIL)
    scoring = world.home().scoring
    assert world.home().intake.counters["late_after_seal"] == 0
    assert scoring.ledger.sealed_until >= scoring.calendar.bucket(FIRST + HOURS * HOUR)
    return scoring, [(hour.start, hour.counts) for hour in sealed(said)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_any_order_of_arrival_before_the_seal_ends_in_the_same_learned_state(seed: int, order: int) -> None:
    rng, came = random.Random(order), calls(seed)
    scoring, told = learned([(call.time, call) for call in came])
    other, other_told = learned([(call.time + rng.choice((0, MINUTE, rng.randrange(5 * HOUR))), call) for call in came])
    assert told == other_told
    assert scoring.ledger.hours.keys() == other.ledger.hours.keys()
    exposure, other_exposure = scoring.exposure, other.exposure
    assert exposure.runs == other_exposure.runs
    assert exposure.sources.hours == other_exposure.sources.hours
    for one, same in (
        (scoring.bank.columns(), other.bank.columns()),
        (scoring.profiles.columns(), other.profiles.columns()),
        (scoring.almanac.seasons.columns(), other.almanac.seasons.columns()),
        (exposure.sources.columns(), other_exposure.sources.columns()),
    ):
        for name, column in one.items():
            np.testing.assert_array_equal(column, same[name], err_msg=name)
