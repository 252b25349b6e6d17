"""Metrics of the detector: name, unit and meaning side by side; the registry is handed in."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.output import HomeStatus

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class DetectorMetrics:
    """Everything that a detector worker tells Prometheus; label values are home areas, partitions and fixed words."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"groundswell_detector_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"groundswell_detector_{name}", text, labels, registry=registry)

        self.records = counter("records_total", "Records folded, by kind", "kind")
        self.calls = counter("calls_total", "Calls seen in records, repeats included")
        self.poison = counter("poison_total", "Records stepped over because they cannot be folded")
        self.outputs = counter("outputs_total", "Records written, by topic", "topic")
        self.snapshots = counter("snapshots_total", "Snapshots written")
        self.fold_seconds = Histogram(
            "groundswell_detector_fold_seconds", "Time to fold one record", buckets=SECONDS, registry=registry
        )
        self.partitions = gauge("partitions", "Partitions that this worker reads")
        self.lag = gauge("lag_records", "Records on the partition that are not folded yet", "partition")
        self.log_time = gauge("log_time_seconds", "Log time of a partition, Unix seconds", "partition")
        self.snapshot_bytes = gauge("snapshot_bytes", "Bytes that the last snapshot wrote", "partition")
        self.snapshot_age = gauge("snapshot_next_offset", "Offset from which a recovery would replay", "partition")
        self.series = gauge("series", "Nodes watched", "home_area")
        self.warming = gauge("warming", "1 while a home area has not seen two seasons", "home_area")
        self.open_alerts = gauge("open_alerts", "Alerts that have not ended", "home_area")
        self.raised_week = gauge("alerts_raised_week", "Alerts raised in the last seven days of log time", "home_area")
        self.held_back_week = gauge(
            "alerts_held_back_week", "Rises held back under the budget in seven days", "home_area"
        )
        self.budget = gauge("budget_per_week", "Chance alerts a week that are asked for", "home_area")
        self.outcomes = gauge(
            "call_outcomes", "Calls by what became of them, since the beginning", "home_area", "outcome"
        )

    def told(self, status: HomeStatus) -> None:
        """Gauges of a home area from its own status."""
        area = status.home_area
        self.series.labels(area).set(status.series)
        self.warming.labels(area).set(status.state == "warming")
        self.open_alerts.labels(area).set(status.open_alerts)
        self.raised_week.labels(area).set(status.raised_week)
        self.held_back_week.labels(area).set(status.held_back_week)
        self.budget.labels(area).set(status.budget_per_week)
        for outcome, calls in status.counters.items():
            self.outcomes.labels(area, outcome).set(calls)
