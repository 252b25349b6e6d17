"""Checks of Kafka: reachable, topics, the space's configuration, the detector's lag, clocks."""

from collections.abc import Iterable

import msgspec

from schemas.output import PartitionStatus, StatusRecord
from schemas.reference import content_hash, encode_reference
from schemas.reference_files import BadReference, read_reference
from schemas.space_config import POINTER_KEY, TUNABLE, SpaceConfig, differences
from schemas.topics import CALLS, DAY_MS, QUARANTINE, REFERENCE, STATUS
from services.cli.doctor.finding import Finding, away, failed, note, ok, skipped, wrong
from services.cli.log_tail import newest_timestamp, require_kafka
from services.cli.topic_state import TopicState, existing_topics, topic_states
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaProblem, admin_client, read_all
from services.runtime.settings import Settings

AFTER_KAFKA = ("topics", "space", "lag", "clock")
LAG_NOTE_SECONDS = 10.0
MANY_RECORDS = 10_000
CLOCK_SECONDS = 2.0
QUIET_SECONDS = 15.0
"""In the live space ingest ticks every 5 s; older than this, nothing can be said about clocks."""


def check_log(settings: Settings, clock: Clock) -> Iterable[Finding]:
    """Everything about Kafka; when it is away, the rest is skipped."""
    try:
        require_kafka(settings)
        with admin_client(settings) as admin:
            brokers = len(admin.describe_cluster()["brokers"])
        yield ok("kafka", f"{brokers} broker{'s' if brokers > 1 else ''} at {settings.kafka_bootstrap}")
        yield from _topics(settings)
        yield from _space(settings)
        yield from _lag(settings, clock)
        yield from _clock(settings, clock)
    except KafkaProblem:
        yield away(
            "kafka",
            f"nothing answers at {settings.kafka_bootstrap}",
            "start it with `groundswell up` or `groundswell kafka`, or set GROUNDSWELL_KAFKA_BOOTSTRAP",
        )
        yield from (skipped(name, "Kafka is away") for name in AFTER_KAFKA)


def _topics(settings: Settings) -> Iterable[Finding]:
    states = topic_states(settings)
    problems = [one for one in states if one.problem]
    if all(one.partitions is None for one in states):
        yield note("topics", f"none in space {settings.space} yet", "run `groundswell topics create`")
    elif problems:
        for one in problems:
            yield wrong(
                "topics", f"{one.name} {(one.problem or '').partition(';')[0]}", "see `groundswell topics check`"
            )
    else:
        yield ok("topics", f"{len(states)} as wanted, {settings.partitions} partitions of calls")
        yield from _retention(states)


def _retention(states: Iterable[TopicState]) -> Iterable[Finding]:
    """Days that are not those of deploy/stores.md, and records that the fold stepped over."""
    for one in states:
        if one.kept_ms != one.wanted_ms:
            has, wanted = (_days(value) for value in (one.kept_ms, one.wanted_ms))
            yield note(
                "retention",
                f"{one.name} keeps {has}, deploy/stores.md says {wanted}",
                "if nobody meant that, set retention.ms with kafka-configs",
            )
        if one.name.endswith(QUARANTINE.name) and one.records:
            yield note(
                "quarantine", f"{one.records} records killed a worker and are stepped over", "report them; see its log"
            )


def _days(milliseconds: int | None) -> str:
    return "everything" if milliseconds is None or milliseconds < 0 else f"{milliseconds / DAY_MS:,.3g} days"


def _space(settings: Settings) -> Iterable[Finding]:
    config = _pointer(settings)
    if config is None:
        yield note("space", "no configuration on the log yet", "ingest writes it at its first start")
        return
    try:
        asked = _asked(settings, config)
    except BadReference:
        yield skipped("space", "the reference folder cannot be read")
        return
    found = differences(config, asked)
    if not found:
        yield ok("space", "the settings are those on the log")
    for one in found:
        yield wrong("space", str(one), "set it back, or put it in force with `groundswell topics create --apply`")


def _pointer(settings: Settings) -> SpaceConfig | None:
    topic = REFERENCE.in_space(settings.space)
    if topic not in existing_topics(settings):
        return None
    newest = {record.key: record.value for record in read_all(settings, topic, 0)}
    body = newest.get(POINTER_KEY.encode())
    return None if body is None else msgspec.json.decode(body, type=SpaceConfig)


def _asked(settings: Settings, config: SpaceConfig) -> SpaceConfig:
    folder = settings.reference
    reference = config.reference if folder is None else content_hash(encode_reference(read_reference(folder)))
    said = {name: getattr(settings, name) for name in (*TUNABLE, "partitions") if name in settings.model_fields_set}
    return msgspec.structs.replace(config, mode=settings.mode, reference=reference, **said)


def _lag(settings: Settings, clock: Clock) -> Iterable[Finding]:
    said = _partition_statuses(settings)
    if not said:
        yield note("lag", "the detector has not said how far it is", "start it with `groundswell detector`")
        return
    behind = sum(max(0, one.end_offset - one.next_offset) for one in said.values())
    age = (clock.now_ms() - min(one.written_at for one in said.values())) / 1000
    rebuilding = sum(one.state == "rebuilding" for one in said.values())
    if age > LAG_NOTE_SECONDS * 6:
        yield failed("lag", f"the detector last said how far it is {age:,.0f} s ago", "see that it runs and its log")
    elif rebuilding:
        yield note("lag", f"{rebuilding} of {len(said)} partitions are being rebuilt, {behind:,} records to go")
    elif behind > MANY_RECORDS:
        yield note(
            "lag", f"{behind:,} records behind on {len(said)} partitions", "start more detectors, if it stays so"
        )
    else:
        yield ok("lag", f"{behind:,} records behind on {len(said)} partitions")


def _partition_statuses(settings: Settings) -> dict[int, PartitionStatus]:
    topic = STATUS.in_space(settings.space)
    said: dict[int, PartitionStatus] = {}
    for number in range(existing_topics(settings).get(topic, 0)):
        for record in read_all(settings, topic, number):
            status = _status(record.value)
            if status is not None and status.written_at >= getattr(said.get(status.partition), "written_at", 0):
                said[status.partition] = status
    return said


def _status(value: bytes | None) -> PartitionStatus | None:
    try:
        status = msgspec.json.decode(value or b"", type=StatusRecord)
    except msgspec.MsgspecError:
        return None
    return status if isinstance(status, PartitionStatus) else None


def _clock(settings: Settings, clock: Clock) -> Iterable[Finding]:
    newest = newest_timestamp(settings, CALLS.in_space(settings.space))
    if newest is None:
        yield skipped("clock", "no record to compare with")
        return
    ahead = (newest - clock.now_ms()) / 1000
    if ahead > CLOCK_SECONDS:
        yield failed("clock", f"Kafka's clock is {ahead:.1f} s ahead of this machine's", "set both by NTP")
    elif settings.mode == "live" and -ahead < QUIET_SECONDS:
        yield ok("clock", f"Kafka's newest record is {max(0.0, -ahead):.1f} s old by this machine's clock")
    else:
        yield skipped("clock", "no record in the last seconds to compare with")
