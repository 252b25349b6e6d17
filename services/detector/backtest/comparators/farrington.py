"""Farrington's method as Noufaily et al. (2013) improved it, by the day and by the week.

A quasi-Poisson regression of the past (level, trend, season) foretells the present; past outbreaks are weighed down by
their Anscombe residuals; the newest past is left out, so that a rise does not become its own baseline. The present
count is judged by the upper tail of a negative binomial with the foretold mean and the fitted dispersion ("nbPlugin" of
R's `surveillance`). The score is -ln of that tail, so a score above -ln(alpha) is what R alarms at; series with fewer
than 5 calls in the last four weeks are not judged ("limit54").

By the week it is the published method: five years of past, ten seasonal groups, 26 weeks left out; it says nothing
before. By the day the weekday takes the place of the season, over 26 weeks (8 at least) with the last 7 days left out.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detector.backtest.comparators.baseline import local_days
from services.detector.backtest.comparators.comparator import NOTHING
from services.detector.backtest.comparators.quasi_poisson import Fit, fit, upper_tail
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats

REWEIGHT_ABOVE = 2.58
YEARS, HALF_WINDOW, PERIODS, WEEKS_LEFT_OUT = 5, 3, 10, 26
DAYS, LEAST_DAYS, DAYS_LEFT_OUT = 26 * 7, 8 * 7, 7
ENOUGH_CALLS, ENOUGH_DAYS = 5.0, 28
WEEK = timedelta(weeks=1)


class Past(NamedTuple):
    """What the present is compared with."""

    at: NDArray[np.int64]
    """Indices of the past values that count."""
    group: NDArray[np.int64]
    """Seasonal group of each."""
    now: int
    """Seasonal group of the present."""


def foretold(past: Past, present: int, counts: Floats) -> tuple[Floats, Floats]:
    """Mean and dispersion of the present for each series; a trend that leads above all that was seen is left out.

    Args:
        past: what to learn from.
        present: index of the value to foretell.
        counts: [series, index].
    """
    history = counts[:, past.at]
    design, today = _design(past, present)
    fitted = reweighted(design, history)
    mean = np.exp(np.clip(fitted.coefficients @ today, -30.0, 30.0))
    dispersion = fitted.dispersion.copy()
    wild = mean > history.max(axis=1)
    if wild.any():
        flat = reweighted(design[:, :-1], history[wild])
        mean[wild] = np.exp(np.clip(flat.coefficients @ today[:-1], -30.0, 30.0))
        dispersion[wild] = flat.dispersion
    return mean, dispersion


def reweighted(design: Floats, history: Floats, above: float = REWEIGHT_ABOVE) -> Fit:
    """A fit, and a second one in which values far above the first weigh less."""
    first = fit(design, history)
    room = np.sqrt(first.dispersion[:, None] * np.maximum(1.0 - first.leverage, 1e-12))
    residual = 1.5 * (history ** (2 / 3) * first.mean ** (-1 / 6) - np.sqrt(first.mean)) / room
    weight = np.where(residual > above, np.maximum(residual, above) ** -2.0, 1.0)
    return fit(design, history, weight * weight.shape[1] / weight.sum(axis=1, keepdims=True), start=first.mean)


def surprise(past: Past, present: int, counts: Floats, *, enough: float = ENOUGH_CALLS, over: int = 4) -> Floats:
    """-ln P(Y >= present) of a series; NOTHING for those with fewer than `enough` calls in the last `over` places."""
    mean, dispersion = foretold(past, present, counts)
    score: Floats = -np.log(upper_tail(counts[:, present], mean, dispersion))
    return np.where(counts[:, present - over + 1 : present + 1].sum(axis=1) >= enough, score, NOTHING)


def farrington(counts: Counts) -> Floats:
    """[series, hour] at the end of each local day."""
    days = local_days(counts)
    score = np.full(days.calls.shape, NOTHING)
    for day in range(LEAST_DAYS + DAYS_LEFT_OUT, days.calls.shape[1]):
        at = np.arange(max(0, day - DAYS_LEFT_OUT - DAYS), day - DAYS_LEFT_OUT)
        past = Past(at, days.ordinal[at] % 7, int(days.ordinal[day] % 7))
        score[:, day] = surprise(past, day, days.calls, over=ENOUGH_DAYS)
    return days.at_end(score)


def farrington_weekly(counts: Counts) -> Floats:
    """[series, hour] at the end of each local week, Monday to Sunday; nothing in the first five years."""
    days = local_days(counts)
    first = int(-(days.ordinal[0] - 1) % 7) if len(days.ordinal) else 0
    number = max(0, (len(days.ordinal) - first) // 7)
    weeks = days.calls[:, first : first + 7 * number].reshape(len(days.calls), number, 7).sum(axis=2)
    score = np.full(days.calls.shape, NOTHING)
    for week in range(number):
        past = yearly_past(same_weeks(week, date.fromordinal(int(days.ordinal[first + 7 * week]))))
        if past is not None:
            score[:, first + 7 * week + 6] = surprise(past, week, weeks)
    return days.at_end(score)


def same_weeks(week: int, begins: date, years: int = YEARS) -> list[int]:
    """Indices of `week`, which begins on that date, and of the weeks nearest to the same date of earlier years."""
    return [week - round((begins - _years_before(begins, back)) / WEEK) for back in range(years + 1)]


def yearly_past(same: Sequence[int]) -> Past | None:
    """What a week is compared with, in ten groups: the weeks around the same date of earlier years, and nine between.

    Args:
        same: indices of the week itself and of the same week of earlier years, newest first.

    Returns:
        None when the series does not reach back far enough.
    """
    week = same[0]
    if same[-1] - HALF_WINDOW < 0:
        return None
    group = np.full(week + 1, -1)
    for later, earlier in pairwise(same):
        group[earlier - HALF_WINDOW : earlier + HALF_WINDOW + 1] = PERIODS - 1
        between = np.arange(earlier + HALF_WINDOW + 1, later - HALF_WINDOW)
        for number, part in enumerate(np.array_split(between, PERIODS - 1)):
            group[part] = number
    group[week - HALF_WINDOW :] = PERIODS - 1
    group[week - WEEKS_LEFT_OUT :] = -1
    at = np.flatnonzero(group >= 0)
    return Past(at, group[at], PERIODS - 1)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 3, 1)


def _design(past: Past, present: int) -> tuple[Floats, Floats]:
    """Ones, a column for each seasonal group but the first, time; and the same for the present."""
    groups = np.unique(past.group)[1:]
    span = past.at[-1] - past.at[0] + 1
    design = np.column_stack(
        [np.ones(len(past.at)), past.group[:, None] == groups, (past.at - past.at[0]) / span]
    ).astype(float)
    today = np.concatenate([[1.0], past.now == groups, [(present - past.at[0]) / span]])
    return design, today
