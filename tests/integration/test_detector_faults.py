"""What must not stop a detector, what must, and what it says then."""

import json
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from schemas.log_record import VERSION, Calls, LogCall, Tick
from schemas.topics import ALERTS, CALLS, COUNTS, REFERENCE, SNAPSHOTS
from services.detector.space import group_of
from services.runtime.embedded import EmbeddedKafka
from services.runtime.kafka import Record, ReliableProducer
from tests.integration.detector_world import (
    CLOCK,
    MINUTE,
    START,
    Space,
    Worker,
    day,
    eventually,
    history,
    space_settings,
    worker,
)
from tests.integration.test_detector import assert_as_quiet, fold_all, has_snapshots
from tests.ports import free_port


@pytest.fixture
def space(tmp_path: Path, kafka_bootstrap: str) -> Space:
    """A new space with its configuration and four quiet weeks of `tx`."""
    made = Space(space_settings(tmp_path, kafka_bootstrap)).create()
    made.write([("tx", history())])
    return made


def test_poison_is_reported_with_its_place_and_stepped_over(space: Space, tmp_path: Path) -> None:
    call = LogCall("00000000000000aa", "crm", START, "211", ("BD-1",), "tx-1")
    stamp = b'{"v":1,"kind":"calls","at":[],"calls":[]}'
    poison = [
        (b"tx", b"\xff\xfe garbage", 0),
        (b"tx", b'{"v":9,"kind":"tick","at":1}', 0),
        (b"tx", b'{"v":1,"kind":"song","at":1}', 0),
        (b"tx", b'{"v":1,"kind":"tick","at":"now"}', 0),
        (b"tx", b'["' + b"x" * 12_000_000 + b'"]', 0),
        (b"tx", None, 0),
        (b"\xff", stamp, 0),
        (b"mars", stamp, 0),
        (None, stamp, 0),
    ]
    place = len(space.stored(CALLS, 0))
    space.write_raw(poison)
    space.write([("tx", Calls(VERSION, (START + 1_000,), (call,)))])
    space.write(day())
    with worker(space.settings, tmp_path) as one:
        fold_all(space, one)
        assert f"groundswell_detector_poison_total {len(poison):.1f}" in one.get("/metrics")[1]
        assert one.terminate() == 0
    told = {one.offset: one for one in space.rejected() if one.offset is not None}
    assert sorted(told) == list(range(place, place + len(poison)))
    assert {(one.topic, one.partition) for one in told.values()} == {(space.topic(CALLS), 0)}
    assert all(one.reason and "xxx" not in one.reason for one in told.values())
    assert_as_quiet(space)


