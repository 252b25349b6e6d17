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
    """All records of some topics, each once, in the order of its partition; one client that lasts until it fails."""

    settings: Settings
    _next: dict[tuple[str, int], int] = field(default_factory=dict)
    _client: Any = None

    def read(self, places: Iterable[tuple[str, int]]) -> list[tuple[str, int, StoredRecord]]:
        """What is new in these partitions; less when the broker cannot be asked now."""
        found: list[tuple[str, int, StoredRecord]] = []
        try:
            self._read([TopicPartition(*place) for place in places], found)
        except (KafkaError, OSError, Behind):
            self.close()
        return found

    def ends(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Offset after the last record of each; empty when the broker cannot be asked now."""
        try:
            ends = self._consumer().end_offsets([TopicPartition(*place) for place in places])
        except (KafkaError, OSError):
            self.close()
            return {}
        return {(place.topic, place.partition): end for place, end in ends.items()}

    def close(self) -> None:
        """Let the client go."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(KafkaError, OSError):
                client.close()

    def _read(self, places: list[Any], found: list[tuple[str, int, StoredRecord]]) -> None:
        consumer, idle = self._consumer(), 0
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

    def _consumer(self) -> Any:
        if self._client is None:
            self._client = KafkaConsumer(
                **client_options(self.settings),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                request_timeout_ms=10_000,
            )
        return self._client
