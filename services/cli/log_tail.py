"""Where the log ends: the newest time that the call topic of a space has shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from schemas.log_record import BadRecord, Calls, Tick, decode_record
from schemas.topics import CALLS
from services.runtime.kafka import KafkaAway, client_options, is_reachable
from services.runtime.settings import Settings

EMPTY_POLLS = 5


def require_kafka(settings: Settings) -> None:
    """Asks with a plain connection first: quicker than a Kafka client, which tries for seconds.

    Raises:
        KafkaAway: nothing answers.
    """
    if not is_reachable(settings):
        raise KafkaAway(
            f"Kafka is not reachable at {settings.kafka_bootstrap}; start it or set GROUNDSWELL_KAFKA_BOOTSTRAP"
        )


@contextmanager
def consumer(settings: Settings) -> Iterator[Any]:
    """A KafkaConsumer of no group for a `with` block.

    Raises:
        KafkaAway: no Kafka.
    """
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    require_kafka(settings)
    try:
        reader = KafkaConsumer(
            **client_options(settings),
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            request_timeout_ms=9000,
        )
    except (KafkaError, OSError):
        raise KafkaAway(f"Kafka is not reachable at {settings.kafka_bootstrap}") from None
    try:
        yield reader
    finally:
        reader.close()


def log_time(settings: Settings, *, look_back: int = 50) -> int | None:
    """The largest `logged_at` or tick among the last records of every partition, ms; None when there is neither.

    Raises:
        KafkaAway: no Kafka.
    """
    from kafka import TopicPartition

    topic = CALLS.in_space(settings.space)
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]
    with consumer(settings) as reader:
        reader.assign(places)
        ends = reader.end_offsets(places)
        for place, first in reader.beginning_offsets(places).items():
            reader.seek(place, max(first, ends[place] - look_back))
        values = (record.value for record in _records(reader, places, ends))
        return max((time for value in values if value is not None for time in _times(value)), default=None)


def newest_timestamp(settings: Settings, topic: str) -> int | None:
    """The newest record timestamp (wall clock of Kafka or of the writer) at the ends of a topic, ms.

    Raises:
        KafkaAway: no Kafka.
    """
    from kafka import TopicPartition

    with consumer(settings) as reader:
        places = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()]
        reader.assign(places)
        ends = reader.end_offsets(places) if places else {}
        for place, end in ends.items():
            reader.seek(place, max(0, end - 1))
        return max((record.timestamp for record in _records(reader, places, ends)), default=None)


def _records(reader: Any, places: list[Any], ends: dict[Any, int]) -> Iterator[Any]:
    empty = 0
    while empty < EMPTY_POLLS and any(reader.position(place) < ends[place] for place in places):
        batches = reader.poll(timeout_ms=1000)
        empty = 0 if batches else empty + 1
        yield from (record for batch in batches.values() for record in batch)


def _times(value: bytes) -> tuple[int, ...]:
    try:
        record = decode_record(value)
    except BadRecord:
        return ()
    if isinstance(record, Calls):
        return record.at
    return (record.at,) if isinstance(record, Tick) else ()
