"""Reads topics on from where it was the last time."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.runtime.kafka import StoredRecord, client_options
from services.runtime.settings import Settings

IDLE_POLLS = 20


class Behind(RuntimeError):
    """The broker did not give what it says it has."""


@dataclass
class Tail:
    """All records of some topics, each once, in the order of its partition."""

    settings: Settings
    _next: dict[tuple[str, int], int] = field(default_factory=dict)

    def read(self, places: Iterable[tuple[str, int]]) -> list[tuple[str, int, StoredRecord]]:
        """What is new in these partitions; nothing when the broker cannot be asked now."""
        found: list[tuple[str, int, StoredRecord]] = []
        with contextlib.suppress(KafkaError, OSError, Behind):
            self._read([TopicPartition(*place) for place in places], found)
        return found

    def ends(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Offset after the last record of each."""
        consumer = self._consumer()
        try:
            ends = consumer.end_offsets([TopicPartition(*place) for place in places])
        finally:
            consumer.close()
        return {(place.topic, place.partition): end for place, end in ends.items()}

    def _read(self, places: list[Any], found: list[tuple[str, int, StoredRecord]]) -> None:
        consumer, idle = self._consumer(), 0
        try:
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, self._next.get((place.topic, place.partition), 0))
            while any(consumer.position(place) < end for place, end in ends.items()):
                batches = consumer.poll(timeout_ms=500)
                idle = 0 if batches else idle + 1
                if idle > IDLE_POLLS:
                    raise Behind
                for place, batch in batches.items():
                    records = [StoredRecord(one.offset, one.timestamp, one.key, one.value) for one in batch]
                    found += [(place.topic, place.partition, one) for one in records]
                    self._next[place.topic, place.partition] = records[-1].offset + 1
            for place in places:  # a compacted topic may end with records that are gone
                self._next[place.topic, place.partition] = consumer.position(place)
        finally:
            consumer.close()

    def _consumer(self) -> Any:
        return KafkaConsumer(
            **client_options(self.settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            request_timeout_ms=10_000,
        )
