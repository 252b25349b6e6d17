"""One partition's driver: bytes in, records out; poison, repeats, gaps, recovery."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from schemas.alert import Alert
from schemas.log_record import VERSION, Calls, Control, LogRecord, Tick, encode_record
from schemas.output import PartitionStatus, Rejected, StatusRecord
from services.detector.closing import AlertTopic
from services.detector.domain.fold import State
from services.detector.domain.snapshot import PARTITION, budgets_of, to_blocks
from services.detector.host import Host
from services.detector.metrics import DetectorMetrics
from services.detector.rebuild import Remembered
from services.detector.snapshots import SnapshotLog
from services.detector.worker import AHEAD_MS, Gap, PartitionWorker, Surroundings
from services.runtime.kafka import Record, StoredRecord
from services.runtime.settings import Settings
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, SECOND, START, World, history


class StillClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        return START

    def monotonic(self) -> float:
        return 0.0


def worker(space: str = "live") -> PartitionWorker:
    metrics = DetectorMetrics(CollectorRegistry())
    around = Surroundings(space, "w1", lambda _: REFERENCE, StillClock(), metrics)
    return PartitionWorker(3, around)


def config() -> Control:
    return Control(VERSION, "c", "config", START, START, "test", msgspec.to_builtins(CONFIG))


def put(driver: PartitionWorker, record: LogRecord, key: str | None = "tx", at: int | None = None) -> list[Record]:
    """Fold the next record in; Kafka's stamp is the record's own time unless told otherwise."""
    stamp = at if at is not None else record.at[-1] if isinstance(record, Calls) else getattr(record, "at", START)
    return driver.fold(driver.next_offset, key.encode() if key else None, encode_record(record), stamp)


def call_at(at: int, number: int = 1, **more: object) -> Calls:
    return Calls(VERSION, (at,), (World(ids=itertools.count(number)).call(at=at, **more),))


def control(body: bytes, effective_at: int = START + HOUR) -> bytes:
    """A control whose time has not come."""
    head = b'{"v":1,"kind":"control","id":"a","type":"end","home_area":"tx","at":1,"issuer":"ana","effective_at":%d,'
    return head % effective_at + b'"body":' + body + b"}"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"tx", b"not json", "not JSON"),
        (b"tx", b"\xff\xfe\x00", "not JSON"),
        (b"tx", b"", "not JSON"),
        (b"tx", None, "an empty record"),
        (b"tx", b'{"v":9,"kind":"tick","at":1}', "version 9 is not known"),
        (b"tx", b'{"v":1,"kind":"riddle","at":1}', "not of the contract"),
        (b"tx", b'{"v":1,"at":1}', "not of the contract"),
        (b"tx", b'{"v":1,"kind":"tick","at":"soon"}', "not of the contract"),
        (b"tx", b'{"v":1,"kind":"calls","at":[1],"calls":[]}', "differ in length"),
        (b"tx", b"[" * 100_000, "not of the contract"),
        (b"tx", b'{"v":1,"kind":"tick","more":' + b"[" * 5000 + b"]" * 5000 + b',"at":1}', "nested too deep"),
        (b"tx", b'{"v":1,"kind":"tick","at":%d}' % 2**70, "out of range"),
        (b"tx", b'{"v":1,"kind":"tick","at":-1}', "out of range"),
        (b"tx", control(b'{"alert_id":"x","more":' + b"[" * 300 + b"]" * 300 + b"}"), "nested too deep"),
        (b"tx", control(b'{"alert_id":"x","more":%d}' % 2**70), "out of range"),
        (b"tx", control(b"{}", effective_at=2**70), "out of range"),
        (b"\xff\xfe", encode_record(call_at(START)), "the key is not UTF-8"),
        (b"nowhere", encode_record(call_at(START)), "the key is not a home area"),
        (None, encode_record(call_at(START)), "the key is not a home area"),
    ],
)
def test_poison_is_told_with_its_place_and_never_its_value_and_folding_goes_on(
    key: bytes | None, value: bytes | None, reason: str
) -> None:
    driver = worker()
    put(driver, config(), None)
    state = to_blocks(driver.state)
    told = driver.fold(1, key, value, START)
    assert [record.topic for record in told] == ["calls.rejected.v1"]
    rejected = msgspec.json.decode(told[0].value or b"", type=Rejected)
    assert (rejected.topic, rejected.partition, rejected.offset) == ("calls.events.v1", 3, 1)
    assert reason in rejected.reason
    assert told[0].key is None
    for secret in ("riddle", "soon", "nowhere"):
        assert secret.encode() not in (told[0].value or b"")
    assert to_blocks(driver.state) == state
    assert driver.around.metrics.poison._value.get() == 1
    put(driver, call_at(START + MINUTE))
    assert driver.state.homes["tx"].intake.counters["counted"] == 1
    assert driver.next_offset == 3


def test_a_call_id_that_is_no_number_is_poison_too() -> None:
    driver = worker()
    put(driver, config(), None)
    told = put(driver, call_at(START, id="Mrs Smith 555-1234"))
    assert [record.topic for record in told] == ["calls.rejected.v1"]
    assert b"Smith" not in (told[0].value or b"")
    assert driver.next_offset == 2


def test_repeated_offsets_are_stepped_over() -> None:
    driver = worker()
    put(driver, config(), None)
    data = encode_record(call_at(START))
    driver.fold(1, b"tx", data, START)
    assert driver.fold(1, b"tx", encode_record(call_at(START, 2)), START) == []
    assert driver.fold(0, b"tx", data, START) == []
    assert driver.state.homes["tx"].intake.counters["counted"] == 1
    assert driver.next_offset == 2


def test_a_missing_offset_is_a_gap_and_changes_nothing() -> None:
    driver = worker()
    put(driver, config(), None)
    with pytest.raises(Gap, match="partition 3: offset 5 came where 1 was next"):
        driver.fold(5, b"tx", encode_record(call_at(START)), START)
    assert driver.next_offset == 1
    assert driver.state.homes == {}


def test_in_a_live_space_a_stamp_counts_as_at_most_two_seconds_after_kafkas_own() -> None:
    driver = worker()
    put(driver, config(), None)
    put(driver, Tick(VERSION, START + HOUR), None, at=START)
    assert driver.state.log_time == START + AHEAD_MS == START + 2 * SECOND


def test_in_a_replay_the_stamps_of_the_log_hold_whatever_kafka_says() -> None:
    driver = worker("drill")
    put(driver, config(), None)
    put(driver, Tick(VERSION, START + HOUR), None, at=START + 9 * HOUR)
    assert driver.state.log_time == START + HOUR


def test_outputs_go_to_the_topics_of_the_space_with_their_keys() -> None:
    driver = worker("drill")
    put(driver, config(), None)
    put(driver, call_at(START))
    told = put(driver, Tick(VERSION, START + 4 * HOUR), None)
    assert {record.topic for record in told} == {"drill.series.v1", "drill.counts.v1", "drill.status.v1"}
    assert {record.key for record in told} == {b"tx"}


def rising(driver: PartitionWorker) -> list[Alert]:
    """A warm home area in which a surge begins; all versions told."""
    put(driver, config(), None)
    put(driver, history())
    told: list[Record] = []
    for number in range(15):
        told += put(driver, call_at(START + 6 * HOUR + number * SECOND, number + 1))
    told += put(driver, Tick(VERSION, START + 6 * HOUR + MINUTE), None)
    return [Alert.model_validate_json(one.value or b"") for one in told if one.topic == "alerts.v1"]


def test_alerts_are_keyed_by_their_id_and_counted_by_topic() -> None:
    driver = worker()
    told = rising(driver)
    assert len({alert.id for alert in told}) == 1
    assert [alert.version for alert in told] == list(range(1, len(told) + 1))
    assert driver.around.metrics.outputs.labels("alerts.v1")._value.get() == len(told)


def test_a_worker_that_recovers_goes_on_where_the_snapshot_stands() -> None:
    first, second = worker(), worker()
    rising(first)
    next_offset, blocks = first.blocks()
    chunks, manifest = first.snapshots.write(blocks, next_offset, START)
    stored = [
        StoredRecord(offset, START, record.key, record.value)
        for offset, record in enumerate([*chunks, *first.snapshots.commit(manifest)])
    ]
    second.recover(stored, 0)
    assert second.next_offset == first.next_offset
    assert to_blocks(second.state) == to_blocks(first.state)
    later = call_at(first.state.log_time + 10 * SECOND, 99)
    assert put(second, later) == put(first, later)


@dataclass
class Held:
    """A log that begins somewhere, and what stands among the snapshots."""

    begins: int
    stored: list[StoredRecord]

    def span(self, _: int) -> tuple[int, int]:
        return self.begins, 40

    def snapshots(self, _: int) -> list[StoredRecord]:
        return self.stored

    def remembered(self, _: int, __: list[StoredRecord]) -> Remembered:
        return Remembered(State(budgets={"tx": 5.0}), self.begins, 40, START, ())

    def alerts(self, _: int) -> AlertTopic:
        return AlertTopic(lambda _: True)


class Nowhere:
    """An outbox whose records nobody reads."""

    async def post(self, records: Sequence[Record]) -> int:
        return len(records)


def of_another_format() -> list[StoredRecord]:
    writer = worker()
    rising(writer)
    next_offset, blocks = writer.blocks()
    raw = msgspec.msgpack.decode(blocks[PARTITION])
    blocks[PARTITION] = msgspec.msgpack.encode({**raw, "format": 0, "budgets": {"tx": 5.0}})
    chunks, manifest = writer.snapshots.write(blocks, next_offset, START)
    records = enumerate([*chunks, *writer.snapshots.commit(manifest)])
    return [StoredRecord(offset, START, record.key, record.value) for offset, record in records]


@pytest.mark.parametrize(("begins", "budgets"), [(0, {}), (17, {"tx": 5.0})])
def test_a_snapshot_of_another_format_means_that_the_log_is_folded_again_and_says_so(
    begins: int, budgets: dict[str, float]
) -> None:
    outbox: Any = Nowhere()
    host = Host(Settings(), worker().around, outbox, Held(begins, of_another_format()))
    assert asyncio.run(host.take_over(3)) == begins
    assert host.workers[3].state.budgets == budgets
    assert host.workers[3].is_rebuilding
    state = host.state()
    assert state.degraded
    assert "rebuilding from " in state.detail


def test_the_budgets_of_a_snapshot_are_known_whatever_its_format() -> None:
    snapshot = SnapshotLog("", 3).read(of_another_format())
    assert snapshot is not None
    assert budgets_of(snapshot.blocks) == {"tx": 5.0}
    assert budgets_of({}) == budgets_of({PARTITION: b"\xc1"}) == {}


def test_a_worker_without_a_snapshot_begins_where_the_log_begins() -> None:
    driver = worker()
    driver.recover([], 17)
    assert driver.next_offset == 17
    assert driver.state.homes == {}


def test_status_says_how_far_the_partition_has_come() -> None:
    driver = worker()
    put(driver, config(), None)
    put(driver, Tick(VERSION, START), None)
    record = driver.status(10)
    status = msgspec.json.decode(record.value or b"", type=StatusRecord)
    assert isinstance(status, PartitionStatus)
    assert (status.next_offset, status.end_offset, status.log_time) == (2, 10, START)
    assert (record.topic, record.key) == ("status.v1", b"partition-3")
    assert msgspec.json.decode(driver.status(0).value or b"", type=PartitionStatus).end_offset == 2
