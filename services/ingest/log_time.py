"""What time it is in the space, and whether this host's clock can be believed."""

from services.runtime.clock import Clock
from services.runtime.lifecycle import State

MAX_SKEW_MS = 2000


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
        """How far the broker's clock is ahead of ours, as the last acknowledgement showed it; 0 when it cannot be told."""

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
