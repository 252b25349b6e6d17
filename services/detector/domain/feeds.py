"""What is known of each feed: its last call, its delay, its rate, and what was refused."""

from dataclasses import dataclass, field

from schemas.output import SourceStatus

DELAY_BINS = 24
"""Bin i holds delays below 2^i seconds."""
SILENT_AFTER_CALLS = 8.0
"""A feed is silent when this many calls should have come since its last one: chance brings that once in 3,000."""
RATE_MEMORY_HOURS = 336.0
HOUR_MS = 3_600_000


@dataclass
class Feed:
    """One source of a home area."""

    source: str
    last_call: int = 0
    last_logged: int = 0
    calls: int = 0
    duplicates: int = 0
    late: int = 0
    refused: int = 0
    unknown_codes: int = 0
    rate: float = 0.0
    """Calls an hour where the pool's profile is 1."""
    exposure: float = 0.0
    """Effective hours behind the rate."""
    this_hour: int = 0
    missed: float = 0.0
    """Calls that closed hours since the last call should have brought."""
    delays: list[int] = field(default_factory=lambda: [0] * DELAY_BINS)

    def counted(self, time: int, logged_at: int, calls: int) -> None:
        """One call came."""
        self.calls += calls
        self.this_hour += calls
        self.missed = 0.0
        self.last_call = max(self.last_call, time)
        self.last_logged = max(self.last_logged, logged_at)
        seconds = max(0, logged_at - time) // 1000
        self.delays[min(seconds.bit_length(), DELAY_BINS - 1)] += 1

    def close_hour(self, profile: float) -> None:
        """An hour is over whose usual share of the week is `profile` (mean 1)."""
        if self.this_hour == 0:
            self.missed += self.rate * profile
        if not self.silent:
            keep = 1.0 - 1.0 / RATE_MEMORY_HOURS
            total = keep * self.rate * self.exposure + self.this_hour
            self.exposure = keep * self.exposure + profile
            self.rate = total / max(self.exposure, 1e-9)
        self.this_hour = 0

    @property
    def warming(self) -> bool:
        """Whether less than two days have been seen."""
        return self.exposure < 48.0

    @property
    def silent(self) -> bool:
        """Whether it has missed more calls than chance explains."""
        return self.missed >= SILENT_AFTER_CALLS and not self.warming

    def median_delay_seconds(self) -> float | None:
        """Upper end of the bin that holds the median delay."""
        total = sum(self.delays)
        running = 0
        for power, calls in enumerate(self.delays):
            running += calls
            if total and 2 * running >= total:
                return float(2**power - 1)
        return None

    def status(self) -> SourceStatus:
        """As told on the log."""
        return SourceStatus(
            source=self.source,
            last_call=self.last_call or None,
            last_logged=self.last_logged or None,
            calls=self.calls,
            duplicates=self.duplicates,
            late=self.late,
            refused=self.refused,
            unknown_codes=self.unknown_codes,
            median_delay_seconds=self.median_delay_seconds(),
            state="silent" if self.silent else "warming" if self.warming else "live",
        )
