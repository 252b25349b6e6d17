"""Any schedule of crashes, hand-overs, zombies, stale and damaged snapshots says what one quiet run of the log says.

The machine drives the real host, worker and snapshot log over a model of Kafka: a log that is a list, a snapshot
partition that is a list, and producers whose records may be lost until somebody has waited for them.
"""

import asyncio
import itertools
import random
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from prometheus_client import CollectorRegistry

from schemas.alert import Alert
from schemas.log_record import VERSION, Calls, Control, LogCall, LogRecord, Tick, encode_record
from schemas.topics import ALERTS, COUNTS
from services.detector.closing import CLOSED_BY
from services.detector.domain.instants import instant
from services.detector.domain.snapshot import PARTITION, Blocks, to_blocks
from services.detector.host import Gap, Host
from services.detector.metrics import DetectorMetrics
from services.detector.snapshots import SnapshotLog, standing
from services.detector.worker import PartitionWorker, Surroundings
from services.runtime.kafka import Record, StoredRecord
from services.runtime.settings import Settings
from tests.detector_world import HOUR, MINUTE, REFERENCE, SECOND, WARM, warm
from tests.properties.kafka_model import (
    BEGIN,
    NEW,
    PART,
    POSITION,
    SNAPSHOT_TOPIC,
    SPACE,
    Broker,
    Crashed,
    Outbox,
    StillClock,
    Stores,
)


