"""What was rejected, for `calls.rejected.v1` and the metrics: reason and place, never a value."""

import contextlib
from dataclasses import dataclass

import msgspec

from schemas.log_record import VERSION
from schemas.output import Rejected
from services.ingest.limits import RateLimit
from services.ingest.metrics import IngestMetrics, reason_class
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaProblem, Record, ReliableProducer

PER_SECOND = 100.0


@dataclass(frozen=True, slots=True)
class Rejection:
    """One item that was not taken."""

    index: int
    field: str
    reason: str


class RejectionLog:
    """Tells Kafka and the metrics; Kafka at most 100 a second, the metrics of each.

    Args:
        topic: full name of the topic of rejections.
    """

    def __init__(self, producer: ReliableProducer, clock: Clock, metrics: IngestMetrics, *, topic: str) -> None:
        self._producer, self._clock, self._metrics, self._topic = producer, clock, metrics, topic
        self._limit = RateLimit(PER_SECOND, clock)

    def add(self, source: str, rejection: Rejection) -> None:
        """One rejection of a source whose key is known."""
        self._metrics.rejected.labels(reason_class(rejection.field)).inc()
        if not self._limit.allows("") or not self._producer.is_healthy():
            return
        body = Rejected(VERSION, rejection.reason, source=source, field=rejection.field, at=self._clock.now_ms())
        with contextlib.suppress(KafkaProblem):
            self._producer.post(Record(self._topic, msgspec.json.encode(body), source.encode()))
