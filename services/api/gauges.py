"""Gauges that are computed from the database now and then, not when somebody scrapes."""

import math

from services.api.codebook import Codebook
from services.api.database import Database
from services.api.metrics import ApiMetrics
from services.api.read_alerts import open_counts
from services.api.read_series import top_nodes
from services.api.standing import read_standing
from services.runtime.clock import Clock

TOP = 20
HOURS_BACK = 24
SEVERITIES = ("minor", "moderate", "severe", "extreme")


class Gauges:
    """Sets the gauges from what the database holds."""

    def __init__(self, database: Database, metrics: ApiMetrics, clock: Clock, *, is_live: bool) -> None:
        self._database, self._metrics, self._clock, self._is_live = database, metrics, clock, is_live

    def refresh(self, book: Codebook | None) -> None:
        """Read and set; without trees no node is shown. Raises DatabaseAway."""
        metrics, now = self._metrics, self._clock.now_ms()
        with self._database.reading() as connection:
            standing = read_standing(connection)
            counts = open_counts(connection)
            log_times = {home.home_area: home.log_time for home in standing.homes}
            needs = sorted(book.groups) if book else []
            nodes = top_nodes(connection, log_times=log_times, needs=needs, hours_back=HOURS_BACK, limit=TOP)
        metrics.alerts_open.clear()
        for home_area in sorted(log_times.keys() | {home for home, _ in counts}):
            for severity in SEVERITIES:
                metrics.alerts_open.labels(home_area, severity).set(counts.get((home_area, severity), 0))
        lag = standing.lag_seconds(now, live=self._is_live)
        metrics.lag_seconds.set(math.nan if lag is None else lag)
        if self._is_live:
            for home_area, log_time in log_times.items():
                metrics.log_time_age.labels(home_area).set(max(0, now - log_time) / 1000)
        metrics.node_observed.clear()
        metrics.node_expected.clear()
        for node in nodes if book else ():
            labels = (node.home_area, node.need, node.home_area)
            metrics.node_observed.labels(*labels).set(node.observed)
            metrics.node_expected.labels(*labels).set(node.expected)
