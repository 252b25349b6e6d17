"""The demo's clock: simulated time that runs faster than the wall clock until it has caught up with it."""

from dataclasses import dataclass

LONGEST_STEP_SECONDS = 2.0
"""A pause of the machine counts as no more than this, so that no day of calls comes at once."""


@dataclass
class SimulatedClock:
    """Simulated time, moved forward by the wall clock's steps.

    >>> clock = SimulatedClock(now_ms=0, speed=240.0)
    >>> clock.advance(0.5, wall_ms=10**12), clock.advance(3600.0, wall_ms=10**12)
    (120000, 600000)
    """

    now_ms: int
    """Simulated time; never goes back."""
    speed: float
    """Simulated seconds in a second."""

    def advance(self, seconds: float, wall_ms: int) -> int:
        """Moves on by so many seconds of the wall clock, never past the wall clock's own time; the new time, ms."""
        step = round(min(seconds, LONGEST_STEP_SECONDS) * 1000 * self.speed)
        self.now_ms = max(self.now_ms, min(self.now_ms + step, wall_ms))
        return self.now_ms
