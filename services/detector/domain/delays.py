"""How late a source posts: the share of its calls that has arrived d seconds after their time, learned as they come."""

from bisect import bisect_left
from dataclasses import dataclass, field

EDGES = (
    1, 15, 30, 60, 120, 180, 300, 450, 600, 900, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200, 10_800, 14_400, 21_600,
    28_800, 43_200, 64_800, 86_400, 108_000, 129_600, 172_800, 216_000, 262_800,
)  # fmt: skip
"""Upper ends of the bins, seconds; the last one lies above the oldest call that is taken (72 h) by an hour."""
PRIOR_CALLS = 10.0
"""Calls that come at once, which every source is believed to have sent before its first."""
MEMORY_HOURS = 336.0
BATCH_SECONDS = 3_600.0
KNOWN_CALLS = 20.0
"""Calls that must have come before a source is believed to post late."""


@dataclass
class Delays:
    """Decayed histogram of one source's delays; a record of several calls counts once.

    >>> delays = Delays()
    >>> for _ in range(90):
    ...     delays.note(600)
    >>> round(delays.arrived(300), 2), round(delays.arrived(600), 2), delays.batch
    (0.1, 1.0, False)
    """

    bins: list[float] = field(default_factory=lambda: [0.0] * len(EDGES))

    def note(self, seconds: float) -> None:
        """A call came so long after its time."""
        self.bins[min(bisect_left(EDGES, seconds), len(EDGES) - 1)] += 1.0

    def hour_passed(self) -> None:
        """Older delays count less."""
        self.bins = [value * (1.0 - 1.0 / MEMORY_HOURS) for value in self.bins]

    @property
    def calls(self) -> float:
        """Effective number of calls behind it."""
        return sum(self.bins)

    @property
    def known(self) -> bool:
        """Whether enough calls are behind it to go by."""
        return self.calls >= KNOWN_CALLS

    @property
    def batch(self) -> bool:
        """Whether half of its calls come more than an hour after their time."""
        median = self.quantile(0.5)
        return self.known and median is not None and median > BATCH_SECONDS

    def quantile(self, share: float) -> float | None:
        """Seconds after which this share has arrived: upper end of its bin; None before the first call."""
        total = self.calls
        if total <= 0.0:
            return None
        running = 0.0
        for edge, value in zip(EDGES, self.bins, strict=True):
            running += value
            if running >= share * total - 1e-9:
                return float(edge)
        return float(EDGES[-1])

    def arrived(self, seconds: float) -> float:
        """Share (0..1) of the calls of a moment that is in, so long after it; within a bin it grows evenly."""
        got, low = PRIOR_CALLS, 0.0
        for edge, value in zip(EDGES, self.bins, strict=True):
            if seconds < edge:
                got += value * max(0.0, seconds - low) / (edge - low)
                break
            got, low = got + value, edge
        return min(1.0, got / (self.calls + PRIOR_CALLS)) if seconds >= 0.0 else 0.0

    def arrived_between(self, youngest: float, oldest: float) -> float:
        """Mean share that is in of the calls of a time that began `oldest` and ended `youngest` seconds ago."""
        if oldest <= youngest:
            return self.arrived(oldest)
        if youngest >= self._all_in():
            return 1.0
        return (self._area(oldest) - self._area(youngest)) / (oldest - youngest)

    def _area(self, seconds: float) -> float:
        """Integral of `arrived` from 0."""
        got, area, low = PRIOR_CALLS, 0.0, 0.0
        for edge, value in zip(EDGES, self.bins, strict=True):
            width = min(float(edge), seconds) - low
            if width <= 0.0:
                break
            area += width * (got + 0.5 * value * width / (edge - low))
            got, low = got + value, float(edge)
        return (area + max(0.0, seconds - low) * got) / (self.calls + PRIOR_CALLS)

    def _all_in(self) -> float:
        """Seconds after which no call has come yet."""
        last = max((place for place, value in enumerate(self.bins) if value), default=-1)
        return 0.0 if last < 0 else float(EDGES[last])
