"""What a host reads back from Kafka when it takes a partition over."""

from dataclasses import dataclass
from typing import Protocol

from schemas.topics import ALERTS, CALLS, SNAPSHOTS
from services.detector.closing import AlertTopic
from services.detector.domain.rules import Rules
from services.detector.rebuild import Remembered, remember
from services.detector.space import References, wait_for_space
from services.runtime.clock import Clock
from services.runtime.kafka import StoredRecord, partition_of, read_all, read_each, span_of
from services.runtime.settings import Settings


class Stores(Protocol):
    """The log and the snapshots of one space; every method blocks and may raise KafkaAway."""

    def span(self, partition: int) -> tuple[int, int]:
        """First offset that a partition of the call topic still holds, and the one after its last."""

    def snapshots(self, partition: int) -> list[StoredRecord]:
        """All that stands on a partition of the snapshot topic."""

    def remembered(self, partition: int, stored: list[StoredRecord]) -> Remembered:
        """A state to begin with where the log begins, when no snapshot reaches so far."""

    def alerts(self, partition: int) -> AlertTopic:
        """Every version of every alert of the home areas of a partition of the call topic."""


@dataclass(frozen=True)
class KafkaStores:
    """The same on Kafka."""

    settings: Settings
    references: References
    clock: Clock

    def span(self, partition: int) -> tuple[int, int]:
        """First offset that a partition of the call topic still holds, and the one after its last."""
        return span_of(self.settings, CALLS.in_space(self.settings.space), partition)

    def snapshots(self, partition: int) -> list[StoredRecord]:
        """All that stands on a partition of the snapshot topic."""
        return read_all(self.settings, SNAPSHOTS.in_space(self.settings.space), partition)

    def remembered(self, partition: int, stored: list[StoredRecord]) -> Remembered:
        """A state from sealed hours and loaded history, to begin with where the log begins."""
        config = wait_for_space(self.settings, self.clock, 0.0)
        rules = Rules(config, self.references(config.reference))
        return remember(self.settings, partition, rules, stored)

    def alerts(self, partition: int) -> AlertTopic:
        """Every version of every alert of the home areas of a partition of the call topic."""
        name, partitions = ALERTS.in_space(self.settings.space), self.settings.partitions
        topic = AlertTopic(lambda home_area: partition_of(home_area.encode(), partitions) == partition)
        for part in range(partitions):
            for record in read_each(self.settings, name, part):
                if record.value is not None:
                    topic.note(record.value)
        return topic
