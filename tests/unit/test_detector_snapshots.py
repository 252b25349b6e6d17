"""Snapshots: only what changed is written, only what is whole is read, and the two newest are kept."""

import hashlib

import msgspec
import pytest

import services.detector.snapshots as snapshots_module
from services.detector.domain.fold import State
from services.detector.domain.snapshot import PARTITION, BadSnapshot, Blocks, from_blocks, to_blocks
from services.detector.snapshots import SnapshotLog
from services.runtime.kafka import Record, StoredRecord
from tests.detector_world import MINUTE, REFERENCE, WARM, warm

TOPIC = "detector.snapshots.v1"


class Partition:
    """A compacted partition and the worker that writes it."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}
        self.everything: list[StoredRecord] = []
        self.log = SnapshotLog(TOPIC, 3)

    def append(self, records: list[Record]) -> None:
        for record in records:
            assert (record.topic, record.partition) == (TOPIC, 3)
            assert record.key is not None
            self.everything.append(StoredRecord(len(self.everything), 0, record.key, record.value))
            if record.value is None:
                self.records.pop(record.key)
            else:
                self.records[record.key] = record.value

    def save(self, blocks: Blocks, next_offset: int, *, cut: bool = False) -> list[bytes]:
        """Write one snapshot; returns the keys of its chunks. `cut` dies before the manifest."""
        chunks, manifest = self.log.write(blocks, next_offset, 1)
        self.append(chunks)
        if not cut:
            self.append(self.log.commit(manifest))
            self.append(self.log.written(manifest))
        return [chunk.key for chunk in chunks if chunk.key]

    def stored(self) -> list[StoredRecord]:
        return [StoredRecord(i, 0, key, value) for i, (key, value) in enumerate(self.records.items())]

    def read(self) -> tuple[int, Blocks] | None:
        """What a new worker finds."""
        self.log = SnapshotLog(TOPIC, 3)
        found = self.log.read(self.stored())
        return None if found is None else (found.manifest.next_offset, found.blocks)


def test_what_was_written_is_read_again_generation_after_generation() -> None:
    partition = Partition()
    blocks: Blocks = {"partition": b"p0", "tx|core": b"c0", "tx|bank": b"b" * 1000}
    for generation in range(1, 6):
        blocks = {**blocks, "tx|core": f"c{generation}".encode(), f"tx|hour:{generation}": b"h"}
        partition.save(blocks, generation * 10)
        assert Partition.read(partition) == (generation * 10, blocks)


def test_only_changed_blocks_are_written() -> None:
    partition = Partition()
    partition.save({"a": b"1", "b": b"2"}, 10)
    assert partition.save({"a": b"1", "b": b"3", "c": b"4"}, 20) == [b"block|b|20|0", b"block|c|20|0"]
    partition.read()
    assert partition.save({"a": b"1", "b": b"3", "c": b"5"}, 30) == [b"block|c|30|0"]


def test_a_block_that_is_gone_is_not_read_again() -> None:
    partition = Partition()
    partition.save({"a": b"1", "b": b"2"}, 10)
    partition.save({"a": b"1"}, 20)
    assert partition.read() == (20, {"a": b"1"})


def test_large_blocks_are_cut_into_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots_module, "CHUNK_BYTES", 50)
    large = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(20))
    partition = Partition()
    keys = partition.save({"a": large}, 10)
    assert len(keys) > 5
    assert partition.read() == (10, {"a": large})
    del partition.records[keys[3]]
    assert partition.read() is None


def two_generations() -> tuple[Partition, Blocks]:
    partition, first = Partition(), {"a": b"1", "b": b"2"}
    partition.save(first, 10)
    partition.save({"a": b"1", "b": b"3"}, 20)
    return partition, first


def test_a_missing_chunk_falls_back_to_the_snapshot_before() -> None:
    partition, first = two_generations()
    del partition.records[b"block|b|20|0"]
    assert partition.read() == (10, first)


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"x\x9c"])
def test_a_damaged_chunk_falls_back_to_the_snapshot_before(damage: bytes) -> None:
    partition, first = two_generations()
    partition.records[b"block|b|20|0"] = damage
    assert partition.read() == (10, first)


def test_a_chunk_of_other_content_falls_back_to_the_snapshot_before() -> None:
    partition, first = two_generations()
    partition.records[b"block|b|20|0"] = partition.records[b"block|b|10|0"]
    assert partition.read() == (10, first)


@pytest.mark.parametrize("damage", [None, b"", b"{", b'{"v":1}'])
def test_a_missing_or_damaged_manifest_falls_back_to_the_snapshot_before(damage: bytes | None) -> None:
    partition, first = two_generations()
    partition.records[b"manifest|20"] = damage or b""
    if damage is None:
        del partition.records[b"manifest|20"]
    assert partition.read() == (10, first)


def test_a_worker_that_dies_before_its_manifest_leaves_the_snapshot_before_in_force() -> None:
    partition = Partition()
    partition.save({"a": b"1"}, 10)
    partition.save({"a": b"2"}, 20, cut=True)
    assert partition.read() == (10, {"a": b"1"})
    partition.save({"a": b"2"}, 20)
    assert partition.read() == (20, {"a": b"2"})


def test_what_was_left_of_a_snapshot_that_was_never_finished_is_taken_away() -> None:
    """Every kill inside a write would otherwise leave its chunks on the compacted topic for ever."""
    partition = Partition()
    partition.save({"tx|a": b"1", "b": b"1"}, 10)
    partition.save({"tx|a": b"2", "b": b"1"}, 20, cut=True)
    assert b"block|tx|a|20|0" in partition.records
    partition.read()
    partition.save({"tx|a": b"3", "b": b"1"}, 30)
    assert b"block|tx|a|20|0" not in partition.records
    assert partition.read() == (30, {"tx|a": b"3", "b": b"1"})


@pytest.mark.parametrize("key", [b"\xff\xff", b"manifest|x", b"block|a|1|0", b"block|", b""])
def test_rubbish_among_the_snapshots_stops_nobody(key: bytes) -> None:
    partition, _ = two_generations()
    partition.records[key] = b"rubbish"
    assert partition.read() == (20, {"a": b"1", "b": b"3"})


def test_an_empty_partition_holds_no_snapshot() -> None:
    assert Partition().read() is None


def test_tombstones_leave_what_the_two_newest_need_and_nothing_else() -> None:
    partition = Partition()
    partition.save({"a": b"1", "b": b"1", "old": b"1"}, 10)
    partition.save({"a": b"1", "b": b"2"}, 20)
    partition.save({"a": b"1", "b": b"3"}, 30)
    assert set(partition.records) == {
        b"manifest|20",
        b"manifest|30",
        b"block|a|10|0",
        b"block|b|20|0",
        b"block|b|30|0",
    }
    del partition.records[b"block|b|30|0"]
    assert partition.read() == (20, {"a": b"1", "b": b"2"})


def test_before_kafka_has_compacted_the_topic_the_same_is_read() -> None:
    partition = Partition()
    for generation in range(1, 6):
        partition.save({"a": b"1", "b": f"{generation}".encode()}, generation * 10)
    found = SnapshotLog(TOPIC, 3).read(partition.everything)
    assert found is not None
    assert (found.manifest.next_offset, found.blocks) == (50, {"a": b"1", "b": b"5"})
    fresh = SnapshotLog(TOPIC, 3)
    fresh.read(partition.everything)
    assert fresh.manifests == {"manifest|40", "manifest|50"}


def test_a_worker_that_fell_back_cleans_up_what_it_could_not_read() -> None:
    partition, _ = two_generations()
    partition.records[b"block|b|20|0"] = b"rubbish"
    partition.read()
    partition.save({"a": b"1", "b": b"9"}, 25)
    assert b"manifest|20" not in partition.records
    assert b"block|b|20|0" not in partition.records
    assert partition.read() == (25, {"a": b"1", "b": b"9"})


def test_two_workers_that_write_one_generation_write_the_same_bytes() -> None:
    one, other = Partition(), Partition()
    world = warm()
    one.save(to_blocks(world.state), 10)
    other.save(to_blocks(world.restarted().state), 10)
    blocks = {key: value for key, value in one.records.items() if key.startswith(b"block")}
    assert blocks == {key: value for key, value in other.records.items() if key.startswith(b"block")}


def test_a_state_goes_through_snapshots_and_writes_little_when_little_changes() -> None:
    partition, world = Partition(), warm()
    everything = partition.save(to_blocks(world.state), 10)
    world.one(at=WARM + MINUTE)
    little = partition.save(to_blocks(world.state), 11)
    assert not any(b"past:" in key or b"bank" in key or b"profiles" in key for key in little)
    assert len(little) < len(everything) / 5
    found = partition.read()
    assert found is not None
    again = from_blocks(found[1], lambda _: REFERENCE)
    assert to_blocks(again) == to_blocks(world.state)


def test_an_empty_state_goes_through_too() -> None:
    assert to_blocks(from_blocks(to_blocks(State()), lambda _: REFERENCE)) == to_blocks(State())


def test_a_state_of_another_format_is_refused_with_its_number() -> None:
    blocks = to_blocks(warm().state)
    raw = msgspec.msgpack.decode(blocks[PARTITION])
    blocks[PARTITION] = msgspec.msgpack.encode({**raw, "format": 99})
    with pytest.raises(BadSnapshot, match="99"):
        from_blocks(blocks, lambda _: REFERENCE)


@pytest.mark.parametrize("name", [PARTITION, "tx|core", "tx|bank", "tx|profiles"])
@pytest.mark.parametrize("damage", [None, b"", b"\xc1", msgspec.msgpack.encode({})])
def test_a_state_with_a_missing_or_damaged_block_is_refused(name: str, damage: bytes | None) -> None:
    blocks = to_blocks(warm().state)
    if damage is None:
        del blocks[name]
    else:
        blocks[name] = damage
    with pytest.raises(BadSnapshot):
        from_blocks(blocks, lambda _: REFERENCE)


def anew(partition: Partition, blocks: Blocks, next_offset: int) -> list[bytes]:
    """A worker that knows what stands there begins again from these blocks and writes them; keys of its chunks."""
    partition.read()
    partition.log.begin_anew(blocks)
    return partition.save(blocks, next_offset)


def test_a_state_that_was_begun_anew_is_written_whole_and_takes_the_old_one_away() -> None:
    partition, first = two_generations()
    keys = anew(partition, first, 15)
    assert len(keys) == len(first), "nothing is taken over from the snapshot before, were it the same"
    assert partition.read() == (15, first)
    assert set(partition.records) == {*keys, partition.log.newest.key().encode()}  # type: ignore[union-attr]


def test_what_goes_on_from_it_writes_only_what_changed_and_is_read_again() -> None:
    partition, first = two_generations()
    keys = anew(partition, first, 15)
    partition.read()
    (changed,) = partition.save({**first, "b": b"9"}, 25)
    assert partition.read() == (25, {**first, "b": b"9"})
    del partition.records[changed]
    assert partition.read() == (15, first)
    del partition.records[keys[0]]
    assert partition.read() is None


def test_two_that_begin_anew_from_the_same_write_the_same_keys_and_others_do_not() -> None:
    alike = [anew(Partition(), {"a": b"1", "b": b"2"}, 10) for _ in range(2)]
    assert alike[0] == alike[1]
    others: list[Blocks] = [{"a": b"1", "b": b"3"}, {"a": b"2", "b": b"1"}, {"a": b"1", "c": b"2"}]
    assert not any(set(alike[0]) & set(anew(Partition(), blocks, 10)) for blocks in others)


def test_of_two_snapshots_at_one_offset_the_one_that_was_begun_last_counts() -> None:
    """The worker died before it took the other one away."""
    partition, _ = two_generations()
    standing = dict(partition.records)
    anew(partition, {"a": b"7"}, 20)
    partition.records = standing | partition.records
    assert partition.read() == (20, {"a": b"7"})


def test_a_manifest_from_before_there_were_lineages_is_read() -> None:
    partition, _ = two_generations()
    manifest = msgspec.json.decode(partition.records[b"manifest|20"])
    del manifest["lineage"]
    partition.records[b"manifest|20"] = msgspec.json.encode(manifest)
    assert partition.read() == (20, {"a": b"1", "b": b"3"})
