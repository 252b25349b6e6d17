"""One partition's driver: bytes in, the fold, records out. No Faust and no Kafka client in here."""

from dataclasses import dataclass, field

import msgspec

from schemas.alert import Alert
from schemas.log_record import BadRecord, Calls, decode_record
from schemas.output import HomeStatus, PartitionStatus, Rejected
from schemas.topics import ALERTS, CALLS, REJECTED, SNAPSHOTS, STATUS
from services.detector.closing import AlertTopic, Rebuild, blocks_of, last_version, rebuild_of
from services.detector.domain.fold import References, State, step
from services.detector.domain.outputs import Output
from services.detector.domain.snapshot import from_blocks, to_blocks
from services.detector.metrics import DetectorMetrics
from services.detector.rebuild import Remembered, rebuild_from
from services.detector.snapshots import SnapshotLog
from services.runtime.clock import Clock
from services.runtime.kafka import Record, StoredRecord

AHEAD_MS = 2_000
"""In a live space no stamp counts as later than the record's own timestamp plus this."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Surroundings:
    """What all partitions of a worker share."""

    space: str
    worker: str
    references: References
    clock: Clock
    metrics: DetectorMetrics

    @property
    def live(self) -> bool:
        """Whether the wall clock bounds log time."""
        return self.space == "live"


@dataclass
class Gap(Exception):
    """Offsets are missing between what was folded and what came."""

    partition: int
    expected: int
    came: int

    def __str__(self) -> str:
        return f"partition {self.partition}: offset {self.came} came where {self.expected} was next"


@dataclass
class PartitionWorker:
    """State of one partition and where it stands on the log.

    `fold` must be given every record in order; what it returns must be acknowledged before a snapshot counts.
    """

    partition: int
    around: Surroundings
    state: State = field(default_factory=State)
    next_offset: int = 0
    rebuild: Rebuild = field(default_factory=Rebuild)
    """The log is replayed over what was remembered, because no snapshot reached so far; and what that left behind."""
    snapshots: SnapshotLog = field(init=False)

    def __post_init__(self) -> None:
        self.snapshots = SnapshotLog(SNAPSHOTS.in_space(self.around.space), self.partition)

    def recover(self, stored: list[StoredRecord], beginning: int) -> None:
        """Start from the newest whole snapshot, or from the beginning of the log.

        Raises:
            BadSnapshot: whole, but of a format that this version does not read.
        """
        snapshot = self.snapshots.read(stored)
        if snapshot is None:
            self.next_offset = beginning
            return
        self.state = from_blocks(snapshot.blocks, self.around.references)
        self.next_offset = snapshot.manifest.next_offset
        self.rebuild = rebuild_of(snapshot.blocks)

    def begin_again(self, remembered: Remembered) -> None:
        """Start where the log begins now, from what is known without a snapshot."""
        self.state, self.next_offset = remembered.state, remembered.begin
        self.rebuild = rebuild_from(remembered)
        self.snapshots.begin_anew(self.blocks()[1])

    def fold_again(self, end: int) -> None:
        """Start from nothing: a log that is whole says everything itself."""
        self.state, self.next_offset, self.rebuild = State(), 0, Rebuild(end)
        self.snapshots.begin_anew(self.blocks()[1])

    @property
    def is_rebuilding(self) -> bool:
        """Whether the log is still being replayed over what was remembered."""
        return self.next_offset < self.rebuild.until

    @property
    def has_rebuilt(self) -> bool:
        """Whether all of the log is replayed, so that alerts of before which nobody knows any more can be closed."""
        return 0 < self.rebuild.until <= self.next_offset and self.state.log_time > 0

    def close_orphans(self, topic: AlertTopic) -> list[Record]:
        """The end of a rebuild: last versions of open alerts that this state does not know.

        Args:
            topic: all that stands on the topic, everything that was told in the rebuild included.
        """
        now = self.state.log_time
        orphans = topic.orphans(self.rebuild, now)
        self.rebuild = Rebuild(lifts=topic.lifts(self.rebuild))
        return [self._record(Output(ALERTS, one.id, last_version(one, now))) for one in orphans]

    def fold(self, offset: int, key: bytes | None, value: bytes | None, timestamp_ms: int) -> list[Record]:
        """Fold one record in; a repeat is stepped over, poison is reported with its place.

        Raises:
            Gap: a record between is missing.
        """
        if offset < self.next_offset:
            return []
        if offset > self.next_offset:
            raise Gap(self.partition, self.next_offset, offset)
        try:
            said = self._step(key, value, timestamp_ms)
        except BadRecord as error:
            self.around.metrics.poison.inc()
            place = Rejected(
                1, str(error), topic=CALLS.in_space(self.around.space), partition=self.partition, offset=offset
            )
            said = [Output(REJECTED, "", place)]
        records = [self._record(output) for output in said]
        self.next_offset = offset + 1
        return records

    def _step(self, key: bytes | None, value: bytes | None, timestamp_ms: int) -> list[Output]:
        if value is None:
            raise BadRecord("an empty record")
        record = decode_record(value)
        limit = timestamp_ms + AHEAD_MS if self.around.live else None
        try:
            home = key.decode() if key is not None else None
        except UnicodeDecodeError:
            raise BadRecord("the key is not UTF-8") from None
        with self.around.metrics.fold_seconds.time():
            said = step(self.state, home, record, self.around.references, no_later_than=limit)
        self.around.metrics.records.labels(type(record).__name__.lower()).inc()
        if isinstance(record, Calls):
            self.around.metrics.calls.inc(len(record.calls))
        for output in said:
            if isinstance(output.value, HomeStatus):
                self.around.metrics.told(output.value)
        return said

    def _record(self, output: Output) -> Record:
        self.around.metrics.outputs.labels(output.topic.name).inc()
        value = output.value
        body = self._alert(value) if isinstance(value, Alert) else _encode(value)
        return Record(output.topic.in_space(self.around.space), body, key=output.key.encode() or None)

    def _alert(self, alert: Alert) -> bytes:
        body = alert.model_dump_json().encode()
        if self.is_rebuilding:
            self.rebuild.note(alert, body)
        lifted = self.rebuild.lifted(alert)
        return body if lifted is alert else lifted.model_dump_json().encode()

    def status(self, end_offset: int) -> Record:
        """How far this partition has come."""
        metrics, name = self.around.metrics, str(self.partition)
        metrics.lag.labels(name).set(max(0, end_offset - self.next_offset))
        metrics.log_time.labels(name).set(self.state.log_time / 1000)
        status = PartitionStatus(
            v=1,
            partition=self.partition,
            next_offset=self.next_offset,
            end_offset=max(end_offset, self.next_offset),
            log_time=self.state.log_time,
            written_at=self.around.clock.now_ms(),
            state="rebuilding" if self.is_rebuilding else "running",
            worker=self.around.worker,
        )
        return Record(STATUS.in_space(self.around.space), _encode(status), key=f"partition-{self.partition}".encode())

    def blocks(self) -> tuple[int, dict[str, bytes]]:
        """The offset and the state, in one piece."""
        return self.next_offset, to_blocks(self.state) | blocks_of(self.rebuild)
