"""What `erase` does to the log: calls of a source are taken back by control, its cells leave the sealed hours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from schemas.controls import RetractBody, to_body
from schemas.log_record import VERSION, BadRecord, Calls, Control, History, decode_record, encode_record
from schemas.output import SealedHour
from schemas.topics import CALLS, COUNTS
from services.runtime.kafka import (
    KafkaAway,
    Record,
    ReliableProducer,
    StoredRecord,
    admin_client,
    read_each,
)
from services.runtime.settings import Settings

ISSUER = "groundswell erase"
HOUR_MS = 3_600_000
WRITE_SECONDS = 60.0
AT_ONCE = 200


@dataclass
class OnTheLog:
    """What one partition of the calls holds of a source."""

    calls: int = 0
    histories: int = 0
    newest_ms: int = 0
    """Kafka's time of the newest of these records."""
    log_time: int = 0
    taken_back: set[str] = field(default_factory=set)
    """Home areas of which an earlier `erase` has taken back all that stands here."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of one partition of the sealed hours."""

    hours: int
    """That named the source."""
    cells: int
    copied: int
    """Hours that were written anew, without it."""


def look(stored: Iterable[StoredRecord], source: str) -> OnTheLog:
    """Everything that one partition of the calls holds of a source."""
    found = OnTheLog()
    for record in stored:
        try:
            decoded = decode_record(record.value or b"")
        except BadRecord:
            continue
        home = (record.key or b"").decode("utf-8", "replace")
        number = _brought(decoded, source)
        if number:
            found.newest_ms = max(found.newest_ms, record.timestamp_ms)
            found.taken_back.discard(home)
        if isinstance(decoded, Calls):
            found.calls += number
            found.log_time = max((found.log_time, *decoded.at))
        elif isinstance(decoded, History):
            found.histories += number
        elif isinstance(decoded, Control):
            if decoded.issuer == ISSUER and decoded.body.get("source") == source:
                found.taken_back.add(home)
        else:
            found.log_time = max(found.log_time, decoded.at)
    return found


def _brought(record: object, source: str) -> int:
    if isinstance(record, Calls):
        return sum(call.source == source for call in record.calls)
    return int(isinstance(record, History) and record.source == source)


def retraction(source: str, home_area: str, log_time: int) -> Control:
    """A control that takes back all that the fold still holds of a source."""
    return Control(
        VERSION,
        f"erase:{source}:{home_area}:{log_time}",
        "retract",
        log_time,
        log_time,
        issuer=ISSUER,
        body=to_body(RetractBody(source, 0, log_time + HOUR_MS)),
        home_area=home_area,
    )


def without(hour: SealedHour, source: str) -> SealedHour:
    """The same hour as if the source had not been.

    >>> without(SealedHour(1, "tx", 0, ()), "crm")
    SealedHour(v=1, home_area='tx', start=0, counts=(), corrected=False)
    """
    return msgspec.structs.replace(hour, counts=tuple(one for one in hour.counts if one.source != source))


def take_back(
    producer: ReliableProducer, settings: Settings, source: str, home_areas: Iterable[str], log_time: int
) -> None:
    """Write the controls; the detector follows them at its next start. Raises KafkaProblem."""
    topic = CALLS.in_space(settings.space)
    records = [
        Record(topic, encode_record(retraction(source, home, log_time)), key=home.encode()) for home in home_areas
    ]
    if records:
        producer.write(records, WRITE_SECONDS)


def rewrite_counts(producer: ReliableProducer, settings: Settings, source: str, partition: int) -> Rewritten:
    """Write the sealed hours of a partition anew without the source, then delete the old ones; nothing if none name it.

    No detector may run: an hour that it seals meanwhile could come before its own first word. What is cut short in
    between leaves both, and can be run again.

    Raises:
        KafkaProblem: Kafka is away or refuses.
    """
    topic = COUNTS.in_space(settings.space)
    hours = cells = end = 0
    for record in read_each(settings, topic, partition):
        end = record.offset + 1
        named = sum(one.source == source for one in _hour(record).counts)
        hours, cells = hours + bool(named), cells + named
    if not hours:
        return Rewritten(0, 0, 0)
    copied = 0
    for batch in _batches(_copies(settings, topic, partition, source, end)):
        producer.write(batch, WRITE_SECONDS)
        copied += len(batch)
    _delete_before(settings, topic, partition, end)
    return Rewritten(hours, cells, copied)


def _copies(settings: Settings, topic: str, partition: int, source: str, end: int) -> Iterator[Record]:
    for record in read_each(settings, topic, partition):
        if record.offset < end:
            value = msgspec.json.encode(without(_hour(record), source))
            yield Record(topic, value, key=record.key, partition=partition)


def _hour(record: StoredRecord) -> SealedHour:
    return msgspec.json.decode(record.value or b"", type=SealedHour)


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _delete_before(settings: Settings, topic: str, partition: int, offset: int) -> None:
    try:
        with admin_client(settings) as admin:
            admin.delete_records({TopicPartition(topic, partition): offset})
    except KafkaError as error:
        raise KafkaAway(
            f"Kafka did not delete the old records of {topic} ({type(error).__name__}); run it again"
        ) from None


def stays_until(newest_ms: int) -> int | None:
    """When the last call of the source leaves the log by retention, ms; None when none stands there."""
    return newest_ms + int(CALLS.config["retention.ms"]) if newest_ms else None
