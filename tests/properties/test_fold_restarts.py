"""Any schedule of snapshots, restarts and redeliveries gives the outputs of one quiet run."""

import random
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alert import Alert
from schemas.log_record import VERSION, Calls, Control, History, HistoryCell, LogCall, LogRecord, Tick
from schemas.reference import Area, Need, Reference, Trigger
from schemas.space_config import SpaceConfig
from services.detector.domain.fold import State, step
from services.detector.domain.outputs import Output
from services.detector.domain.snapshot import from_blocks, to_blocks

HOUR = 3_600_000
START = 1_760_000_400_000 - 1_760_000_400_000 % HOUR
REFERENCE = Reference(
    areas=(
        Area("tx", "", "Texas", timezone="America/Chicago"),
        Area("tx-1", "tx", "North"),
        Area("tx-2", "tx", "South"),
        Area("ok", "", "Oklahoma", timezone="America/Chicago"),
    ),
    needs=(
        Need("BD", "", "Food", "Nourriture", "Comida"),
        Need("BD-1", "BD", "Meals", "Repas", "Comidas"),
        Need("BD-2", "BD", "Pantry", "Panier", "Despensa"),
        Need("BH", "", "Housing", "Logement", "Vivienda"),
    ),
    triggers=(Trigger("BD", "tx", 9, 2, "Open the pantry"), Trigger("contacts", "ok", 5, 1)),
)
CONFIG = SpaceConfig("live", 500, 2, 3.0, 1, "hash")


def find(_: str) -> Reference:
    return REFERENCE


@dataclass(frozen=True)
class Log:
    """(key, record) pairs, the configuration first."""

    records: list[tuple[str | None, LogRecord]]


def history() -> History:
    """Fifteen quiet days: three or four calls an hour of one need, every third hour of another."""
    hours = range(START // HOUR - 15 * 24, START // HOUR)
    cells = [HistoryCell(one, "tx-1", hour, "211", 3 + hour % 2) for hour in hours for one in ("BD-1", "contacts")]
    cells += [HistoryCell("BH", "tx-2", hour, "211", 1) for hour in hours if hour % 3 == 0]
    return History(VERSION, "crm", hours[0] * HOUR, START, tuple(cells))


def log_of(seed: int) -> Log:
    """Calls of two home areas with repeats, revisions, voids, late and future times, ticks and bursts."""
    rng = random.Random(seed)
    body = msgspec.to_builtins(CONFIG)
    records: list[tuple[str | None, LogRecord]] = [(None, Control(1, "c", "config", START, START, "test", body))]
    records.append(("tx", history()))
    now = START + 1000
    ids: list[str] = []
    for number in range(rng.randint(5, 40)):
        now += rng.choice((200, 1_000, 60_000, 600_000, HOUR)) + (7 * HOUR if number == 20 else 0)
        if rng.random() < 0.2:
            records.append((None, Tick(1, now)))
            continue
        burst = rng.random() < 0.3
        size = rng.randint(8, 25) if burst else rng.randint(1, 3)
        calls = tuple(_call(rng, ids, now, burst) for _ in range(size))
        stamps = tuple(sorted(now + rng.randint(0, 900) for _ in calls))
        records.append((rng.choice(("tx", "tx", "ok")), Calls(1, stamps, calls)))
        now = stamps[-1]
    return Log(records)


def _call(rng: random.Random, ids: list[str], now: int, burst: bool) -> LogCall:
    again = bool(ids) and rng.random() < 0.2
    name = rng.choice(ids) if again else f"{rng.getrandbits(64):016x}"
    ids.append(name)
    late = rng.choice((0, 0, 0, 30 * 60_000, 90 * 60_000, 5 * HOUR, 80 * HOUR, -10 * 60_000))
    needs = ("BD-1",) if burst else tuple(rng.sample(("BD", "BD-1", "BD-2", "BH", "ZZ", "BD-1.7"), rng.randint(0, 3)))
    area = rng.choice(("tx-1", "tx-2", "tx", "nowhere", None))
    return LogCall(
        name,
        rng.choice(("crm", "city")),
        now - late,
        rng.choice(("211", "311")),
        needs,
        area,
        revision=rng.randint(0, 3) if again else 0,
        void=again and rng.random() < 0.3,
    )


def run(log: Log, *, state: State | None = None, start: int = 0) -> tuple[State, list[list[Output]]]:
    state = state or State()
    return state, [step(state, key, record, find) for key, record in log.records[start:]]


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_a_restart_from_any_snapshot_says_what_a_quiet_run_says(seed: int, part: float) -> None:
    """With labels, ends, declared events and retractions in between."""
    log = with_words(log_of(seed), seed)
    cut = round(part * len(log.records))
    state, _ = run(Log(log.records[:cut]))
    snapshot = to_blocks(state)
    quiet_state, quiet = run(log, state=state, start=cut)
    end, rest = run(log, state=from_blocks(snapshot, find), start=cut)
    assert rest == quiet
    assert to_blocks(end) == to_blocks(quiet_state)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6))
