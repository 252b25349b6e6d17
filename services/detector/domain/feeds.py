"""What is known of each feed: its last call, its delay, whether it is silent, and what was refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.output import SourceStatus
from services.detector.domain.delays import Delays

SILENT_AFTER_CALLS = 8.0
"""A feed is silent when this many calls should have come since its last one: chance brings that once in 3,000."""
HOUR_MS = 3_600_000
LATE_OPENING_HOURS = 3
"""A desk that is not heard after a time in which it is usually closed may open so many hours late."""
CLOSED_BELOW = 0.2
"""A desk counts as closed in hours in which it usually brings less than this part of its average hour."""
LATEST = 0.99
"""The seal waits for this share of each feed's calls."""
LONGEST_SEAL_HOURS = 72
GAP_KEPT = 0.97
"""What is left of the longest pause between batches when the next one comes."""
GAP_LEEWAY, GAP_LEEWAY_MS = 1.25, 3 * HOUR_MS
"""A batch is overdue when the pause is longer than the longest one by this factor and this much."""


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
    """Calls in an average hour, once its weeks are known."""
    this_hour: int = 0
    """Calls that came since the last hour was closed."""
    missed: float = 0.0
    """Calls that closed hours since the last call should have brought."""
    missed_hours: int = 0
    """Hours since the last call in which some were usual."""
    rested: bool = False
    """Whether it was usually closed at some time since the last call."""
    warming: bool = True
    """Whether its hours of the week are not known yet."""
    overdue: bool = False
    """Whether its batch should have come long ago."""
    longest_gap: int = 0
    """Longest pause of more than an hour between calls as they come, ms; fades."""
    delays: Delays = field(default_factory=Delays)

    @classmethod
    def restored(cls, raw: dict[str, Any]) -> "Feed":
        """A feed from `raw()`."""
        return cls(**{**raw, "delays": Delays(raw["delays"])})

    def raw(self) -> dict[str, Any]:
        """Its fields as plain values, for a snapshot."""
        return {**vars(self), "delays": self.delays.bins}

    def counted(self, time: int, logged_at: int, calls: int) -> None:
        """One call came."""
        gap = logged_at - self.last_logged
        if self.last_logged and gap > HOUR_MS:
            self.longest_gap = max(gap, round(GAP_KEPT * self.longest_gap))
        self.calls += calls
        self.this_hour += calls
        self.missed, self.missed_hours, self.rested, self.overdue = 0.0, 0, False, False
        self.last_call = max(self.last_call, time)
        self.last_logged = max(self.last_logged, logged_at)
        self.delays.note(max(0, logged_at - time) / 1000)

    def close_hour(self, expected: float | None, now: int, *, heard: bool) -> None:
        """An hour is over.

        Args:
            expected: calls that it should have brought; None while the feed's hours of the week are not known.
            now: log time, ms: some seconds after the hour, so that calls that begin the next one may be in already.
            heard: whether calls of this very hour are in, whenever they came.
        """
        self.warming = expected is None
        if self.delays.batch:
            pause = now - self.last_logged
            self.overdue = self.longest_gap > 0 and pause > GAP_LEEWAY * self.longest_gap + GAP_LEEWAY_MS
            self.missed = 0.0
        elif self.this_hour == 0 and not heard:
            self._miss(expected or 0.0)
        self.this_hour = 0
        self.delays.hour_passed()

    def _miss(self, expected: float) -> None:
        if expected < CLOSED_BELOW * self.rate:
            self.rested = True
        else:
            self.missed_hours += 1
        self.missed += expected

    @property
    def silent(self) -> bool:
        """Whether it has missed more calls than chance or a late opening explains, or its batch is overdue."""
        if self.warming or self.overdue:
            return self.overdue and not self.warming
        late = self.rested and self.missed_hours <= LATE_OPENING_HOURS
        return self.missed >= SILENT_AFTER_CALLS and not late

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
            median_delay_seconds=self.delays.quantile(0.5),
            state="silent" if self.silent else "warming" if self.warming else "live",
            batch=self.delays.batch,
        )


def seal_hours(feeds: Iterable[Feed], least: int) -> int:
    """Whole hours after which 99 % of every feed's calls are in: at least the configured ones, at most 72."""
    slowest = (feed.delays.quantile(LATEST) for feed in feeds if feed.delays.known)
    hours = (-(-round(seconds) // 3600) for seconds in slowest if seconds is not None)
    return min(LONGEST_SEAL_HOURS, max([least, *hours]))
