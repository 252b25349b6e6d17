"""What people did reaches Kafka: all of it, in order, whatever is away meanwhile."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

from schemas.action import Action
from schemas.controls import BudgetBody, EventBody, LabelBody
from schemas.log_record import Control, decode_record
from services.api.database import Database
from services.api.outbox import AHEAD_MS, Outbox, put_action, put_control
from services.api.tables_people import outbox
from services.runtime.kafka import KafkaAway, Record, RecordRefused
from tests.api_parts import NOW, FakeClock, prepared


class Kafka:
    """Takes what it is given, unless told otherwise."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.fault: Exception | None = None
        self.before_answer = threading.Event()
        self.before_answer.set()

    def write(self, records: Sequence[Record]) -> None:
        if self.fault is not None:
            raise self.fault
        self.before_answer.wait(120)
        self.records += records


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = f"sqlite:///{tmp_path / 'api.sqlite'}"
    found = prepared(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield found
    found.close()


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


def box(database: Database, kafka: Kafka, clock: FakeClock | None = None, partitions: int | None = 3) -> Outbox:
    clock = clock or FakeClock(NOW)
    return Outbox(
        database,
        clock,
        space="exercise",
        write=kafka.write,
        partitions=lambda: partitions,
        space_now=lambda _: clock.now_ms(),
    )


def put(database: Database) -> None:
    with database.writing() as connection:
        put_action(connection, Action(1, "a1", 1, "label", NOW, "M. Ortiz", {}, id="a1#1"), "alert:a1")
        put_control(
            connection, "label", LabelBody("a1", "real_surge"), issuer="M. Ortiz", home_area="metro", reference="l"
        )
        put_control(
            connection,
            "event",
            EventBody("e1", "Heat", NOW, ("metro",)),
            issuer="M. Ortiz",
            home_area=None,
            reference="e",
        )


def waiting(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(outbox)) or 0


def control(record: Record) -> Control:
    found = decode_record(record.value or b"")
    assert isinstance(found, Control)
    return found


def test_actions_go_to_their_topic_and_controls_to_the_partitions_they_concern(
    database: Database, kafka: Kafka
) -> None:
    put(database)
    assert box(database, kafka).send() == 3
    assert [(one.topic, one.key, one.partition) for one in kafka.records] == [
        ("exercise.actions.v1", b"a1", None),
        ("exercise.calls.events.v1", b"metro", None),
        *(("exercise.calls.events.v1", None, partition) for partition in range(3)),
    ]
    assert len({control(one).id for one in kafka.records[2:]}) == 1
    assert waiting(database) == 0


def test_a_control_takes_effect_a_little_after_it_is_first_sent_and_a_second_try_says_the_same(
    database: Database, kafka: Kafka
) -> None:
    clock = FakeClock(NOW)
    put(database)
    kafka.fault = KafkaAway("away")
    with pytest.raises(KafkaAway):
        box(database, kafka, clock).send()
    assert waiting(database) == 3
    clock.now += 60_000
    kafka.fault = None
    assert box(database, kafka, clock).send() == 3
    stamps = {(control(one).at, control(one).effective_at) for one in kafka.records[1:]}
    assert stamps == {(NOW, NOW + AHEAD_MS)}, "partitions that got it the first time switch at the same moment"


def test_nothing_is_sent_before_the_space_is_known(database: Database, kafka: Kafka) -> None:
    put(database)
    assert box(database, kafka, partitions=None).send() == 0
    assert waiting(database) == 3


def test_a_record_that_kafka_will_never_take_does_not_stop_the_others(database: Database, kafka: Kafka) -> None:
    put(database)
    kafka.fault = RecordRefused("too large")
    assert box(database, kafka).send() == 3
    with database.writing() as connection:
        put_control(connection, "budget", BudgetBody(5), issuer="M. Ortiz", home_area="metro", reference="b")
    kafka.fault = None
    assert box(database, kafka).send() == 1


def test_two_processes_on_one_database_send_each_record_once(postgres_url: str) -> None:
    database, kafka = prepared(postgres_url), Kafka()
    put(database)
    kafka.before_answer.clear()
    first = threading.Thread(target=box(database, kafka).send)
    first.start()
    try:
        while not _is_locked(database):
            pass
        assert box(database, kafka).send() == 0, "the other one is sending"
    finally:
        kafka.before_answer.set()
        first.join(120)
    assert len(kafka.records) == 5
    assert waiting(database) == 0
    database.close()


def _is_locked(database: Database) -> bool:
    with database.reading() as connection:
        held = connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        return bool(held.scalar())


def test_the_thread_sends_what_waits_when_kafka_comes_back(database: Database, kafka: Kafka) -> None:
    kafka.fault = KafkaAway("away")
    clock = FakeClock(NOW)
    sender = box(database, kafka, clock)
    sender.start()
    try:
        put(database)
        sender.wake()
        deadline = threading.Event()
        while sender._waiting_since is None:
            assert not deadline.wait(0.01)
        clock.now += 31_000
        assert sender.state().degraded
        kafka.fault = None
        while waiting(database):
            assert not deadline.wait(0.01)
        while sender.state().degraded:
            assert not deadline.wait(0.01)
    finally:
        sender.stop()
    assert len(kafka.records) == 5
