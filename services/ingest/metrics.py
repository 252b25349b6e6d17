"""Every metric of ingest: name, unit and meaning side by side.

Labels are bounded: sources come from keys, reasons from here.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REASONS = {
    "$": "json",
    "time": "time",
    "logged_at": "time",
    "area": "area",
    "source": "source",
    "count": "totals",
}
"""Field → class of a rejection; all others are `field`."""


def reason_class(field: str) -> str:
    """The class under which a rejection is counted.

    >>> reason_class("needs.0.code"), reason_class("time")
    ('field', 'time')
    """
    return REASONS.get(field, "field")


class IngestMetrics:
    """Counters and gauges of one ingest process, in the registry that is handed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.calls = Counter(
            "groundswell_ingest_calls_total",
            "Calls by result: accepted (Kafka has them), duplicate, rejected, unwritten (answered with 503)",
            ("source", "result"),
            registry=registry,
        )
        self.rejected = Counter(
            "groundswell_ingest_rejected_total", "Rejected calls by class of reason", ("reason",), registry=registry
        )
        self.unknown_referrals = Counter(
            "groundswell_ingest_unknown_referrals_total",
            "Referrals of accepted calls whose codes the reference data lacks; they are not kept",
            ("source",),
            registry=registry,
        )
        self.refused_requests = Counter(
            "groundswell_ingest_refused_requests_total", "Requests refused as a whole", ("status",), registry=registry
        )
        self.write_seconds = Histogram(
            "groundswell_ingest_write_seconds",
            "From handing calls over to Kafka's acknowledgement, seconds, by request",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
            registry=registry,
        )

    def watch(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks."""
        Gauge(f"groundswell_ingest_{name}", meaning, registry=self._registry).set_function(read)
