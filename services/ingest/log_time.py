"""What time it is in the space, and whether this host's clock can be believed."""

from datetime import UTC, datetime, timedelta

import msgspec

from services.runtime.clock import Clock
from services.runtime.lifecycle import State

MAX_SKEW_MS = 2000
EARLIEST_MS, LATEST_MS = 946_684_800_000, 4_102_444_800_000
"""The years 2000 to 2100: nothing else is ever a contact's time or log time."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def valid_log_time(value: object) -> int | None:
    """Milliseconds of a date-time with offset or of Unix milliseconds; None for anything else.

    >>> valid_log_time("2026-01-31T00:00:00Z"), valid_log_time(1769817600000), valid_log_time(True)
    (1769817600000, 1769817600000, None)
    """
    if isinstance(value, str):
        try:
            moment = msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            return None
        value = (moment - EPOCH) // timedelta(milliseconds=1) if moment.tzinfo is not None else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if EARLIEST_MS <= value < LATEST_MS else None


class LogTime:
    """Time as this process has put it on the log; it never goes back.

    In the live space it is the wall clock. Elsewhere it is the largest time that came with a call or a tick.
    """

    def __init__(self, clock: Clock, *, live: bool) -> None:
        self._clock, self.live = clock, live
        self._last: int | None = None

    def now(self) -> int | None:
        """Milliseconds; None outside live as long as nothing was seen."""
        if self.live:
            self._last = max(self._clock.now_ms(), self._last or 0)
        return self._last

    def saw(self, at: int) -> None:
        """A stamp or tick that goes to the log."""
        self._last = at if self._last is None else max(at, self._last)

    def stamp(self, given: int | None, call_time: int) -> int:
        """`logged_at` of a call: what it brought, else now; outside live at least its own time."""
        now = self.now()
        if given is None:
            given = now if now is not None and self.live else max(call_time, now or 0)
        self.saw(given)
        return given


class ClockCheck:
    """Compares this host's clock with the append times that Kafka answers with (live only)."""

    def __init__(self) -> None:
        self.skew_ms = 0
        """How far the broker's clock is ahead of ours, by the last acknowledgement; 0 when it cannot be told."""

    def observe(self, *, append_ms: int, sent_ms: int, acked_ms: int) -> None:
        """One acknowledgement: the append lies between sending and acknowledgement, or the clocks differ."""
        if append_ms < sent_ms:
            self.skew_ms = append_ms - sent_ms
        else:
            self.skew_ms = max(0, append_ms - acked_ms)

    def state(self) -> State:
        """Down beyond 2 s."""
        if abs(self.skew_ms) <= MAX_SKEW_MS:
            return State(True)
        way = "behind" if self.skew_ms > 0 else "ahead of"
        return State(False, f"this host's clock is {abs(self.skew_ms) / 1000:.1f} s {way} Kafka's; set it by NTP")
