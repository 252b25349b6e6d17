"""What one person and one address may do at most."""

from dataclasses import dataclass

from services.runtime.clock import Clock

MOST_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """A token bucket for each name.

    Args:
        per_second: tokens that come back each second.
        burst: tokens of a full bucket; None: one second's worth.
    """

    def __init__(self, per_second: float, clock: Clock, *, burst: float | None = None) -> None:
        self._rate, self._clock = per_second, clock
        self._burst = per_second if burst is None else burst
        self._buckets: dict[str, _Bucket] = {}

    def allows(self, name: str) -> bool:
        """Take one token of this name; False when there is none."""
        now = self._clock.monotonic()
        if name not in self._buckets and len(self._buckets) >= MOST_BUCKETS:
            self._forget_full(now)
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _forget_full(self, now: float) -> None:
        """Buckets that are full again say nothing; if none is, everybody begins anew."""
        left = {
            name: one for name, one in self._buckets.items() if one.tokens + (now - one.at) * self._rate < self._burst
        }
        self._buckets = left if len(left) < MOST_BUCKETS else {}