class Machine(RuleBasedStateMachine):
    """One partition, the worker that owns it, and zombies that do not know that they own it no more."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.broker = Broker()
        self.quiet = _worker()
        self.expected: list[list[Record]] = []
        """What the quiet run says to each record."""
        self.owner: Host | None = None
        self.zombies: list[Host] = []
        self.ids = itertools.count(NEW)
        self.calls: list[LogCall] = []
        self.now = WARM + MINUTE
        self.reached = BEGIN
        """Where a recovery would go on; only damage and another version move it back."""
        self.remembers: Blocks = {}
        self.of_others: dict[str, int] = {}
        """Alerts that another version left open -> their version."""

    def teardown(self) -> None:
        self.check_the_end()
        self.loop.close()

    @initialize()
    def begin(self) -> None:
        """A snapshot of a warm home area stands on Kafka."""
        self.quiet.state, self.quiet.next_offset = warm().state, BEGIN
        self.remembers = to_blocks(self.quiet.state)
        first = SnapshotLog(SNAPSHOT_TOPIC, PART)
        chunks, manifest = first.write(to_blocks(self.quiet.state), BEGIN, WARM)
        for record in [*chunks, *first.commit(manifest)]:
            self.broker.append(record)

    # --- the log -----------------------------------------------------------------------------------------------------

    def _write(self, record: LogRecord | bytes, key: str | None = "tx") -> None:
        value = record if isinstance(record, bytes) else encode_record(record)
        name = key.encode() if key else None
        self.broker.log.append((name, value))
        self.expected.append(self.quiet.fold(self.quiet.next_offset, name, value, WARM))

    def _call(self, rng: random.Random) -> LogCall:
        if self.calls and rng.random() < 0.2:
            old = rng.choice(self.calls)
            return msgspec.structs.replace(old, revision=rng.randint(0, 2), void=rng.random() < 0.3)
        late = rng.choice((0, 0, 0, 40 * MINUTE, 3 * HOUR))
        need, area = rng.choice((("BD-1", "tx-1a"), ("BH", "tx-2"), ("BD-2", None)))
        call = LogCall(f"{next(self.ids):016x}", "crm", self.now - late, "211", (need,), area)
        self.calls.append(call)
        return call

    @rule(seed=st.integers(0, 2**16), size=st.sampled_from((1, 3, 12)), gap=st.sampled_from((1, 40, 900)))
    def calls_come(self, seed: int, size: int, gap: int) -> None:
        """Packed calls: new ones, late ones, repeats, revisions, voids."""
        self.now += gap * SECOND
        rng = random.Random(seed)
        self._write(Calls(VERSION, (self.now,) * size, tuple(self._call(rng) for _ in range(size))))

    @rule(times=st.integers(8, 14))
    def a_surge_comes(self, times: int) -> None:
        """Enough calls of one need within seconds to raise an alert."""
        for _ in range(times):
            self.now += SECOND
            call = LogCall(f"{next(self.ids):016x}", "crm", self.now, "211", ("BD-1",), "tx-1a")
            self._write(Calls(VERSION, (self.now,), (call,)))

    @rule(minutes=st.sampled_from((1, 10, 70)))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self._write(Tick(VERSION, self.now), None)

    @rule(behind=st.integers(1, 90))
    def another_host_stamps_behind(self, behind: int) -> None:
        """Within the rules: two ingest hosts interleave, so a stamp may be older than log time."""
        call = LogCall(f"{next(self.ids):016x}", "city", self.now, "311", ("BH",), "tx-2")
        self._write(Calls(VERSION, (self.now - behind * SECOND,), (call,)))

    @precondition(lambda self: self.broker.log)
    @rule(back=st.integers(1, 6))
    def a_producer_writes_twice(self, back: int) -> None:
        """After a producer was replaced a record may stand on the log a second time."""
        key, value = self.broker.log[-min(back, len(self.broker.log))]
        self._write(value, key and key.decode())

    @rule(rubbish=st.sampled_from((b"\xff", b"{}", b'{"v":9,"kind":"tick","at":1}')))
    def poison_comes(self, rubbish: bytes) -> None:
        self._write(rubbish)

    @rule(alert=st.integers(0, 3), type_=st.sampled_from(("label", "end")))
    def somebody_speaks(self, alert: int, type_: str) -> None:
        told = sorted({one["id"] for one in _alerts(itertools.chain(*self.expected))})
        if told:
            body: dict[str, Any] = {"alert_id": told[alert % len(told)]}
            body |= {"label": "data_problem"} if type_ == "label" else {}
            name = f"said-{len(self.broker.log)}"
            self._write(Control(VERSION, name, type_, self.now, self.now + SECOND, "ana", body, "tx"), None)

    # --- workers -----------------------------------------------------------------------------------------------------

    def _take_over(self, sees: int | None = None) -> None:
        outbox: Any = Outbox(self.broker)
        host = Host(Settings(space=SPACE), _around(), outbox, Stores(self.broker, sees, self.remembers))
        start = self.loop.run(host.take_over(PART))
        said = {(one.topic, one.key, one.value) for one in self.broker.outputs}
        for record in itertools.chain(*self.expected[: start - BEGIN]):
            assert (record.topic, record.key, record.value) in said, "a snapshot stands over an output that is lost"
        self.owner = host

    def _fold(self, host: Host, offset: int) -> None:
        """One record; whatever is said must be what the quiet run said to it."""
        outbox: Any = host.outbox
        key, value = self.broker.log[offset - BEGIN]
        repeat = offset < host.workers[PART].next_offset
        outbox.said.clear()
        self.loop.run(host.fold(PART, offset, key, value, WARM))
        told = [one for one in outbox.said if not self._is_of_others(one)]
        assert told == ([] if repeat else self.expected[offset - BEGIN])

    def _advance(self, host: Host, records: int) -> None:
        start = host.workers[PART].next_offset
        for offset in range(start, min(start + records, self.broker.end)):
            self._fold(host, offset)

    @precondition(lambda self: self.owner is None)
    @rule()
    def a_worker_takes_over(self) -> None:
        self._take_over()

    @precondition(lambda self: self.owner is None)
    @rule(back=st.integers(0, 40))
    def a_worker_takes_over_from_an_earlier_snapshot(self, back: int) -> None:
        """It sees the snapshot topic as it stood some records ago."""
        whole = [
            sees
            for sees in range(max(1, len(self.broker.snapshots) - back), len(self.broker.snapshots) + 1)
            if SnapshotLog(SNAPSHOT_TOPIC, PART).read(self.broker.snapshots[:sees]) is not None
        ]
        self._take_over(whole[0] if whole else None)

    @precondition(lambda self: self.owner is not None)
    @rule(records=st.integers(1, 30))
    def it_folds(self, records: int) -> None:
        assert self.owner is not None
        self._advance(self.owner, records)

    @precondition(lambda self: self.owner is not None and self.owner.workers[PART].next_offset > BEGIN)
    @rule(back=st.integers(1, 5), times=st.integers(1, 3))
    def records_are_delivered_again(self, back: int, times: int) -> None:
        assert self.owner is not None
        following = self.owner.workers[PART].next_offset
        for offset in range(max(BEGIN, following - back), min(following + times, self.broker.end)):
            self._fold(self.owner, offset)

    @precondition(lambda self: self.owner is not None and self.owner.workers[PART].next_offset + 1 < self.broker.end)
    @rule()
    def a_record_is_missing(self) -> None:
        """It is refused, and nothing is changed by it."""
        assert self.owner is not None
        worker = self.owner.workers[PART]
        before = to_blocks(worker.state)
        try:
            self._fold(self.owner, worker.next_offset + 1)
        except Gap:
            assert to_blocks(worker.state) == before
        else:
            raise AssertionError("a gap was counted over")

    @precondition(lambda self: self.owner is not None)
    @rule()
    def it_writes_a_snapshot(self) -> None:
        assert self.owner is not None
        self.loop.run(self.owner.save())

    @precondition(lambda self: self.owner is not None)
    @rule(reach=st.integers(0, 40))
    def it_is_killed(self, reach: int) -> None:
        """Some of what was underway reaches Kafka, in order."""
        assert self.owner is not None
        for record in self.owner.outbox.underway[:reach]:  # type: ignore[attr-defined]
            self.broker.append(record)
        self.owner = None

    @precondition(lambda self: self.owner is not None)
    @rule(after=st.integers(0, 30))
    def it_is_killed_inside_a_snapshot(self, after: int) -> None:
        assert self.owner is not None
        self.owner.outbox.dies_after = after  # type: ignore[attr-defined]
        try:
            self.loop.run(self.owner.save())
        except Crashed:
            self.owner = None
        else:
            self.owner.outbox.dies_after = None  # type: ignore[attr-defined]

    @precondition(lambda self: self.owner is not None)
    @rule()
    def it_hands_over(self) -> None:
        """A rebalance: state is saved and dropped."""
        assert self.owner is not None
        self.loop.run(self.owner.give_up({PART}))
        assert self.owner.workers == {}
        self.loop.run(self.owner.outbox.settled())
        self.owner = None

    @precondition(lambda self: self.owner is not None and len(self.zombies) < 2)
    @rule()
    def it_is_paused_and_another_takes_over(self) -> None:
        assert self.owner is not None
        self.zombies.append(self.owner)
        self._take_over()

    @precondition(lambda self: self.zombies)
    @rule(buffered=st.lists(st.integers(0, 5), max_size=3), ends=st.booleans(), which=st.integers(0, 1))
    def a_zombie_wakes(self, buffered: list[int], ends: bool, which: int) -> None:
        """It folds what it has buffered, its timer writes snapshots, then it is told that it lost the partition."""
        host = self.zombies[which % len(self.zombies)]
        for records in buffered:
            self._advance(host, records)
            self.loop.run(host.save())
        if ends:
            self.loop.run(host.give_up({PART}))
            self.loop.run(host.outbox.settled())
            self.zombies.remove(host)

    @precondition(lambda self: self.owner is None and not self.zombies and len(self._whole()) > 1)
    @rule(how=st.sampled_from((b"", b"rubbish", None)), which=st.integers(0, 50))
    def the_newest_snapshot_is_damaged(self, how: bytes | None, which: int) -> None:
        """A chunk of its own, or its manifest, is cut, overwritten or gone; the one before stays whole."""
        newest, before = self._whole()[:2]
        own = sorted(self._keys(newest) - self._keys(before))
        key = own[which % len(own)]
        self.broker.snapshots.append(StoredRecord(len(self.broker.snapshots), WARM, key, how))
        self.reached = self.broker.recovery()

    @precondition(lambda self: self.owner is None and not self.zombies)
    @rule(snapshots=st.integers(1, 2), alerts=st.integers(0, 2))
    def another_version_was_here(self, snapshots: int, alerts: int) -> None:
        """With another model: it came to the end of the log, and left snapshots and alerts that it alone knows."""
        for record in [one.key for one in self.broker.snapshots]:
            self.broker.append(Record(SNAPSHOT_TOPIC, None, record))
        other = SnapshotLog(SNAPSHOT_TOPIC, PART)
        for offset in range(max(BEGIN, self.broker.end - snapshots + 1), self.broker.end + 1):
            chunks, manifest = other.write(_of_another_model(self.remembers, offset), offset, WARM)
            for record in [*chunks, *other.commit(manifest), *other.written(manifest)]:
                self.broker.append(record)
        raised_at = instant(self.quiet.state.log_time)
        for _ in range(alerts):
            name = f"{len(self.of_others):016x}"
            changes = {"id": name, "version": 3, "raised_at": raised_at, "updated_at": raised_at}
            body = _an_alert().model_copy(update=changes).model_dump_json().encode()
            self.broker.append(Record(ALERTS.in_space(SPACE), body, name.encode()))
            self.of_others[name] = 3
        self.reached = BEGIN

    @precondition(lambda self: self.owner is None and self.reached == BEGIN and self.broker.log)
    @rule(records=st.integers(1, 12), reach=st.integers(0, 40))
    def a_rebuild_is_cut_short(self, records: int, reach: int) -> None:
        """After a snapshot in the middle of it."""
        self._take_over()
        assert self.owner is not None
        self._advance(self.owner, records)
        self.loop.run(self.owner.save())
        self.it_is_killed(reach)

    def _is_of_others(self, record: Record) -> bool:
        return (
            record.topic == ALERTS.in_space(SPACE) and msgspec.json.decode(record.value or b"")["id"] in self.of_others
        )

    def _whole(self) -> list[SnapshotLog]:
        """Snapshots that could be read, newest first."""
        found, records = [], list(self.broker.snapshots)
        while True:
            log = SnapshotLog(SNAPSHOT_TOPIC, PART)
            snapshot = log.read(records)
            if snapshot is None:
                return found
            found.append(log)
            gone = snapshot.manifest.key().encode()
            records.append(StoredRecord(len(records), WARM, gone, None))

    def _keys(self, log: SnapshotLog) -> set[bytes]:
        assert log.newest is not None
        return {key.encode() for key in (*log.newest.all_chunks(), log.newest.key())}

    @invariant()
    def nobody_damages_the_newest_snapshot(self) -> None:
        """Whatever a zombie or a dying worker writes, a recovery begins no earlier than it would have before."""
        if self.broker.snapshots:
            newest = self.broker.recovery()
            assert newest >= self.reached
            self.reached = newest

    def check_the_end(self) -> None:
        """A worker folds all that is left: what a reader keeps of the outputs is what the quiet run said."""
        if not self.broker.snapshots:
            return
        self._take_over()
        assert self.owner is not None
        self._advance(self.owner, len(self.broker.log) + 1)
        self.loop.run(self.owner.save())
        assert to_blocks(self.owner.workers[PART].state) == to_blocks(self.quiet.state)
        own = [one for one in self.broker.outputs if not self._is_of_others(one) and one.key != POSITION]
        assert _kept(own) == _kept(itertools.chain(*self.expected))
        assert self.broker.recovery() == self.broker.end
        self._write(Tick(VERSION, self.now + MINUTE), None)
        self._advance(self.owner, 1)
        self.loop.run(self.owner.save())
        self.loop.run(self.owner.outbox.settled())
        self._check_that_others_alerts_are_ended()
        left = set(standing(self.broker.snapshots)) - {
            key.decode() for log in self._whole()[:2] for key in self._keys(log)
        }
        assert not [key for key in left if key.startswith("block|")], "what no snapshot needs is taken away"

    def _check_that_others_alerts_are_ended(self) -> None:
        """By one more version, whatever interrupted the rebuild."""
        told = [one for one in _alerts(self.broker.outputs) if one["id"] in self.of_others]
        assert {(one["id"], one["version"]) for one in told} == {
            (name, version + more) for name, version in self.of_others.items() for more in (0, 1)
        }
        assert {one["ended_by"] for one in told if one["version"] > self.of_others[one["id"]]} <= {CLOSED_BY}


def _of_another_model(blocks: Blocks, offset: int) -> Blocks:
    """A state that only another version can read; nothing in it is what this version would write."""
    raw = msgspec.msgpack.decode(blocks[PARTITION])
    others = dict.fromkeys(blocks, b"of another model, %d" % offset)
    return others | {PARTITION: msgspec.msgpack.encode({**raw, "model": "another", "log_time": offset})}


@cache
def _an_alert() -> Alert:
    """One that is open."""
    worker = _worker()
    worker.state = warm().state
    calls = [LogCall(f"{NEW + more:016x}", "crm", WARM, "211", ("BD-1",), "tx-1a") for more in range(15)]
    surge: list[LogRecord] = [Calls(VERSION, (WARM,) * len(calls), tuple(calls)), Tick(VERSION, WARM + MINUTE)]
    told = [one for at, record in enumerate(surge) for one in worker.fold(at, b"tx", encode_record(record), WARM)]
    return Alert.model_validate_json(next(one.value for one in told if one.topic == ALERTS.in_space(SPACE)) or b"")


def _around() -> Surroundings:
    return Surroundings(SPACE, "w", lambda _: REFERENCE, StillClock(), DetectorMetrics(CollectorRegistry()))


def _worker() -> PartitionWorker:
    return PartitionWorker(PART, _around())


def _alerts(records: Iterable[Record]) -> list[dict[str, Any]]:
    topic = ALERTS.in_space(SPACE)
    return [msgspec.json.decode(one.value or b"") for one in records if one.topic == topic]


def _kept(records: Iterable[Record]) -> dict[Any, bytes | None]:
    """What a reader keeps: the first word of each (id, version) of an alert and each sealed hour, all else as a set."""
    kept: dict[Any, bytes | None] = {}
    for one in records:
        value = msgspec.json.decode(one.value or b"{}")
        if one.topic == ALERTS.in_space(SPACE):
            place = (one.topic, value["id"], value["version"])
        elif one.topic == COUNTS.in_space(SPACE):
            place = (one.topic, value["home_area"], value["start"], value.get("corrected"))
        else:
            place = (one.topic, one.key, one.value)
        assert kept.setdefault(place, one.value) == one.value, f"{place} is told differently a second time"
    return kept


TestSchedules = Machine.TestCase
TestSchedules.settings = settings(
    max_examples=16,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
