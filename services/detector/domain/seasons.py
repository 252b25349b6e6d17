"""What kinds of days do to each need, learned and not assumed: a factor beside level and weekly profile.

The expected calls of a holiday are those of a Sunday times its factor; of other days those of their own slot times the
factor. A factor is drawn to that of all needs together, and that to 1: a single day counts for little, a year of them
for what they were.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.daytypes import DayType

Floats = NDArray[np.float64]
KINDS = len(DayType)
MEMORY_HOURS = 600.0
"""Hours of a kind that are remembered: about a year of the days of a month's beginning, two of holidays."""
DAY_VARIANCE, COMMON_VARIANCE = 0.04, 0.01
"""Of a need's calls in a day, relative: of its own, and of what moves all needs together."""
POOL_WEIGHT = np.array([1.0, 50.0, 50.0, 150.0, 150.0, 150.0])
NEED_WEIGHT = np.array([1.0, 15.0, 15.0, 60.0, 60.0, 60.0])
"""By kind: what 1 is worth against the pool's days, and the pool's factor against a need's own."""
MOST = 2.5
"""An hour counts for at most so many times what was expected: a surge on such a day is no custom."""
LEAST_FACTOR, MOST_FACTOR = 0.1, 2.0


@dataclass
class Seasons:
    """Rows are needs, columns kinds of days; `expected` is without the factor. Sums fade with the hours of the kind."""

    observed: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, KINDS), np.float32))
    expected: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, KINDS), np.float32))
    hours: NDArray[np.float32] = field(default_factory=lambda: np.zeros(KINDS, np.float32))
    _factors: Floats | None = field(default=None, repr=False)

    def grow(self, needs: int) -> None:
        """Rows for `needs` needs."""
        missing = needs - len(self.observed)
        if missing > 0:
            rows = np.zeros((missing, KINDS), np.float32)
            self.observed, self.expected = np.concatenate([self.observed, rows]), np.concatenate([self.expected, rows])
            self._factors = None

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """The arrays by name, for a snapshot."""
        return {"observed": self.observed, "expected": self.expected, "hours": self.hours}

    def factors(self, kind: DayType) -> Floats:
        """Factor of a kind of day for each need."""
        if self._factors is None:
            self._factors = self._compute()
        column: Floats = self._factors[:, kind]
        return column

    def learn(self, kind: DayType, observed: Floats, expected: Floats) -> None:
        """One sealed hour: calls of each need in the home area, and what level and profile alone let expect."""
        if kind == DayType.ORDINARY:
            return
        keep = 1.0 - 1.0 / MEMORY_HOURS
        self.observed[:, kind] = keep * self.observed[:, kind] + np.minimum(observed, MOST * expected)
        self.expected[:, kind] = keep * self.expected[:, kind] + expected
        self.hours[kind] = keep * self.hours[kind] + 1.0
        self._factors = None

    def _compute(self) -> Floats:
        observed, expected = self.observed.astype(np.float64), self.expected.astype(np.float64)
        days = np.maximum(self.hours.astype(np.float64) / 24.0, 1e-9)
        weight = expected / (1.0 + DAY_VARIANCE * expected / days)
        ratio = np.where(expected > 0.0, observed / np.maximum(expected, 1e-9), 1.0)
        told = weight.sum(axis=0)
        pool_weight = told / (1.0 + COMMON_VARIANCE * told / days)
        mean = (weight * ratio).sum(axis=0) / np.maximum(told, 1e-9)
        pool = (pool_weight * mean + POOL_WEIGHT) / (pool_weight + POOL_WEIGHT)
        factors: Floats = (weight * ratio + NEED_WEIGHT * pool) / (weight + NEED_WEIGHT)
        factors[:, DayType.ORDINARY] = 1.0
        return np.clip(factors, LEAST_FACTOR, MOST_FACTOR)
