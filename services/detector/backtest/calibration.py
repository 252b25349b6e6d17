"""`backtest --table`: the table of rarity, from series that had no surge.

Peaks over a threshold: the highest score of each episode above `FROM_NATS` on a quiet series. Their excess is taken to
be exponential (slope = 1 / mean excess), their number Poisson with a log-linear rate in ln(calls an hour), fitted by
maximum likelihood. Scores are those of the open bucket, before any handicap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.backtest.counts import Counts, score_counts
from services.detector.backtest.counts_folder import read_counts
from services.detector.backtest.protocol import HOLD_SECONDS
from services.detector.backtest.rows import Rows, collect
from services.detector.backtest.truth import Truth, read_truth
from services.detector.domain.bank import Floats
from services.detector.domain.rarity import FROM_NATS, LEAST_RATE, MOST_RATE

NEWTON_STEPS = 50
LEAST_EPISODES = 100


class TooFewEpisodes(ValueError):
    """The quiet series brought too few episodes to tell a tail."""


@dataclass(frozen=True)
class Quiet:
    """Quiet series of one folder."""

    rates: Floats
    """Calls an hour of each."""
    weeks: float
    """Judged time."""
    peak: Floats
    """Highest score of each episode above FROM_NATS."""
    peak_rate: Floats
    """Calls an hour of the series it was on."""


@dataclass(frozen=True)
class Fitted:
    """The numbers of the table and what they rest on."""

    log_alarms: float
    per_log_rate: float
    slope: float
    episodes: int
    series_weeks: float


def quiet_series(folder: Path, truth_folder: Path) -> Quiet:
    """Score a folder of counts and keep what its quiet series brought.

    Raises:
        BadCounts, BadTruth: a folder that is none.
    """
    counts = read_counts(folder)
    truth = read_truth(truth_folder, counts.names)
    steps = score_counts(counts, fine=True, handicapped=False)
    rows = collect(steps, FROM_NATS).between(truth.start, truth.end)
    rates = _rates(counts)
    series, peak = peaks(rows, truth)
    return Quiet(rates[truth.quiet], truth.weeks, peak, rates[series])


def peaks(rows: Rows, truth: Truth) -> tuple[NDArray[np.int64], Floats]:
    """Series and highest score of every episode on a quiet series."""
    chosen = np.flatnonzero(truth.quiet[rows.series])
    series, time, score = rows.series[chosen], rows.time[chosen], rows.score[chosen]
    fresh = np.ones(len(chosen), bool)
    fresh[1:] = (np.diff(series) != 0) | (np.diff(time) > HOLD_SECONDS)
    highest = np.zeros(int(fresh.sum()))
    np.maximum.at(highest, np.cumsum(fresh) - 1, score)
    return series[fresh], highest


def fit(quiet: Sequence[Quiet]) -> Fitted:
    """The table from all folders together.

    Raises:
        TooFewEpisodes: fewer than LEAST_EPISODES.
    """
    peak = np.concatenate([one.peak for one in quiet])
    if len(peak) < LEAST_EPISODES:
        raise TooFewEpisodes(f"{len(peak)} episodes on quiet series are too few: give more counts")
    at_peak = _log_rate(np.concatenate([one.peak_rate for one in quiet]))
    everywhere = _log_rate(np.concatenate([one.rates for one in quiet]))
    weeks = np.concatenate([np.full(len(one.rates), one.weeks) for one in quiet])
    level, growth = np.log(len(peak) / weeks.sum()), 0.0
    for _ in range(NEWTON_STEPS):
        mean = weeks * np.exp(level + growth * everywhere)
        missing = np.array([len(peak) - mean.sum(), at_peak.sum() - (mean * everywhere).sum()])
        cross = (mean * everywhere).sum()
        curve = np.array([[mean.sum(), cross], [cross, (mean * everywhere**2).sum()]])
        step = np.linalg.solve(curve, missing)
        level, growth = level + step[0], growth + step[1]
    slope = 1.0 / float((peak - FROM_NATS).mean())
    return Fitted(float(level), float(growth), slope, len(peak), float(weeks.sum()))


def _rates(counts: Counts) -> Floats:
    hours = counts.hourly.shape[1] + counts.fine.shape[1] / counts.steps
    rates: Floats = (counts.hourly.sum(axis=1) + counts.fine.sum(axis=1)) / hours
    return rates


def _log_rate(rates: Floats) -> Floats:
    logs: Floats = np.log(np.clip(rates, LEAST_RATE, MOST_RATE) / LEAST_RATE)
    return logs
