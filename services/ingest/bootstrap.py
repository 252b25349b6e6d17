"""The beginning of a space: topics, reference data and configuration, written once and checked ever after."""

from typing import Any

import msgspec

from schemas.log_record import VERSION, Control, encode_record
from schemas.reference import Reference, content_hash, decode_reference, encode_reference
from schemas.reference_files import read_reference
from schemas.space_config import POINTER_KEY, TUNABLE, SpaceConfig, differences
from schemas.topics import CALLS, REFERENCE, TOPICS, topic_config
from services.runtime.clock import Clock
from services.runtime.kafka import Record, ReliableProducer, ensure_topics, read_all
from services.runtime.settings import Settings

AHEAD_MS = 2000
"""A change takes effect this much later, so that all partitions switch at the same log time."""
RECORD_BYTES = 15 * 1024 * 1024
WRITE_SECONDS = 30.0


class SpaceProblem(RuntimeError):
    """The space cannot be used with these settings; the sentences say what differs and what to do."""


def ensure_space(settings: Settings, clock: Clock, *, apply: bool = False) -> tuple[SpaceConfig, Reference]:
    """Make the space of these settings, or check that it is as they say; doing it twice changes nothing.

    Args:
        apply: write a difference to the log as a new `config` control that takes effect 2 s from now.

    Returns:
        The configuration in force and the reference it names.

    Raises:
        SpaceProblem: the settings differ from the log, or there is no reference anywhere.
        BadReference: a file of the reference folder is wrong.
        WrongTopic, KafkaAway: from Kafka.
    """
    ensure_topics(settings, topics_of(settings))
    config, bodies = read_space(settings)
    asked, reference, body = _asked_for(settings, config, bodies)
    if config is not None:
        found = differences(config, asked)
        if not found:
            return config, reference
        if not apply:
            raise SpaceProblem(_sentences(settings, [str(one) for one in found]))
        if config.partitions != asked.partitions or config.mode != asked.mode:
            raise SpaceProblem("the number of partitions and the mode of a space never change; choose another space")
    _write_space(settings, clock, asked, body, first=config is None)
    return asked, reference


def topics_of(settings: Settings) -> dict[str, tuple[int, dict[str, str]]]:
    """Full name → (partitions, settings) of every topic of the space."""
    return {
        topic.in_space(settings.space): (topic.partitions or settings.partitions, topic_config(topic, settings.space))
        for topic in TOPICS
    }


def read_space(settings: Settings) -> tuple[SpaceConfig | None, dict[str, bytes]]:
    """The configuration in force, if there is one, and the reference bodies by their hash."""
    config: SpaceConfig | None = None
    bodies: dict[str, bytes] = {}
    for record in read_all(settings, REFERENCE.in_space(settings.space), 0):
        key = (record.key or b"").decode()
        if key == POINTER_KEY and record.value:
            config = msgspec.json.decode(record.value, type=SpaceConfig)
        elif record.value:
            bodies[key] = record.value
    return config, bodies


def _asked_for(
    settings: Settings, config: SpaceConfig | None, bodies: dict[str, bytes]
) -> tuple[SpaceConfig, Reference, bytes]:
    if settings.reference is not None:
        reference = read_reference(settings.reference)
        body = encode_reference(reference)
    elif config is not None and config.reference in bodies:
        body = bodies[config.reference]
        reference = decode_reference(body)
    elif config is not None:
        raise SpaceProblem(
            "the log names a reference that it does not hold; set GROUNDSWELL_REFERENCE to the folder with areas.csv"
        )
    else:
        raise SpaceProblem(
            f"space {settings.space} has no reference data yet; set GROUNDSWELL_REFERENCE to the folder with areas.csv"
        )
    asked = SpaceConfig(
        mode=settings.mode,
        grid_ms=settings.grid_ms,
        seal_hours=settings.seal_hours,
        budget_per_week=settings.budget_per_week,
        partitions=settings.partitions,
        reference=content_hash(body),
    )
    return _with_what_is_not_set(asked, settings, config), reference, body


def _with_what_is_not_set(asked: SpaceConfig, settings: Settings, config: SpaceConfig | None) -> SpaceConfig:
    """A setting that nobody set asks for what the log has; its default is only for the beginning of a space."""
    if config is None:
        return asked
    unset = {name: getattr(config, name) for name in TUNABLE if name not in settings.model_fields_set}
    return msgspec.structs.replace(asked, **unset)


def _sentences(settings: Settings, found: list[str]) -> str:
    return (
        f"the settings differ from space {settings.space}: {'; '.join(found)}. "
        "Set them back, or put them in force with `groundswell topics create --apply`"
    )


def _write_space(settings: Settings, clock: Clock, config: SpaceConfig, body: bytes, *, first: bool) -> None:
    """Body, then controls, then pointer: who sees the pointer finds all that it names."""
    calls, reference = CALLS.in_space(settings.space), REFERENCE.in_space(settings.space)
    control = encode_record(_control(config, clock.now_ms(), first=first))
    controls = [Record(calls, control, partition=partition) for partition in range(config.partitions)]
    with ReliableProducer(settings, clock, limits={calls: RECORD_BYTES, reference: RECORD_BYTES}) as producer:
        producer.write([Record(reference, body, key=config.reference.encode())], WRITE_SECONDS)
        producer.write(controls, WRITE_SECONDS)
        pointer = Record(reference, msgspec.json.encode(config), key=POINTER_KEY.encode())
        producer.write([pointer], WRITE_SECONDS)


def _control(config: SpaceConfig, now_ms: int, *, first: bool) -> Control:
    """The first configuration holds from the beginning of time, whatever time the space lives in."""
    body: dict[str, Any] = msgspec.structs.asdict(config)
    name = content_hash(msgspec.json.encode(config, order="deterministic"))
    return Control(
        v=VERSION,
        id=name if first else f"{name}:{now_ms}",
        type="config",
        at=0 if first else now_ms,
        effective_at=0 if first else now_ms + AHEAD_MS,
        issuer="ingest",
        body=body,
    )
