"""After a rebuild under another model no alert of the state of before stays open, whatever interrupts it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from schemas.alert import Alert
from schemas.log_record import VERSION, Calls, LogRecord, Tick, encode_record
from services.detector.closing import WHY, AlertTopic, Rebuild, last_version
from services.detector.domain.fold import State
from services.detector.domain.snapshot import PARTITION
from services.detector.host import Host, moment
from services.detector.rebuild import HomeRebuilt, Remembered, rebuild_from
from services.detector.worker import PartitionWorker
from services.runtime.kafka import Record, StoredRecord
from services.runtime.settings import Settings
from tests.detector_world import HOUR, MINUTE, SECOND, START, WARM, warm
from tests.unit.test_detector_worker import call_at, worker

PART = 3
BEGIN = 1000
"""First offset that the log still holds; what was before it is remembered."""
NEW = 10**6
"""Calls of this number and above have not been counted yet."""
LATER = WARM + 2 * MINUTE
"""Log time at the end of the rebuild."""


@dataclass
class Kafka:
    """A whole log, the snapshots and what was told; an outbox and stores in one."""

    log: list[tuple[str | None, LogRecord]] = field(default_factory=list)
    snapshots_: list[StoredRecord] = field(default_factory=list)
    told: list[Record] = field(default_factory=list)
    reads: int = 0
    lost_from: int = 0

    @property
    def end(self) -> int:
        """Offset after the last record of the log."""
        return BEGIN + len(self.log)

    def span(self, _: int) -> tuple[int, int]:
        return BEGIN, self.end

    def snapshots(self, _: int) -> list[StoredRecord]:
        return self.snapshots_

    def remembered(self, _: int, __: list[StoredRecord]) -> Remembered:
        return Remembered(warm().state, BEGIN, self.end, WARM, (HomeRebuilt("tx", 5, 0, self.lost_from),))

    def alerts(self, _: int) -> AlertTopic:
        self.reads += 1
        topic = AlertTopic(lambda home_area: home_area == "tx")
        for record in self.told:
            if record.topic == "alerts.v1":
                topic.note(record.value or b"")
        return topic

    async def post(self, records: Sequence[Record]) -> int:
        for record in records:
            if record.topic == "detector.snapshots.v1":
                self.snapshots_.append(StoredRecord(len(self.snapshots_), START, record.key, record.value))
            else:
                self.told.append(record)
        return 0

    async def settled(self, _: int | None = None) -> None:
        """At once."""

    def host(self) -> Host:
        parts: Any = self
        return Host(Settings(), worker().around, parts, parts)

    def versions(self, name: str) -> list[Alert]:
        """All versions of an alert as told, in order."""
        found = [Alert.model_validate_json(one.value or b"") for one in self.told if one.topic == "alerts.v1"]
        return [one for one in found if one.id == name]


async def fold(host: Host, kafka: Kafka, until: int) -> None:
    worker_ = host.workers[PART]
    for offset in range(worker_.next_offset, until):
        key, record = kafka.log[offset - BEGIN]
        stamp = record.at[-1] if isinstance(record, Calls) else getattr(record, "at", START)
        await host.fold(PART, offset, key and key.encode(), encode_record(record), stamp)


def surge() -> list[tuple[str | None, LogRecord]]:
    """A warm home area in which a surge begins, and the time after it."""
    calls = [("tx", call_at(WARM + number * SECOND, NEW + number)) for number in range(15)]
    return [
        *calls,
        (None, Tick(VERSION, LATER - MINUTE)),
        (None, Tick(VERSION, LATER)),
    ]


def quietly(kafka: Kafka) -> tuple[PartitionWorker, list[Alert]]:
    """A worker that was there before, at the end of the log, and the versions that it told."""
    first = worker()
    first.state, first.next_offset = warm().state, BEGIN
    told = [
        Alert.model_validate_json(record.value or b"")
        for offset, (key, one) in enumerate(kafka.log, BEGIN)
        for record in first.fold(offset, key and key.encode(), encode_record(one), LATER)
        if record.topic == "alerts.v1"
    ]
    return first, told


def of_another_model(kafka: Kafka) -> Alert:
    """A snapshot of another format, and an open alert on the topic that only its state knew."""
    first, told = quietly(kafka)
    orphan = told[-1].model_copy(update={"id": "00000000000000ff", "version": 7})
    kafka.told.append(Record("alerts.v1", orphan.model_dump_json().encode(), b"00000000000000ff"))
    next_offset, blocks = first.blocks()
    raw = msgspec.msgpack.decode(blocks[PARTITION])
    blocks[PARTITION] = msgspec.msgpack.encode({**raw, "format": 0})
    chunks, manifest = first.snapshots.write(blocks, next_offset, START)
    asyncio.run(kafka.post([*chunks, *first.snapshots.commit(manifest)]))
    return orphan


@pytest.fixture
def kafka() -> Kafka:
    return Kafka(surge())


def test_an_open_alert_that_the_rebuilt_state_does_not_know_is_ended_with_the_reason(kafka: Kafka) -> None:
    orphan = of_another_model(kafka)

    async def rebuild() -> None:
        host = kafka.host()
        await host.take_over(PART)
        await fold(host, kafka, kafka.end - 1)
        assert kafka.versions(orphan.id) == [orphan], "not before all of the log is folded"
        await fold(host, kafka, kafka.end)

    asyncio.run(rebuild())
    last = kafka.versions(orphan.id)[-1]
    assert (last.version, last.status, last.ended_by) == (8, "ended", "rebuild")
    assert last.ended_at == last.updated_at
    assert int(last.updated_at.timestamp() * 1000) == LATER
    assert last.explanation == WHY
    assert last.headline.en.startswith("Ended: ")
    assert last.because is not None
    assert (last.because.ends, last.because.ends_words) == (None, None)
    known = {one.id for one in map(Alert.model_validate_json, _bodies(kafka))} - {orphan.id}
    assert len(known) == 1, "what the new state knows goes on"
    assert {one.status for name in known for one in kafka.versions(name)} == {"rising"}


def _bodies(kafka: Kafka) -> list[bytes]:
    return [record.value or b"" for record in kafka.told if record.topic == "alerts.v1"]


@pytest.mark.parametrize("killed_after", ["a snapshot in the middle", "the last version", "a snapshot of the end"])
def test_it_is_ended_once_however_the_rebuild_is_interrupted(kafka: Kafka, killed_after: str) -> None:
    orphan = of_another_model(kafka)

    async def scenario() -> None:
        host, end = kafka.host(), kafka.end
        assert await host.take_over(PART) == BEGIN
        await fold(host, kafka, BEGIN + 9)
        if killed_after == "a snapshot in the middle":
            await host.save()
        else:
            await fold(host, kafka, end)
        if killed_after == "a snapshot of the end":
            await host.save()
        again = kafka.host()
        begin = {"a snapshot in the middle": BEGIN + 9, "the last version": BEGIN, "a snapshot of the end": end}[
            killed_after
        ]
        assert await again.take_over(PART) == begin
        assert again.state().degraded == (begin < end), "it says so until it is over, after a restart too"
        await fold(again, kafka, end)
        kafka.log.append((None, Tick(VERSION, LATER + MINUTE)))
        await fold(again, kafka, end + 1)
        assert not again.state().degraded
        assert kafka.reads == (1 if killed_after != "the last version" else 2)

    asyncio.run(scenario())
    assert [one.version for one in kafka.versions(orphan.id)] == [7, 8]


def test_a_rebuild_by_the_same_model_tells_nothing_new(kafka: Kafka) -> None:
    of_another_model(kafka)
    kafka.told.clear()

    async def rebuild() -> list[Record]:
        host, before = kafka.host(), len(kafka.told)
        await host.take_over(PART)
        await fold(host, kafka, kafka.end)
        assert host.workers[PART].rebuild == Rebuild()
        return [one for one in kafka.told[before:] if one.topic == "alerts.v1"]

    assert asyncio.run(rebuild()) == asyncio.run(rebuild()) != []


def test_versions_of_an_alert_that_both_know_rise_above_those_told_before(kafka: Kafka) -> None:
    """The page keeps the highest version; the new state would count up from one below it, unseen."""
    of_another_model(kafka)
    kafka.told.clear()
    before = quietly(kafka)[1][-1]
    for version in range(1, before.version + 6):
        other = before.model_copy(update={"version": version, "observed": 1})
        kafka.told.append(Record("alerts.v1", other.model_dump_json().encode()))

    async def rebuild() -> None:
        host = kafka.host()
        await host.take_over(PART)
        await fold(host, kafka, kafka.end)
        await host.save()
        again = kafka.host()
        await again.take_over(PART)
        calls = [("tx", call_at(LATER + number * SECOND, NEW + 100 + number)) for number in range(1, 30)]
        kafka.log += [*calls, (None, Tick(VERSION, LATER + 10 * MINUTE))]
        await fold(again, kafka, kafka.end)

    asyncio.run(rebuild())
    versions = [one.version for one in kafka.versions(before.id) if one.observed != 1]
    assert versions[: before.version] == list(range(1, before.version + 1)), "in the replay as ever"
    assert versions[before.version :] == list(
        range(before.version + 6, before.version + 6 + len(versions) - before.version)
    )
    assert len(versions) > before.version


def test_what_somebody_else_told_who_is_further_and_other_partitions_stay(kafka: Kafka) -> None:
    orphan = of_another_model(kafka)
    known, now = Rebuild(), LATER
    topic = kafka.alerts(PART)
    assert [one.id for one in topic.orphans(known, now)] == [orphan.id]
    assert topic.orphans(known, START) == [], "raised after the log time of this state"
    elsewhere = AlertTopic(lambda home_area: home_area == "ny")
    for body in _bodies(kafka):
        elsewhere.note(body)
    assert elsewhere.orphans(known, now) == []
    topic.note(b"\xff")
    topic.note(b'{"id":"x"}')
    topic.note(last_version(orphan, now).model_dump_json().encode())
    assert topic.orphans(known, now) == []


def test_a_silent_feed_is_named_by_its_own_name(kafka: Kafka) -> None:
    feed = of_another_model(kafka).model_copy(
        update={"kind": "silence", "need": None, "need_name": None, "source": "crm"}
    )
    last = last_version(feed, LATER)
    assert last.headline.en == f"Ended: crm, {feed.area_name}"
    assert Alert.model_validate_json(last.model_dump_json()) == last


def test_what_no_sealed_hour_has_and_the_log_no_longer_holds_is_named() -> None:
    known = HomeRebuilt("tx", 5, 0, known_until=WARM - 3 * HOUR)
    nothing = HomeRebuilt("ny", 0, 1)
    assert rebuild_from(Remembered(State(), 7, 9, WARM, (known, nothing))) == Rebuild(9, WARM, WARM - 3 * HOUR)
    assert rebuild_from(Remembered(State(), 7, 9, WARM, (nothing,))).unknown_from_ms == 0
    assert rebuild_from(Remembered(State(), 7, 9, WARM - 4 * HOUR, (known,))).unknown_from_ms == 0

    kafka = Kafka(surge(), lost_from=WARM - 3 * HOUR)
    of_another_model(kafka)
    host = kafka.host()
    asyncio.run(host.take_over(PART))
    since, lost = moment(WARM), moment(WARM - 3 * HOUR)
    assert f"rebuilding from {since}, calls between {lost} and then are not counted any more" in host.state().detail


def recovery(kafka: Kafka) -> int:
    """Where a worker that takes over now goes on."""
    return asyncio.run(kafka.host().take_over(PART))


def test_a_zombie_of_the_rebuild_takes_nothing_away_that_the_other_worker_wrote(kafka: Kafka) -> None:
    """It knows a snapshot of the other model at the very offset at which the other worker has written since."""
    of_another_model(kafka)

    async def scenario() -> None:
        zombie, owner = kafka.host(), kafka.host()
        await zombie.take_over(PART)
        await owner.take_over(PART)
        await fold(owner, kafka, kafka.end)
        await owner.save()
        await fold(zombie, kafka, BEGIN + 3)
        await zombie.save()

    end = kafka.end
    asyncio.run(scenario())
    assert recovery(kafka) == end


def test_a_zombie_of_the_rebuild_does_not_overwrite_what_the_other_worker_goes_on_to_need(kafka: Kafka) -> None:
    """The two know the log to different ends, so what they write at one offset differs."""
    of_another_model(kafka)

    async def scenario() -> None:
        zombie = kafka.host()
        await zombie.take_over(PART)
        kafka.log.append((None, Tick(VERSION, LATER + MINUTE)))
        owner = kafka.host()
        await owner.take_over(PART)
        await fold(owner, kafka, BEGIN + 3)
        await owner.save()
        await fold(zombie, kafka, BEGIN + 3)
        await zombie.save()
        await fold(owner, kafka, BEGIN + 4)
        await owner.save()

    asyncio.run(scenario())
    assert recovery(kafka) == BEGIN + 4
