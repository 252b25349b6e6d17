"""Weekly profiles: how a need's calls spread over the 168 local hours of a week, shared by all its areas."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import WEEK_HOURS

Floats = NDArray[np.float64]
KEEP_A_WEEK = 0.9
SHRINK_CALLS = 12.0
"""Calls that the pool's profile is worth against a need's own."""


@dataclass
class Profiles:
    """Rows are needs, columns slots; `calls` and `weeks` are exponentially weighted."""

    calls: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, WEEK_HOURS), np.float32))
    weeks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, WEEK_HOURS), np.float32))
    _factors: Floats | None = field(default=None, repr=False)

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """The arrays by name, for a snapshot."""
        return {"calls": self.calls, "weeks": self.weeks}

    def grow(self, needs: int) -> None:
        """Rows for `needs` needs; a new need has been silent in all weeks so far."""
        missing = needs - len(self.calls)
        if missing > 0:
            seen = self.weeks.max(axis=0, initial=0.0)[None, :]
            self.calls = np.concatenate([self.calls, np.zeros((missing, WEEK_HOURS), np.float32)])
            self.weeks = np.concatenate([self.weeks, np.repeat(seen, missing, axis=0).astype(np.float32)])
            self._factors = None

    def factors(self, slot: int) -> Floats:
        """Factor of one slot for each need; the mean over a week is 1."""
        if self._factors is None:
            self._factors = self._compute()
        column: Floats = self._factors[:, slot]
        return column

    def learn(self, slot: int, calls: Floats, weight: Floats) -> None:
        """One sealed hour: calls of each need in the whole home area, and how far to believe them."""
        self.calls[:, slot] += (weight * (calls - (1.0 - KEEP_A_WEEK) * self.calls[:, slot])).astype(np.float32)
        self.weeks[:, slot] += (weight * (1.0 - (1.0 - KEEP_A_WEEK) * self.weeks[:, slot])).astype(np.float32)
        self._factors = None

    def _compute(self) -> Floats:
        calls, weeks = _smooth(self.calls.astype(np.float64)), _smooth(self.weeks.astype(np.float64))
        flat = np.ones((1, WEEK_HOURS))
        pool = _shrunk(calls.sum(axis=0, keepdims=True), weeks.max(axis=0, keepdims=True, initial=0.0), flat)
        return _shrunk(calls, weeks, pool)


def _smooth(rows: Floats) -> Floats:
    smooth: Floats = 0.5 * rows + 0.25 * (np.roll(rows, 1, axis=1) + np.roll(rows, -1, axis=1))
    return smooth


def _shrunk(calls: Floats, weeks: Floats, prior: Floats) -> Floats:
    """Gamma-Poisson shrinkage of the slot means to a prior profile, scaled to mean 1."""
    mean = calls.sum(axis=1, keepdims=True) / np.maximum(weeks.sum(axis=1, keepdims=True), 1e-9)
    factors = (calls + SHRINK_CALLS * prior) / (weeks * mean + SHRINK_CALLS)
    scaled: Floats = factors / factors.mean(axis=1, keepdims=True)
    return np.maximum(scaled, 0.01)
