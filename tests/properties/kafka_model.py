"""Kafka as two lists, for schedules: what stands there, what one worker sees of it, and records that may be lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.space_config import MODEL
from schemas.topics import ALERTS, SNAPSHOTS
from services.detector.closing import AlertTopic
from services.detector.domain.snapshot import PARTITION, Blocks, from_blocks
from services.detector.rebuild import HomeRebuilt, Remembered
from services.detector.snapshots import Snapshot, SnapshotLog
from services.runtime.kafka import Record, StoredRecord
from tests.detector_world import REFERENCE, WARM

PART = 0
BEGIN = 1000
"""Offset of the first record that is still on the log; a snapshot of a warm home area stands there."""
NEW = 10**6
"""Calls of this number and above have not been counted in the warm home area."""
SPACE = "replay"
POSITION = f"partition-{PART}".encode()
"""Key of what is told of the partition itself, which follows from the time of telling."""
SNAPSHOT_TOPIC = SNAPSHOTS.in_space(SPACE)


class Crashed(Exception):
    """The process is gone in the middle of what it did."""


class StillClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        return WARM

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Broker:
    """What Kafka holds."""

    log: list[tuple[bytes | None, bytes]] = field(default_factory=list)
    """(key, value) from BEGIN on."""
    snapshots: list[StoredRecord] = field(default_factory=list)
    outputs: list[Record] = field(default_factory=list)

    def append(self, record: Record) -> None:
        if record.topic == SNAPSHOT_TOPIC:
            self.snapshots.append(StoredRecord(len(self.snapshots), WARM, record.key, record.value))
        else:
            self.outputs.append(record)

    @property
    def end(self) -> int:
        """Offset after the last record of the log."""
        return BEGIN + len(self.log)

    def newest_whole(self) -> Snapshot:
        """The snapshot that a recovery would take."""
        found = SnapshotLog(SNAPSHOT_TOPIC, PART).read(self.snapshots)
        assert found is not None, "a whole snapshot is always left"
        return found

    def recovery(self) -> int:
        """Offset from which a recovery would go on."""
        found = self.newest_whole()
        model = msgspec.msgpack.decode(found.blocks[PARTITION])["model"]
        return found.manifest.next_offset if model == MODEL else BEGIN


@dataclass
class Stores:
    """What one worker sees of the broker; `sees` records of the snapshot partition when it recovers."""

    broker: Broker
    sees: int | None = None
    remembers: Blocks = field(default_factory=dict)
    """The state from before the first record that is still on the log."""

    def span(self, _: int) -> tuple[int, int]:
        return BEGIN, self.broker.end

    def snapshots(self, _: int) -> list[StoredRecord]:
        sees, self.sees = self.sees, None
        return self.broker.snapshots[:sees]

    def remembered(self, _: int, __: list[StoredRecord]) -> Remembered:
        assert self.remembers, "a snapshot that can be read is always left"
        state = from_blocks(self.remembers, lambda _: REFERENCE)
        return Remembered(state, BEGIN, self.broker.end, WARM, (HomeRebuilt("tx", 5, 0, WARM),))

    def alerts(self, _: int) -> AlertTopic:
        topic = AlertTopic(lambda home_area: home_area == "tx")
        for record in self.broker.outputs:
            if record.topic == ALERTS.in_space(SPACE):
                topic.note(record.value or b"")
        return topic


@dataclass
class Outbox:
    """Records on their way: on Kafka once somebody waited for them, until then a crash may lose the last of them."""

    broker: Broker
    underway: list[Record] = field(default_factory=list)
    said: list[Record] = field(default_factory=list)
    """By the fold of the record at hand."""
    sent: int = 0
    dies_after: int | None = None
    """Records that still reach Kafka before the process dies."""

    async def post(self, records: Sequence[Record]) -> int:
        self.underway += records
        self.said += records
        self.sent += len(records)
        return self.sent

    async def settled(self, mark: int | None = None) -> None:
        left = self.sent - (self.sent if mark is None else mark)
        while len(self.underway) > left:
            if self.dies_after == 0:
                raise Crashed
            if self.dies_after is not None:
                self.dies_after -= 1
            self.broker.append(self.underway.pop(0))
