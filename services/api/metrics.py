"""The API's metrics: name, unit and meaning side by side; every label has a bounded set of values."""

import math

from prometheus_client import CollectorRegistry, Counter, Gauge


class ApiMetrics:
    """Every metric of the API in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.alerts_open = Gauge(
            "groundswell_api_alerts_open", "Alerts rising or easing", ("home_area", "severity"), registry=registry
        )
        self.alerts_raised = Counter(
            "groundswell_api_alerts_raised_total",
            "Alerts this process was the first to store, by kind and by severity when raised",
            ("kind", "severity"),
            registry=registry,
        )
        self.up = Gauge("groundswell_api_up", "Whether /health/ready says ready (1) or not (0)", registry=registry)
        self.lag_seconds = Gauge(
            "groundswell_api_lag_seconds",
            "How far what is shown may be behind, seconds; NaN until the detector has said how far it is",
            registry=registry,
        )
        self.lag_seconds.set(math.nan)
        self.log_time_age = Gauge(
            "groundswell_api_log_time_age_seconds",
            "Wall clock less the log time of a home area, seconds (live space)",
            ("home_area",),
            registry=registry,
        )
        self.fold_records = Counter(
            "groundswell_api_fold_records_total", "Records folded into the database", ("topic",), registry=registry
        )
        self.fold_refused = Counter(
            "groundswell_api_fold_refused_records_total",
            "Records stepped over because they are not of the contract",
            ("topic",),
            registry=registry,
        )
        self.fold_lost = Counter(
            "groundswell_api_fold_lost_records_total",
            "Offsets that Kafka had deleted before they were folded",
            ("topic",),
            registry=registry,
        )
        self.fold_lag = Gauge(
            "groundswell_api_fold_lag_records", "Records written but not yet folded", ("topic",), registry=registry
        )
        self.database_errors = Counter(
            "groundswell_api_database_errors_total", "Times the database was away", registry=registry
        )
        self.stream_clients = Gauge("groundswell_api_stream_clients", "Open streams", registry=registry)
        self.stream_dropped = Counter(
            "groundswell_api_stream_dropped_total", "Streams closed because the client did not read", registry=registry
        )
        self.stream_events = Counter(
            "groundswell_api_stream_events_total",
            "Changes of alerts pushed to streams, once a change",
            registry=registry,
        )
        self.node_observed = Gauge(
            "groundswell_node_observed_calls",
            "Calls of the last 24 closed hours at the home area's largest needs; none under 5, none that tells of one",
            ("home_area", "need", "area"),
            registry=registry,
        )
        self.node_expected = Gauge(
            "groundswell_node_expected_calls",
            "Calls expected in the same hours",
            ("home_area", "need", "area"),
            registry=registry,
        )
