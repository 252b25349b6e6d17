"""Everything about Kafka that services use, behind one door."""

from services.runtime.kafka_clients import (
    KafkaAway,
    KafkaProblem,
    RecordRefused,
    StoredRecord,
    WrongTopic,
    admin_client,
    beginning_of,
    client_options,
    ensure_topics,
    is_reachable,
    partition_of,
    read_all,
    read_each,
    span_of,
    wait_for_kafka,
)
from services.runtime.producer import Ack, Record, ReliableProducer

__all__ = [
    "Ack",
    "KafkaAway",
    "KafkaProblem",
    "Record",
    "RecordRefused",
    "ReliableProducer",
    "StoredRecord",
    "WrongTopic",
    "admin_client",
    "beginning_of",
    "client_options",
    "ensure_topics",
    "is_reachable",
    "partition_of",
    "read_all",
    "read_each",
    "span_of",
    "wait_for_kafka",
]
