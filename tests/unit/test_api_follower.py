"""The follower between a consumer that is handed in and a database that fails: events wait, nothing is skipped."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition

from schemas.output import Rejected
from schemas.topics import ALERTS
from services.api.chores import Chores
from services.api.database import Database, DatabaseAway
from services.api.fold import Place
from services.api.follower import BYTES_A_TRANSACTION, Follower, Stored, chunks
from services.api.gauges import Gauges
from services.api.metrics import ApiMetrics
from services.api.tables import alerts, refusals
from services.runtime.clock import SystemClock
from services.runtime.kafka import KafkaAway, Record
from services.runtime.metrics import new_registry, render_metrics
from services.runtime.settings import Settings
from tests.api_parts import (
    BOOK,
    HOUR,
    NOW,
    FakeClock,
    Tape,
    alert,
    home_status,
    partition_status,
    point,
    prepared,
    series,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    yield found
    found.close()


def follower(database: Database, registry: Any) -> Follower:
    chores = Chores(database, SystemClock(), space="live", write=lambda _: None)
    return Follower(
        Settings(),
        database,
        ApiMetrics(registry),
        chores,
        on_space=lambda _: None,
        on_changes=lambda: None,
        on_fatal=lambda _: None,
    )


class FailingFold:
    """Fails as many times as it is told, then folds."""

    def __init__(self, real: Any, failures: int) -> None:
        self.real, self.failures, self.calls = real, failures, 0

    def apply(self, *arguments: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            raise DatabaseAway("the database has no room left")
        return self.real.apply(*arguments)


def test_while_the_database_is_away_events_wait_and_ready_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.follower.RETRY_SECONDS", 0.05)
    registry = new_registry()
    made = follower(database, registry)
    place = Place(ALERTS, ALERTS.name, 0)
    failing = FailingFold(Tape(database).fold, 10**9)
    failing.real.begin(place, 0)
    made._fold, made._positions = failing, {place: 0}
    records = [SimpleNamespace(offset=index, value=alert(f"a{index}")) for index in range(3)]
    worker = threading.Thread(
        target=lambda: made._take(SimpleNamespace(seek=None), TopicPartition(ALERTS.name, 0), place, records)
    )
    worker.start()
    wait_for(lambda: failing.calls > 2)
    assert not made.database_state().ok
    assert "no room" in made.database_state().detail
    assert count(database, alerts) == 0
    failing.failures = 0
    worker.join(60)
    assert made.database_state().ok
    assert count(database, alerts) == 3
    assert registry.get_sample_value("groundswell_api_database_errors_total") >= 3


def test_a_batch_is_cut_into_transactions_of_about_a_megabyte() -> None:
    records = [Stored(index, b"x" * 400_000) for index in range(7)]
    cut = list(chunks(records))
    assert [record for chunk in cut for record in chunk] == records
    assert max(sum(len(one.value or b"") for one in chunk) for chunk in cut) < BYTES_A_TRANSACTION + 400_000
    assert len(cut) == 3


def test_a_refusal_is_reported_with_its_place_and_only_then_forgotten(database: Database) -> None:
    Tape(database).alerts(b"poison", alert("a"))
    written: list[Record] = []
    away = True

    def write(records: list[Record]) -> None:
        if away:
            raise KafkaAway("away")
        written.extend(records)

    chores = Chores(database, FakeClock(NOW), space="exercise", write=write)
    assert chores.report() == 0
    assert count(database, refusals) == 1
    away = False
    assert chores.report() == 1
    assert count(database, refusals) == 0
    assert chores.report() == 0
    [record] = written
    assert record.topic == "exercise.calls.rejected.v1"
    assert msgspec.json.decode(record.value or b"", type=Rejected) == Rejected(
        1, "not JSON", topic="alerts.v1", partition=0, offset=0, at=NOW
    )


def test_what_was_known_when_is_kept_for_fourteen_days(database: Database) -> None:
    day = 24 * HOUR
    tape = Tape(database)
    for age in (0, 13, 15, 801):
        tape.series(series(point(NOW - age * day, age), known_at=NOW - age * day))
    tape.status(home_status(log_time=NOW))
    Chores(database, FakeClock(NOW), space="live", write=lambda _: None).prune()
    with database.reading() as connection:
        known = connection.exec_driver_sql("SELECT observed FROM point_versions ORDER BY observed").scalars().all()
        current = connection.exec_driver_sql("SELECT observed FROM points ORDER BY observed").scalars().all()
    assert (known, current) == ([0, 13], [0, 13, 15])


def test_metrics_show_the_largest_needs_and_no_cell_under_five(database: Database) -> None:
    tape = Tape(database)
    at = NOW - 2 * HOUR
    tape.series(
        series(
            point(at, 40, need="contacts", area="metro"),
            point(at, 30, need="BH", area="metro"),
            point(at, 4, need="BV", area="metro"),
            point(at, 30, need="B", area="metro"),
            point(at, 30, need="BH-1800", area="metro"),
            point(at, 9, need="BH", area="east"),
            point(NOW, 1000, need="BH", area="metro", is_open=True),
        )
    )
    tape.status(home_status(log_time=NOW + 1), partition_status(written_at=NOW - 2000))
    tape.alerts(alert("a"), alert("b", severity="severe"), alert("c", status="ended"))
    registry = new_registry()
    Gauges(database, ApiMetrics(registry), FakeClock(NOW), is_live=True).refresh(BOOK)
    text = render_metrics(registry)[0].decode()
    shown = sorted(line for line in text.splitlines() if line.startswith("groundswell_node_observed_calls{"))
    assert shown == [
        'groundswell_node_observed_calls{area="metro",home_area="metro",need="BH"} 30.0',
        'groundswell_node_observed_calls{area="metro",home_area="metro",need="contacts"} 40.0',
    ]
    assert 'groundswell_node_expected_calls{area="metro",home_area="metro",need="BH"} 10.0' in text
    assert registry.get_sample_value("groundswell_api_lag_seconds") == 2.0
    opened = {"home_area": "metro", "severity": "severe"}
    assert registry.get_sample_value("groundswell_api_alerts_open", opened) == 1.0
    assert registry.get_sample_value("groundswell_api_alerts_open", opened | {"severity": "moderate"}) == 1.0


def test_metrics_do_not_let_a_cell_under_five_be_computed_from_the_total(database: Database) -> None:
    tape, at = Tape(database), NOW - 2 * HOUR
    cells = {"contacts": 33, "BH": 30, "BV": 3}
    tape.series(series(*(point(at, calls, need=need, area="metro") for need, calls in cells.items())))
    tape.status(home_status(log_time=NOW + 1))
    registry = new_registry()
    Gauges(database, ApiMetrics(registry), FakeClock(NOW), is_live=True).refresh(BOOK)
    text = render_metrics(registry)[0].decode()
    shown = [line for line in text.splitlines() if line.startswith("groundswell_node_observed_calls{")]
    assert shown == ['groundswell_node_observed_calls{area="metro",home_area="metro",need="contacts"} 33.0']


def test_a_lag_that_nobody_has_told_is_no_number(database: Database) -> None:
    registry = new_registry()
    Gauges(database, ApiMetrics(registry), FakeClock(NOW), is_live=True).refresh(BOOK)
    lag = registry.get_sample_value("groundswell_api_lag_seconds")
    assert lag is not None
    assert math.isnan(lag)


def count(database: Database, table: Any) -> int:
    with database.reading() as connection:
        return len(connection.execute(table.select()).all())


def wait_for(condition: Callable[[], bool]) -> None:
    end, pause = time.monotonic() + 60, threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        pause.wait(0.02)
