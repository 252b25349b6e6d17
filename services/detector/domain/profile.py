"""What all areas share of a need: its weekly profile, and how far it has moved from its usual volume.

The profile spreads a need's calls over the 168 local hours of a week. The tide is a factor that follows the need in the
whole home area within days: weather, season and news move all areas of a need together, and an area with a call a day
could not follow them by itself. It is a Kalman filter of a random walk that is drawn back to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.bank import Prediction
from services.detector.domain.calendar import WEEK_HOURS

Floats = NDArray[np.float64]
KEEP_A_WEEK = 0.97
SHRINK_CALLS = 12.0
"""Calls that the pool's profile is worth against a need's own."""
TIDE_HOURS = 120.0
"""Memory of the tide: it is drawn back to 1 with this time constant."""
TIDE_SD = 0.1
"""Spread of the tide, relative."""
TIDE_WINSOR_SD = 3.0
TIDE_RESERVE = 1.5
LEAST_TIDE, MOST_TIDE = 0.3, 3.0
BLOCK = 128
"""Rows that are computed together: so many stay in the processor's cache."""


def _ones() -> NDArray[np.float32]:
    return np.ones(0, np.float32)


@dataclass
class Profiles:
    """Rows are needs, columns slots; `calls` and `weeks` are exponentially weighted."""

    calls: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, WEEK_HOURS), np.float32))
    weeks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, WEEK_HOURS), np.float32))
    tide: NDArray[np.float32] = field(default_factory=_ones)
    """Each need's volume against its usual one."""
    doubt: NDArray[np.float32] = field(default_factory=_ones)
    """Variance of each tide."""
    pooled: bool = True
    """Whether a need leans on the profile of all needs where it has seen little."""
    hours_kept: int = 1
    """Hours learned before factors are computed anew; more than one only where no snapshot is taken between them."""
    _factors: Floats | None = field(default=None, repr=False)
    _learned: int = field(default=0, repr=False)

    @classmethod
    def restored(cls, columns: Mapping[str, NDArray[np.float32]]) -> "Profiles":
        """Profiles from their columns."""
        return cls(columns["calls"], columns["weeks"], columns["tide"], columns["doubt"])

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """The arrays by name, for a snapshot."""
        return {"calls": self.calls, "weeks": self.weeks, "tide": self.tide, "doubt": self.doubt}

    def grow(self, needs: int) -> None:
        """Rows for `needs` needs; a new need has been silent in all weeks so far."""
        missing = needs - len(self.calls)
        if missing > 0:
            seen = self.weeks.max(axis=0, initial=0.0)[None, :]
            self.calls = np.concatenate([self.calls, np.zeros((missing, WEEK_HOURS), np.float32)])
            self.weeks = np.concatenate([self.weeks, np.repeat(seen, missing, axis=0).astype(np.float32)])
            self.tide = np.concatenate([self.tide, np.ones(missing, np.float32)])
            self.doubt = np.concatenate([self.doubt, np.full(missing, TIDE_SD**2, np.float32)])
            self._factors = None

    def factors(self, slot: int) -> Floats:
        """Factor of one slot for each need as it stands now: profile x tide."""
        return self.weekly(slot) * self.tide

    def weekly(self, slot: int) -> Floats:
        """Factor of one slot for each need; the mean over a week is 1."""
        if self._factors is None:
            self._factors = self._compute()
        column: Floats = self._factors[:, slot]
        return column

    def learn(self, slot: int, calls: Floats, weight: Floats) -> None:
        """One sealed hour: calls of each need in the whole home area, and how far to believe them."""
        calls = calls / self.tide
        self.calls[:, slot] += (weight * (calls - (1.0 - KEEP_A_WEEK) * self.calls[:, slot])).astype(np.float32)
        self.weeks[:, slot] += (weight * (1.0 - (1.0 - KEEP_A_WEEK) * self.weeks[:, slot])).astype(np.float32)
        self._learned += 1
        if self._learned % self.hours_kept == 0:
            self._factors = None

    def follow(self, observed: Floats, expected: Floats, variance: Floats) -> None:
        """Move each need's tide by one sealed hour of the whole home area.

        All three are by need; `expected` contains the tide. Where nothing is expected nothing moves.
        """
        tide, doubt = self.tide.astype(np.float64), self.doubt.astype(np.float64)
        slope = expected / tide
        gain = doubt * slope / (slope**2 * doubt + variance + 1e-9)
        drawn = 1.0 + (tide - 1.0) * (1.0 - 1.0 / TIDE_HOURS)
        self.tide[:] = np.clip(drawn + gain * (observed - expected), LEAST_TIDE, MOST_TIDE)
        doubt = doubt * (1.0 - gain * slope)
        self.doubt[:] = doubt * (1.0 - 2.0 / TIDE_HOURS) + 2.0 * TIDE_SD**2 / TIDE_HOURS

    def _compute(self) -> Floats:
        flat = np.ones((1, WEEK_HOURS))
        if not self.pooled:
            blocks = [slice(first, first + BLOCK) for first in range(0, len(self.calls), BLOCK)]
            return np.concatenate([_shrunk(_smooth(self.calls[i]), _smooth(self.weeks[i]), flat) for i in blocks])
        calls, weeks = _smooth(self.calls), _smooth(self.weeks)
        pool = _shrunk(calls.sum(axis=0, keepdims=True), weeks.max(axis=0, keepdims=True, initial=0.0), flat)
        return _shrunk(calls, weeks, pool)


def tidal(observed: Floats, predicted: Prediction) -> tuple[Floats, Floats]:
    """(calls, variance) that an hour tells of the tide: calls at most 3 sd above the mean, variance with some reserve.

    Neighbouring hours are correlated, and the tide must not run after a surge.
    """
    most = predicted.mean + TIDE_WINSOR_SD * np.sqrt(predicted.variance)
    return np.minimum(observed, most), TIDE_RESERVE * predicted.variance


def _smooth(stored: NDArray[np.float32]) -> Floats:
    rows = stored.astype(np.float64)
    smooth: Floats = 0.5 * rows
    smooth[:, 1:-1] += 0.25 * (rows[:, :-2] + rows[:, 2:])
    smooth[:, [0, -1]] += 0.25 * (rows[:, [-1, -2]] + rows[:, [1, 0]])
    return smooth


def _shrunk(calls: Floats, weeks: Floats, prior: Floats) -> Floats:
    """Gamma-Poisson shrinkage of the slot means to a prior profile, scaled to mean 1."""
    mean = calls.sum(axis=1, keepdims=True) / np.maximum(weeks.sum(axis=1, keepdims=True), 1e-9)
    factors = (calls + SHRINK_CALLS * prior) / (weeks * mean + SHRINK_CALLS)
    scaled: Floats = factors / factors.mean(axis=1, keepdims=True)
    return np.maximum(scaled, 0.01)
