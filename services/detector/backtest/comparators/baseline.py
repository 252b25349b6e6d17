"""Mean and standard deviation over earlier columns, and the local days of a folder of counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.backtest.comparators.comparator import NOTHING, hours_of
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats

LEAST_SD = 0.5
"""Of counts; without it one call after a silent baseline would be infinitely strange."""
LEAST_PAST = 3
"""Earlier values that a standard deviation needs at the least."""


@dataclass(frozen=True)
class Days:
    """Whole local days: 23 to 25 hours."""

    calls: Floats
    """[series, day]."""
    ordinal: NDArray[np.int64]
    """Local date of each day, 1 is 1 January of year 1 (a Monday)."""
    last_hour: NDArray[np.int64]
    """Index of each day's last hour."""
    hours: int
    """Hours of the whole folder."""

    def at_end(self, score: Floats) -> Floats:
        """[series, hour] from [series, day]: each day's score at the end of its last hour, NOTHING elsewhere."""
        hourly = np.full((len(score), self.hours), NOTHING)
        hourly[:, self.last_hour] = score
        return hourly


def local_days(counts: Counts) -> Days:
    """Calls by local day; a first or last day that is not whole is left out."""
    hours = hours_of(counts)
    first, number = counts.calendar.bucket(counts.start * 1000), hours.shape[1]
    day = np.array([counts.calendar.slot(first + hour).day for hour in range(-1, number + 1)], np.int64)
    begins = np.flatnonzero(day[1:] != day[:-1])
    edges = begins[begins <= number]
    if len(edges) < 2:
        nothing = np.zeros(0, np.int64)
        return Days(np.zeros((len(hours), 0)), nothing, nothing, number)
    calls = np.add.reduceat(hours[:, : edges[-1]], edges[:-1], axis=1)
    return Days(calls, day[edges[:-1] + 1], edges[1:] - 1, number)


def earlier(values: Floats, lags: Sequence[int], least: int = LEAST_PAST) -> tuple[Floats, Floats]:
    """Mean and sd (n - 1) of each column's earlier values at these lags; only what lies after the start counts.

    Columns with fewer than `least` such values have nan.
    """
    columns = np.arange(values.shape[1])
    there = [lag for lag in lags if lag < len(columns)]
    number = np.sum([columns >= lag for lag in lags], axis=0, dtype=float)
    number[number < least] = np.nan
    mean = np.zeros_like(values)
    for lag in there:
        mean[:, lag:] += values[:, :-lag]
    mean /= number
    square = np.zeros_like(values)
    for lag in there:
        square[:, lag:] += (values[:, :-lag] - mean[:, lag:]) ** 2
    return mean, np.sqrt(square / (number - 1))


def strangeness(values: Floats, lags: Sequence[int], least: int = LEAST_PAST, least_sd: float = LEAST_SD) -> Floats:
    """z of each value against its earlier values; NOTHING where there are too few."""
    mean, sd = earlier(values, lags, least)
    z: Floats = np.nan_to_num((values - mean) / np.maximum(sd, least_sd), nan=NOTHING)
    return z
