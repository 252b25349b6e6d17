"""Kafka clients: the options that all of them share, topics, and reading a whole partition."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.partitioner.default import murmur2

from services.runtime.clock import Clock
from services.runtime.settings import Settings

MAX_REPLICATION = 3
"""With three copies a record is acknowledged when two have it: the loss of any one broker then loses nothing."""
STRICT_CONFIG = ("cleanup.policy", "message.timestamp.type")
"""Topic settings that must be as wanted; retention and the like are the operator's choice."""


class KafkaProblem(RuntimeError):
    """Anything about Kafka that a caller may want to catch."""


class KafkaAway(KafkaProblem):
    """Kafka is not reachable, or did not acknowledge in time."""


class RecordRefused(KafkaProblem):
    """A record that Kafka will never take: too large, or refused by the broker."""


class WrongTopic(KafkaProblem):
    """A topic exists and is not as wanted."""


def client_options(settings: Settings) -> dict[str, Any]:
    """Options for every kafka-python client: where, how secured, and back within a second after an outage."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "security_protocol": settings.kafka_security_protocol,
        "bootstrap_timeout_ms": 2000,
        "reconnect_backoff_ms": 50,
        "reconnect_backoff_max_ms": 1000,
    }
    optional = {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": settings.kafka_sasl_password and settings.kafka_sasl_password.get_secret_value(),
        "ssl_cafile": settings.kafka_ssl_cafile and str(settings.kafka_ssl_cafile),
        "ssl_certfile": settings.kafka_ssl_certfile and str(settings.kafka_ssl_certfile),
        "ssl_keyfile": settings.kafka_ssl_keyfile and str(settings.kafka_ssl_keyfile),
        "ssl_password": settings.kafka_ssl_password and settings.kafka_ssl_password.get_secret_value(),
    }
    return options | {name: value for name, value in optional.items() if value is not None}


@contextlib.contextmanager
def admin_client(settings: Settings) -> Iterator[Any]:
    """A KafkaAdminClient for a `with` block; raises KafkaAway when there is no Kafka."""
    try:
        admin = KafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)
    except (KafkaError, OSError):
        raise kafka_away(settings) from None
    try:
        yield admin
    finally:
        admin.close()


def kafka_away(settings: Settings) -> KafkaAway:
    """The sentence for an operator."""
    return KafkaAway(
        f"Kafka is not reachable at {settings.kafka_bootstrap}; start it or set GROUNDSWELL_KAFKA_BOOTSTRAP"
    )


def is_reachable(settings: Settings, seconds: float = 1.0) -> bool:
    """Whether any bootstrap server accepts a connection."""
    for server in settings.kafka_bootstrap.split(","):
        with contextlib.suppress(OSError, ValueError), socket.create_connection(address_of(server), seconds):
            return True
    return False


def address_of(server: str) -> tuple[str, int]:
    """Host and port of one bootstrap server; raises ValueError without a port.

    >>> address_of("kafka:9092"), address_of(" [::1]:9092")
    (('kafka', 9092), ('::1', 9092))
    """
    host, _, port = server.strip().rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def wait_for_kafka(settings: Settings, clock: Clock, seconds: float) -> None:
    """Return when Kafka answers; raises KafkaAway after `seconds`."""
    deadline = clock.monotonic() + seconds
    pause = threading.Event()
    while True:
        if is_reachable(settings):
            with contextlib.suppress(KafkaAway), admin_client(settings):
                return
        if clock.monotonic() >= deadline:
            raise kafka_away(settings)
        pause.wait(0.2)


def ensure_topics(settings: Settings, wanted: Mapping[str, tuple[int, Mapping[str, str]]]) -> tuple[str, ...]:
    """Create the topics that are missing and check those that exist.

    Args:
        wanted: full name → (partitions, settings of the topic).

    Returns:
        Names of the topics that were created; empty when all were there.

    Raises:
        WrongTopic: one exists with another number of partitions, clean-up or kind of timestamp.
        KafkaAway: no Kafka.
    """
    with admin_client(settings) as admin:
        existing = {topic["name"]: topic for topic in admin.describe_topics() if topic["name"] in wanted}
        _check_topics(admin, existing, wanted)
        missing = {name: spec for name, spec in wanted.items() if name not in existing}
        if not missing:
            return ()
        copies = min(MAX_REPLICATION, len(admin.describe_cluster()["brokers"]))
        together = {"min.insync.replicas": "2"} if copies == MAX_REPLICATION else {}
        specs = {
            name: {"num_partitions": count, "replication_factor": copies, "configs": {**together, **config}}
            for name, (count, config) in missing.items()
        }
        with contextlib.suppress(TopicAlreadyExistsError):  # someone else creates the same space at this moment
            admin.create_topics(specs)
        admin.wait_for_topics(list(missing))
    return tuple(missing)


def _check_topics(admin: Any, existing: Mapping[str, Any], wanted: Mapping[str, tuple[int, Mapping[str, str]]]) -> None:
    for name, topic in existing.items():
        count = len(topic["partitions"])
        if count != wanted[name][0]:
            raise WrongTopic(
                f"topic {name} has {count} partitions and the settings ask for {wanted[name][0]}: "
                f"set GROUNDSWELL_PARTITIONS={count}, or choose another space"
            )
    if not existing:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in existing]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    for name in existing:
        for setting in STRICT_CONFIG:
            asked = wanted[name][1].get(setting)
            has = configs[name].get(setting, {}).get("value")
            if asked is not None and has != asked:
                raise WrongTopic(f"topic {name} has {setting}={has}; Groundswell needs {setting}={asked}")


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as it stands in a partition."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


def read_all(settings: Settings, topic: str, partition: int) -> list[StoredRecord]:
    """Every record of a partition, from its beginning to its end offset at the time of the call.

    Raises:
        KafkaAway: no Kafka, or no progress for 10 s.
    """
    return list(read_each(settings, topic, partition))


def read_each(settings: Settings, topic: str, partition: int) -> Iterator[StoredRecord]:
    """The same one by one, for partitions that are too long to be held in memory."""
    place = TopicPartition(topic, partition)
    try:
        consumer = KafkaConsumer(
            **client_options(settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            request_timeout_ms=10_000,
        )
    except (KafkaError, OSError):
        raise kafka_away(settings) from None
    try:
        yield from _drain(consumer, place)
    except KafkaError:
        raise kafka_away(settings) from None
    finally:
        consumer.close()


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's default partitioner puts a key.

    >>> partition_of(b"tx", 6)
    4
    """
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def beginning_of(settings: Settings, topic: str, partition: int) -> int:
    """First offset that a partition still holds; raises KafkaAway."""
    return span_of(settings, topic, partition)[0]


def span_of(settings: Settings, topic: str, partition: int) -> tuple[int, int]:
    """First offset that a partition still holds, and the one after its last; raises KafkaAway."""
    place = TopicPartition(topic, partition)
    try:
        consumer = KafkaConsumer(**client_options(settings), enable_auto_commit=False)
    except (KafkaError, OSError):
        raise kafka_away(settings) from None
    try:
        return int(consumer.beginning_offsets([place])[place]), int(consumer.end_offsets([place])[place])
    except KafkaError:
        raise kafka_away(settings) from None
    finally:
        consumer.close()


def _drain(consumer: Any, place: Any) -> Iterator[StoredRecord]:
    consumer.assign([place])
    end = consumer.end_offsets([place])[place]
    consumer.seek_to_beginning(place)
    idle_polls = 0
    while consumer.position(place) < end:
        batch = consumer.poll(timeout_ms=1000).get(place, ())
        idle_polls = 0 if batch else idle_polls + 1
        if idle_polls == 10:
            raise KafkaAway(f"no records of {place.topic} came for 10 s")
        yield from (StoredRecord(r.offset, r.timestamp, r.key, r.value) for r in batch if r.offset < end)
