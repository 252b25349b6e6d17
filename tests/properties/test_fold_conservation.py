"""No call is lost or counted twice between its arrival and the hours that are sealed for good."""

import random
from dataclasses import dataclass, field

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.log_record import VERSION, Calls, LogCall, Tick
from services.detector.domain.outputs import Output
from tests.detector_world import HOUR, MINUTE, START, World, configured, contacts_of, rejections, sealed


@dataclass
class Told:
    """A log as it is written, with what should come of it."""

    world: World = field(default_factory=configured)
    said: list[Output] = field(default_factory=list)
    newest: dict[str, LogCall] = field(default_factory=dict)
    """Newest revision of each call that is accepted."""
    refused: int = 0
    calls: int = 0

    def tell(self, calls: list[LogCall], at: int) -> None:
        """One record, and by hand what it should count."""
        self.said += self.world.put(Calls(VERSION, (at,) * len(calls), tuple(calls)), "tx")
        self.calls += len(calls)
        for call in calls:
            if call.time > at + 5 * MINUTE or call.time < at - 72 * HOUR:
                self.refused += 1
            elif call.id not in self.newest or call.revision > self.newest[call.id].revision:
                self.newest[call.id] = call


def written(seed: int) -> Told:
    """Calls in records of 1 to 30, with repeats, revisions, voids and totals, none so late that its hour is sealed."""
    rng, told, now = random.Random(seed), Told(), START
    for number in range(rng.randint(1, 40)):
        now += rng.choice((300, 5_000, 10 * MINUTE, HOUR))
        if rng.random() < 0.2:
            told.said += told.world.put(Tick(VERSION, now))
            continue
        told.tell([_call(rng, told, now, number * 100 + i) for i in range(rng.choice((1, 3, 30)))], now)
    told.said += told.world.put(Tick(VERSION, now + 5 * HOUR))
    return told


def _call(rng: random.Random, told: Told, now: int, number: int) -> LogCall:
    known = sorted(told.newest)
    old = told.newest[rng.choice(known)] if known and rng.random() < 0.3 else None
    if old is not None and old.time < now - HOUR:
        old = None
    time = old.time if old else now - rng.choice((0, 0, MINUTE, HOUR, 80 * HOUR, -4 * MINUTE, -6 * MINUTE))
    return LogCall(
        old.id if old else f"{number:016x}",
        "crm",
        time,
        "211",
        tuple(rng.sample(("BD", "BD-1", "BD-2", "BH", "QQ"), rng.randint(0, 4))),
        rng.choice(("tx-1a", "tx-2", "tx", None, "nowhere")),
        revision=rng.randint(0, 3) if old else 0,
        void=old is not None and rng.random() < 0.3,
        count=rng.choice((1, 1, 1, 5)),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_contacts_in_sealed_hours_are_the_calls_that_were_accepted(seed: int) -> None:
    told = written(seed)
    assert contacts_of(told.said) == sum(call.count for call in told.newest.values() if not call.void)
    assert len(rejections(told.said)) == told.refused


@example(2260)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_each_sealed_hour_holds_the_calls_that_began_in_it_and_every_hour_is_sealed_once(seed: int) -> None:
    told = written(seed)
    expected: dict[int, int] = {}
    for call in told.newest.values():
        if not call.void:
            expected[call.time - call.time % HOUR] = expected.get(call.time - call.time % HOUR, 0) + call.count
    hours = sealed(told.said)
    found = {hour.start: sum(row.count for row in hour.counts if row.need == "contacts") for hour in hours}
    assert len(found) == len(hours)
    assert {start: calls for start, calls in found.items() if calls} == expected


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_the_counters_add_up_to_the_calls_that_came(seed: int) -> None:
    told = written(seed)
    home = told.world.state.homes.get("tx")
    if home is None:
        return
    outcomes = ("counted", "revised", "duplicate", "refused_too_old", "refused_future")
    assert sum(home.intake.counters[name] for name in outcomes) == told.calls
    assert home.intake.sources["crm"].refused == told.refused
    assert home.intake.counters["counted"] == len(told.newest)
