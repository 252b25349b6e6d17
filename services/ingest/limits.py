"""What one key and one process may do at most."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.runtime.clock import Clock


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit:
    """A token bucket for each key: `per_second` on average, one second's worth at once.

    Args:
        per_second: tokens that come back each second.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._rate, self._clock = per_second, clock
        self._buckets: dict[str, _Bucket] = {}

    def allows(self, key: str) -> bool:
        """Take one token of this key; False when there is none."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= 10_000:
                self._forget_full(now)
            bucket = self._buckets[key] = _Bucket(self._rate, now)
        bucket.tokens = min(self._rate, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _forget_full(self, now: float) -> None:
        """Buckets that are full again say nothing."""
        self._buckets = {
            key: one for key, one in self._buckets.items() if one.tokens + (now - one.at) * self._rate < self._rate
        }


class Room:
    """How many bytes of request bodies may lie in memory at once, over all requests of this process.

    One key gets a quarter of it at most, so that its slow uploads leave the others theirs.

    >>> room = Room(40)
    >>> with room.hold("k_1") as held, room.hold("k_1") as also, room.hold("k_2") as others:
    ...     held(6), also(6), also(4), others(6)
    (True, False, True, True)
    >>> room.taken
    0
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._by_key: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Bytes that lie in memory now."""
        return self._by_key.total()

    @contextlib.contextmanager
    def hold(self, key: str) -> Iterator[Callable[[int], bool]]:
        """A share that grows piece by piece and is given back at the end; a piece that does not fit gets False.

        Args:
            key: id of the key that sends the body.
        """
        own = 0

        def more(size: int) -> bool:
            nonlocal own
            if self._by_key[key] + size > self._most // 4 or self.taken + size > self._most:
                return False
            own += size
            self._by_key[key] += size
            return True

        try:
            yield more
        finally:
            self._by_key[key] -= own
            if not self._by_key[key]:
                del self._by_key[key]
