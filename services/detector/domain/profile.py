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
from services.detector.domain.stored import wide, within

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
BLOCK = 256
"""Rows that are computed together: so many stay in the processor's cache."""
PART = 80
"""Slots of a week that numpy adds before the others."""


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
    """Slots x needs, up to a factor for each need: its mean over the week, which is in `_means`."""
    _means: Floats = field(default_factory=lambda: np.ones(0), repr=False)
    _space: Floats = field(default_factory=lambda: np.empty((WEEK_HOURS, 0)), repr=False)
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
            if not self.pooled:  # by slot in memory: where rows are many, an hour's column is read and written at once
                self.calls, self.weeks = np.asfortranarray(self.calls), np.asfortranarray(self.weeks)
            self._factors = None

    def factors(self, slot: int) -> Floats:
        """Factor of one slot for each need as it stands now: profile x tide."""
        return self.weekly(slot) * wide(self.tide)

    def weekly(self, slot: int) -> Floats:
        """Factor of one slot for each need; the mean over a week is 1."""
        if self._factors is None:
            self._factors, self._means = self._pooled() if self.pooled else self._alone()
        return _scaled(self._factors[slot], self._means)

    def learn(self, slot: int, calls: Floats, weight: Floats) -> None:
        """One sealed hour: calls of each need in the whole home area, and how far to believe them."""
        seen, weeks = self.calls[:, slot], self.weeks[:, slot]
        news = calls / wide(self.tide)
        news -= wide((1.0 - KEEP_A_WEEK) * seen)
        news *= weight
        seen += news.astype(np.float32)
        weeks += (wide(1.0 - (1.0 - KEEP_A_WEEK) * weeks) * weight).astype(np.float32)
        self._learned += 1
        if self._learned % self.hours_kept == 0:
            self._factors = None

    def follow(self, observed: Floats, expected: Floats, variance: Floats) -> None:
        """Move each need's tide by one sealed hour of the whole home area.

        All three are by need; `expected` contains the tide. Where nothing is expected nothing moves.
        """
        tide, doubt = wide(self.tide), wide(self.doubt)
        slope = expected / tide
        gain = doubt * slope
        gain /= slope**2 * doubt + variance + 1e-9
        tide -= 1.0
        tide *= 1.0 - 1.0 / TIDE_HOURS
        tide += 1.0
        tide += gain * (observed - expected)
        self.tide[:] = within(tide, LEAST_TIDE, MOST_TIDE)
        gain *= slope
        doubt *= np.subtract(1.0, gain, out=gain)
        doubt *= 1.0 - 2.0 / TIDE_HOURS
        doubt += 2.0 * TIDE_SD**2 / TIDE_HOURS
        self.doubt[:] = doubt

    def _pooled(self) -> tuple[Floats, Floats]:
        calls, weeks = _smooth(wide(self.calls.T)), _smooth(wide(self.weeks.T))
        of_all = np.ascontiguousarray(calls.T).sum(axis=0)[:, None]
        pool = _shrunk(of_all, weeks.max(axis=1, keepdims=True, initial=0.0), 1.0)
        factors = _shrunk(calls, weeks, _scaled(pool, _mean(pool)))
        return factors, _mean(factors)

    def _alone(self) -> tuple[Floats, Floats]:
        needs = len(self.calls)
        factors, means = self._room(needs), np.empty(needs)
        for first in range(0, needs, BLOCK):
            rows = slice(first, first + BLOCK)
            weeks = _smooth(wide(_once(self.weeks.T[:, rows])))
            some = _shrunk(_smooth(wide(self.calls.T[:, rows])), weeks, 1.0)
            factors[:, rows], means[rows] = some, _mean(some)
        return factors, means

    def _room(self, needs: int) -> Floats:
        """Where factors go: the same place every day."""
        if self._space.shape[1] != needs:
            self._space = np.empty((WEEK_HOURS, needs))
        return self._space


def tidal(observed: Floats, predicted: Prediction) -> tuple[Floats, Floats]:
    """(calls, variance) that an hour tells of the tide: calls at most 3 sd above the mean, variance with some reserve.

    Neighbouring hours are correlated, and the tide must not run after a surge.
    """
    most = predicted.mean + TIDE_WINSOR_SD * np.sqrt(predicted.variance)
    return np.minimum(observed, most), TIDE_RESERVE * predicted.variance


def _smooth(rows: Floats) -> Floats:
    """Each slot with a quarter of the two beside it; in place."""
    beside = np.empty_like(rows)
    np.add(rows[:-2], rows[2:], out=beside[1:-1])
    beside[[0, -1]] = rows[[-1, -2]] + rows[[1, 0]]
    beside *= 0.25
    rows *= 0.5
    rows += beside
    return rows


def _shrunk(calls: Floats, weeks: Floats, prior: Floats | float) -> Floats:
    """Gamma-Poisson shrinkage of the slot means to a prior profile, in place of the calls; their mean is not yet 1."""
    usual = weeks * (_over_slots(calls) / np.maximum(_over_slots(weeks), 1e-9))
    usual += SHRINK_CALLS
    calls += SHRINK_CALLS * prior
    calls /= usual
    return calls


def _once(weeks: NDArray[np.float32]) -> NDArray[np.float32]:
    """One column where all columns are alike: series that have been heard equally long."""
    first = weeks[:, :1]
    return first if (weeks == first).all() else weeks


def _scaled(factors: Floats, means: Floats) -> Floats:
    scaled: Floats = factors / means
    return np.maximum(scaled, 0.01, out=scaled)


def _mean(factors: Floats) -> Floats:
    return _over_slots(factors) / WEEK_HOURS


def _over_slots(rows: Floats) -> Floats:
    """Sums over the week, added in the order in which numpy adds a row: the same however slots lie in memory."""
    return _by_eights(rows[:PART]) + _by_eights(rows[PART:])


def _by_eights(rows: Floats) -> Floats:
    eight = np.add.reduce(rows.reshape(len(rows) // 8, 8, rows.shape[1]), axis=0)
    total: Floats = ((eight[0] + eight[1]) + (eight[2] + eight[3])) + ((eight[4] + eight[5]) + (eight[6] + eight[7]))
    return total
