"""What a rebuild takes from sealed hours, and which snapshot a recovery takes."""

from typing import Any

import msgspec

from schemas.output import LeafCount, SealedHour
from schemas.space_config import SpaceConfig
from services.detector.domain.history import Past
from services.detector.rebuild import REMEMBERED_MS, sealed_periods, whole_hours
from services.detector.snapshots import SnapshotLog
from services.runtime.kafka import Record, StoredRecord

HOUR = 3_600_000
HALF = HOUR // 2
CONFIG = SpaceConfig("exercise", 500, 2, 3.0, 1, "hash")


def sealed(start: int, **calls: int) -> SealedHour:
    """An hour with calls by source."""
    counts = tuple(LeafCount("BD", "tx-1", source, "211", number) for source, number in calls.items())
    return SealedHour(1, "tx", start, counts)


def by_start(*hours: SealedHour) -> dict[int, SealedHour]:
    return {hour.start: hour for hour in hours}


def starts(hours: list[SealedHour]) -> list[int]:
    return [hour.start // HOUR for hour in hours]


def test_the_first_hours_ever_and_those_that_the_log_holds_are_not_taken() -> None:
    hours = by_start(*(sealed(number * HOUR) for number in range(100, 110)))
    assert starts(whole_hours(hours, None, CONFIG)) == list(range(103, 110))
    assert starts(whole_hours(hours, 107 * HOUR + HALF, CONFIG)) == [103, 104, 105, 106]
    assert whole_hours({}, None, CONFIG) == []


def test_hours_that_a_model_forgets_are_not_taken() -> None:
    newest = 100 * HOUR + REMEMBERED_MS
    hours = by_start(sealed(0), sealed(50 * HOUR), sealed(100 * HOUR), sealed(newest))
    assert starts(whole_hours(hours, None, CONFIG)) == [100, newest // HOUR]


def test_silent_hours_are_known_and_holes_are_not() -> None:
    periods = sealed_periods([sealed(10 * HOUR, crm=4), sealed(11 * HOUR), sealed(15 * HOUR), sealed(16 * HOUR)])
    hours = Past(periods).hours(99 * HOUR)
    assert {start // HOUR: cells for start, cells in hours.items()} == {
        10: [("crm", ("BD", "tx-1", "211", 4))],
        11: [],
        15: [],
        16: [],
    }


def test_sources_stay_apart_so_that_loaded_history_replaces_its_own() -> None:
    periods = sealed_periods([sealed(10 * HOUR, crm=4, city=2)])
    assert {period.source: period.hours[10 * HOUR] for period in periods} == {
        "city": [("BD", "tx-1", "211", 2)],
        "crm": [("BD", "tx-1", "211", 4)],
    }


def test_buckets_of_a_zone_with_half_hours_are_each_one_hour_of_history() -> None:
    periods = sealed_periods([sealed(number * HOUR - HALF, crm=number) for number in (10, 11, 12)])
    hours = Past(periods).hours(99 * HOUR)
    assert {start // HOUR: [cell[3] for _, cell in cells] for start, cells in hours.items()} == {
        10: [10],
        11: [11],
        12: [12],
    }


class Topic:
    """Records of one partition of the snapshot topic, not compacted."""

    def __init__(self) -> None:
        self.records: list[StoredRecord] = []

    def take(self, records: list[Record]) -> None:
        """Write them."""
        for record in records:
            self.records.append(StoredRecord(len(self.records), 0, record.key, record.value))

    def save(self, snapshots: SnapshotLog, next_offset: int, **blocks: bytes) -> None:
        """A whole snapshot."""
        chunks, manifest = snapshots.write(blocks, next_offset, 0)
        self.take([*chunks, *snapshots.commit(manifest), *snapshots.written(manifest)])

    def newest(self) -> Any:
        """What a recovery finds: next offset and blocks."""
        found = SnapshotLog("snapshots", 0).read(self.records)
        return None if found is None else (found.manifest.next_offset, found.blocks)


def test_what_a_tombstone_took_away_is_gone_before_kafka_compacts() -> None:
    topic, snapshots = Topic(), SnapshotLog("snapshots", 0)
    for offset in (10, 20, 30):
        topic.save(snapshots, offset, partition=b"%d" % offset, bank=b"same")
    assert topic.newest() == (30, {"partition": b"30", "bank": b"same"})
    topic.take([Record("snapshots", None, b"manifest|30", 0)])
    assert topic.newest() == (20, {"partition": b"20", "bank": b"same"})
    topic.take([Record("snapshots", None, b"manifest|20", 0)])
    assert topic.newest() is None, "the oldest was tombstoned when the third was written"


def test_a_manifest_counts_only_with_all_its_blocks() -> None:
    topic, snapshots = Topic(), SnapshotLog("snapshots", 0)
    topic.save(snapshots, 10, partition=b"10")
    chunks, manifest = snapshots.write({"partition": b"20"}, 20, 0)
    topic.take(snapshots.commit(manifest))
    assert topic.newest() == (10, {"partition": b"10"})
    topic.take(chunks)
    assert topic.newest() == (20, {"partition": b"20"})
    topic.take([Record("snapshots", msgspec.json.encode({"v": "?"}), b"manifest|40", 0)])
    assert topic.newest() == (20, {"partition": b"20"})