def test_neighbours_on_the_partition_change_nothing(seed: int) -> None:
    """What is said of one home area is the same when the other one is not there."""
    log = log_of(seed)
    _, both = run(log)
    alone = [
        (key, Tick(1, record.at[-1])) if key == "ok" and isinstance(record, Calls) else (key, record)
        for key, record in log.records
    ]
    _, only = run(Log([(None if isinstance(record, Tick) else key, record) for key, record in alone]))

    def about_tx(outputs: list[list[Output]]) -> list[object]:
        return [o.value for said in outputs for o in said if getattr(o.value, "home_area", None) == "tx"]

    assert about_tx(both) == about_tx(only)


def with_words(log: Log, seed: int) -> Log:
    """The same log with what people say of its alerts, and of its sources, in between."""
    rng = random.Random(seed)
    _, outputs = run(log)
    records: list[tuple[str | None, LogRecord]] = []
    known: list[str] = []
    for record, said in zip(log.records, outputs, strict=True):
        records.append(record)
        known += [output.value.id for output in said if isinstance(output.value, Alert)]
        stamps = record[1].at if isinstance(record[1], Calls) else ()
        if known and stamps and rng.random() < 0.7:
            type_, body = _word(rng, rng.choice(known), stamps[-1])
            name = f"said {len(records)}"
            records.append(("tx", Control(1, name, type_, stamps[-1], stamps[-1] + 500, "ana", body, "tx")))
    return Log(records)


def _word(rng: random.Random, alert_id: str, now: int) -> tuple[str, dict[str, Any]]:
    since = now - rng.choice((1, 4, 20)) * HOUR
    labels = ("expected_event", "data_problem", "new_normal", "false_alarm", None)
    words: list[tuple[str, dict[str, Any]]] = [
        ("label", {"alert_id": alert_id, "label": rng.choice(labels)}),
        ("end", {"alert_id": alert_id, "undo": rng.random() < 0.5}),
        ("event", {"event_id": "e", "name": "Storm", "areas": ["tx"], "start": since, "withdrawn": rng.random() < 0.3}),
        ("retract", {"source": rng.choice(("crm", "city")), "from": since, "to": since + 2 * HOUR}),
    ]
    return rng.choice(words)


@pytest.mark.parametrize("times", [2, 3])
def test_a_record_told_twice_counts_once(times: int) -> None:
    call = LogCall("00000000000000aa", "crm", START + 500, "211", ("BD-1", "BD-2"), "tx-1")
    body = msgspec.to_builtins(CONFIG)
    records = [(None, Control(1, "c", "config", START, START, "test", body))]
    records += [("tx", Calls(1, (START + 1000,), (call,)))] * times
    state, _ = run(Log(records))
    cells = next(iter(state.homes["tx"].scoring.ledger.hours.values())).cells
    assert sorted(cells.values()) == [-1, 1, 1, 1]