def test_a_damaged_snapshot_is_passed_over(space: Space, tmp_path: Path) -> None:
    """The one before serves; that without any the log is folded from its beginning is tested on the worker alone."""
    records = day()
    half = len(records) // 2
    space.write(records[: half // 2])
    with worker(space.settings, tmp_path) as one:
        fold_all(space, one)
        eventually(lambda: all(space.manifests(part) for part in (0, 1)), "a snapshot each", of=one)
        space.write(records[half // 2 : half])
        fold_all(space, one)
        eventually(lambda: all(len(space.manifests(part)) == 2 for part in (0, 1)), "two snapshots each", of=one)
        assert one.terminate() == 0
    kept = {part: space.manifests(part) for part in (0, 1)}
    damage(space, [f"block|partition|{kept[part][-1]}|0" for part in kept])
    space.write(records[half:])
    with worker(space.settings, tmp_path) as two:
        fold_all(space, two)
        assert two.started_at() == {part: kept[part][0] for part in kept}
        assert two.terminate() == 0
    assert_as_quiet(space)


def damage(space: Space, keys: list[str]) -> None:
    """Overwrite chunks where they stand."""
    topic = space.topic(SNAPSHOTS)
    standing = {(part, record.key) for part in (0, 1) for record in space.stored(SNAPSHOTS, part)}
    found = [Record(topic, b"not a chunk", key, part) for part, key in standing if key.decode() in keys]
    assert len(found) == len(keys)
    with ReliableProducer(space.settings, CLOCK, limits={topic: 1_000_000}) as producer:
        producer.write(found, 30)


def test_a_committed_offset_that_is_ahead_of_the_snapshots_loses_nothing(space: Space, tmp_path: Path) -> None:
    """Faust commits what it never folded: after an exception, in a gap, before a revocation. It would begin there."""
    space.write(day(4))
    ends = space.ends()
    commit(space, ends)
    with worker(space.settings, tmp_path) as one:
        fold_all(space, one)
        assert one.started_at() == {0: 0, 1: 0}
        assert one.terminate() == 0
    said, quiet = space.said(), space.quiet()
    assert (said.counts, said.points) == (quiet.counts, quiet.points)
    assert quiet.counts


def commit(space: Space, offsets: dict[int, int]) -> None:
    """Commit offsets for the group of the workers."""
    consumer = KafkaConsumer(
        bootstrap_servers=space.settings.kafka_bootstrap,
        group_id=group_of(space.settings.space),
        enable_auto_commit=False,
    )
    try:
        places = {TopicPartition(space.topic(CALLS), part): offset for part, offset in offsets.items()}
        consumer.assign(list(places))
        consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in places.items()})
    finally:
        consumer.close()


def reads(one: Worker, partitions: int) -> bool:
    """Whether the worker says that it reads so many partitions, no more and no fewer."""
    return f"groundswell_detector_partitions {partitions}.0" in one.get("/metrics")[1]


def test_two_workers_share_the_partitions_and_one_takes_all_when_the_other_leaves(space: Space, tmp_path: Path) -> None:
    records = day()
    third = len(records) // 3
    other = space.settings.model_copy(update={"detector_port": free_port()})
    space.write(records[:third])
    with worker(space.settings, tmp_path) as one:
        eventually(lambda: len(space.values(COUNTS)) >= 3, "part of the log is folded", of=one)
        with worker(other, tmp_path) as two:
            eventually(lambda: reads(one, 1) and reads(two, 1), "each worker has a partition of its own", of=two)
            space.write(records[third : 2 * third])
            fold_all(space, two)
            assert two.terminate() == 0
        space.write(records[2 * third :])
        fold_all(space, one)
        eventually(lambda: reads(one, 2), "the first worker has both partitions", of=one)
        assert one.terminate() == 0
    assert_as_quiet(space)


def test_settings_that_differ_from_the_log_stop_the_start_with_a_sentence(space: Space, tmp_path: Path) -> None:
    other = space.settings.model_copy(update={"grid_ms": 1000}).model_copy()
    other.model_fields_set.add("grid_ms")
    with worker(other, tmp_path) as one:
        assert one.wait() == 2
        sentence = one.events("cannot_start")[-1]["reason"]
    assert "grid_ms is 500 on the log and 1000 in the settings" in sentence
    assert "topics create --apply" in sentence


def test_a_log_that_begins_behind_the_newest_snapshot_is_rebuilt_and_it_says_so(space: Space, tmp_path: Path) -> None:
    """From sealed hours, then from what the log still holds: never a silent gap, and no wait for a person."""
    records = day()
    half = len(records) // 2
    space.write(records[:half])
    with worker(space.settings, tmp_path) as one:
        fold_all(space, one)
        eventually(lambda: has_snapshots(space), "snapshots are written", of=one)
        one.kill()
    orphan = open_alert_of_another_model(space)
    space.write(records[half : half + 40])
    begin = space.ends()
    space.write(records[half + 40 :])
    space.begin_log_at(begin)
    before = space.marks()
    with worker(space.settings, tmp_path) as two:
        space.folded_to_its_end(two, before)
        told = {line["partition"]: line for line in two.events("rebuilding")}
        assert {part: line["first_offset"] for part, line in told.items()} == begin
        assert all(line["snapshot_needs"] < begin[part] for part, line in told.items())
        assert all(line["since"].startswith("2025-10-09T") for line in told.values())
        eventually(lambda: '"status": "ready"' in two.get("/health/ready")[1], "it is whole again", of=two)
        eventually(lambda: space.partition_status(before)[-1].state == "running", "the log has it too", of=two)
        assert two.terminate() == 0
    assert "rebuilding" in {one.state for one in space.partition_status(before)}
    assert not [one for one in space.rejected() if one.offset is not None], "the configuration is known all the same"
    closed = space.said(before).alerts[orphan, 8]
    assert (closed["status"], closed["ended_by"]) == ("ended", "rebuild")
    third = space.marks()
    with worker(space.settings, tmp_path) as three:
        eventually(lambda: three.get("/health/ready")[0] == 200, "it is ready", of=three)
        assert three.events("rebuilding") == []
        assert three.terminate() == 0
    assert space.said(third).alerts == {}


def open_alert_of_another_model(space: Space) -> str:
    """Its seventh version stands on the topic, and the state that a rebuild makes does not know it."""
    alerts = space.said().alerts.values()
    told = next(one for one in alerts if one["status"] == "rising") | {"id": "00000000000000ff", "version": 7}
    topic = space.topic(ALERTS)
    with ReliableProducer(space.settings, CLOCK, limits={topic: 1_000_000}) as producer:
        producer.write([Record(topic, json.dumps(told).encode(), told["id"].encode())], 30)
    return str(told["id"])


def test_it_waits_for_kafka_and_for_the_space_and_no_stamp_pushes_live_time(tmp_path: Path) -> None:
    """In the live space, on a broker of its own that comes after the worker."""
    port = free_port()
    space = Space(space_settings(tmp_path, f"127.0.0.1:{port}", space="live"))
    now = CLOCK.now_ms()
    call = LogCall("00000000000000aa", "crm", now, "211", ("BD-1",), "tx-1")
    with worker(space.settings, tmp_path) as one:
        eventually(lambda: "waiting for" in one.get("/health/ready")[1], "it says what it waits for", of=one)
        assert one.get("/health/live")[0] == 200
        assert one.get("/health/ready")[0] == 503
        with EmbeddedKafka(tmp_path / "broker", port=port) as kafka:
            assert kafka.port == port
            eventually(lambda: '"kafka": {"state": "up"' in one.get("/health/ready")[1], "it sees Kafka", of=one)
            space.create()
            eventually(lambda: one.get("/health/ready")[0] == 200, "it is ready", of=one)
            far = now + 3 * 60 * MINUTE
            space.write([("tx", Calls(VERSION, (far,), (call,))), (None, Tick(VERSION, far))])
            fold_all(space, one)
            stamps = [record.timestamp_ms for part in (0, 1) for record in space.stored(CALLS, part)]
            assert now - 60_000 < space.log_time() <= max(stamps) + 2_000 < far
            assert one.terminate() == 0
            assert space.values(REFERENCE)
