"""Fair judging: a threshold that keeps quiet series within a budget of false alarms, then what it finds elsewhere.

A false alarm is an episode on a series without a surge: a score above the threshold with none in the 24 hours before.
A surge is found when a member's score passes the threshold between its onset and its end, at most 72 hours later. RMD72
is the mean delay with a miss counted as 72 hours, never that of the found alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.backtest.rows import Rows
from services.detector.backtest.truth import Surge, Truth

HOLD_SECONDS = 24 * 3600
LIMIT_SECONDS = 72 * 3600


@dataclass(frozen=True)
class Run:
    """A detector's scores over the judged time of one folder, by series and then by time."""

    rows: Rows
    truth: Truth
    step_seconds: int


@dataclass(frozen=True)
class Verdict:
    """A detector at one budget."""

    threshold: float
    calibrated: float
    """False alarms per series-week where the threshold was set."""
    false_alarms: float
    """The same where it was tried."""
    surges: int
    found: float
    """Share of surges found (POD)."""
    rmd72_hours: float


def judge(calibration: Sequence[Run], test: Sequence[Run], budget: float) -> Verdict:
    """Set the threshold on some runs and measure on others.

    Args:
        calibration: runs whose quiet series set the threshold.
        test: runs that it is tried on.
        budget: false alarms per series-week.
    """
    threshold = lowest_threshold(calibration, budget)
    delays = np.array([delay_seconds(run, surge, threshold) for run in test for surge in run.truth.counted])
    capped = np.minimum(delays, LIMIT_SECONDS)
    return Verdict(
        threshold=threshold,
        calibrated=false_alarm_rate(calibration, threshold),
        false_alarms=false_alarm_rate(test, threshold),
        surges=len(delays),
        found=float(np.isfinite(delays).mean()) if len(delays) else float("nan"),
        rmd72_hours=float(capped.mean()) / 3600 if len(delays) else float("nan"),
    )


def lowest_threshold(runs: Sequence[Run], budget: float) -> float:
    """The smallest score that keeps the quiet series of these runs within a budget of false alarms per series-week."""
    scores = [run.rows.score[run.truth.quiet[run.rows.series]] for run in runs]
    candidates = np.unique(np.concatenate([[0.0], *scores]))
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if false_alarm_rate(runs, float(candidates[middle])) <= budget:
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])


def false_alarm_rate(runs: Sequence[Run], threshold: float) -> float:
    """Episodes per quiet series-week."""
    number = sum(len(episodes(run.rows, threshold, run.truth.quiet)[0]) for run in runs)
    weeks = sum(float(run.truth.quiet.sum()) * run.truth.weeks for run in runs)
    return number / weeks if weeks else float("nan")


def episodes(rows: Rows, threshold: float, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Series and first moment of every alarm episode on the chosen series."""
    flagged = np.flatnonzero((rows.score > threshold) & chosen[rows.series])
    series, time = rows.series[flagged], rows.time[flagged]
    fresh = np.ones(len(flagged), bool)
    fresh[1:] = (np.diff(series) != 0) | (np.diff(time) > HOLD_SECONDS)
    return series[fresh], time[fresh]


def delay_seconds(run: Run, surge: Surge, threshold: float) -> float:
    """From onset to the first score above the threshold; infinite if missed."""
    until = min(surge.end, surge.onset + LIMIT_SECONDS) + run.step_seconds
    first = np.inf
    for member in surge.members:
        low, high = np.searchsorted(run.rows.series, [member, member + 1])
        time, score = run.rows.time[low:high], run.rows.score[low:high]
        told = time[(time > surge.onset) & (time < until) & (score > threshold)]
        if len(told):
            first = min(first, float(told[0]) - surge.onset)
    return first


def shared(
    one: Rows, other: Rows, threshold_one: float, threshold_other: float, everywhere: NDArray[np.bool_]
) -> float:
    """Share of the episodes of `one` within 24 hours of which `other` is above its threshold on the same series."""
    series, time = episodes(one, threshold_one, everywhere)
    if not len(series):
        return float("nan")
    above = other.score > threshold_other
    span = 4 * HOLD_SECONDS + int(max(one.time.max(), other.time.max(initial=0)))
    places: NDArray[np.int64] = other.series[above] * span + other.time[above]
    wanted = series * span + time
    low = np.searchsorted(places, wanted - HOLD_SECONDS, side="left")
    high = np.searchsorted(places, wanted + HOLD_SECONDS, side="right")
    return float((high > low).mean())
