"""River's `PredictiveAnomalyDetection` around its HoltWinters and SNARIMAX forecasters, an hour at a time.

River's score is the squared error over a threshold (mean + 3 sd of the squared errors so far), cut off at 1. Three
things are done to it so that it can be compared at all:

* A ceiling of 1 would give every error beyond the threshold the same score, and the budget could not be kept. Where
  River says 1, the ratio itself is given.
* It is two-sided. Hours below the forecast score 0.
* `score_one` changes River's state (it takes the error into the running mean and variance; the same hour scored twice
  scores lower). It is called once an hour, before `learn_one`.

Nothing is scored in the first two weeks. Scores below a fifth of River's threshold are 0, and so is the score of a
forecast that is not finite.
"""

import math
from collections.abc import Callable
from typing import Any

from river import anomaly, linear_model, optim, preprocessing, time_series

from services.detector.backtest.comparators.comparator import hours_of, one_by_one
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats
from services.detector.domain.calendar import WEEK_HOURS

WARM_UP_HOURS = 2 * WEEK_HOURS
N_STD = 3.0
LEAST = 0.2
"""Scores below it are 0: it saves asking for the forecast a second time."""


def river_holtwinters(counts: Counts) -> Floats:
    """[series, hour] squared error over River's threshold; additive, a season of 168 hours.

    The smoothing factors are the best of four sets tried on simulated surges, River's own example among them.
    """
    return one_by_one(hours_of(counts), holtwinters)


def river_snarimax(counts: Counts) -> Floats:
    """[series, hour] squared error over River's threshold; two hours, and the same hour of a week before."""
    return one_by_one(hours_of(counts), snarimax)


def holtwinters() -> Callable[[float], float]:
    """A new detector that starts with the first week that holds a call.

    River (0.26.1) divides the first season by its mean and raises ZeroDivisionError when that is 0, and has no
    forecast (IndexError) before it is over. Weeks before the first call are therefore not shown to it; they score 0.
    """
    model = time_series.HoltWinters(alpha=0.02, beta=0.0001, gamma=0.3, seasonality=WEEK_HOURS)
    scored = _scored(_around(model))
    first: list[float] = []
    begun = False

    def step(calls: float) -> float:
        nonlocal begun
        if begun:
            return scored(calls)
        first.append(calls)
        if len(first) == WEEK_HOURS:
            begun = any(first)
            if begun:
                for earlier in first:
                    model.learn_one(earlier)
            first.clear()
        return 0.0

    return step


def snarimax() -> Callable[[float], float]:
    """A new detector: a linear regression on the last two hours and the same hour a week before, learned by SGD."""
    regressor = preprocessing.StandardScaler() | linear_model.LinearRegression(
        optimizer=optim.SGD(0.002), clip_gradient=5.0
    )
    model = time_series.SNARIMAX(p=2, d=0, q=0, m=WEEK_HOURS, sp=1, regressor=regressor)
    return _scored(_around(model))


def _around(model: Any) -> Any:
    return anomaly.PredictiveAnomalyDetection(model, horizon=1, n_std=N_STD, warmup_period=WARM_UP_HOURS)


def _scored(detector: Any) -> Callable[[float], float]:
    def step(calls: float) -> float:
        threshold = detector.dynamic_mae.get() + N_STD * math.sqrt(detector.dynamic_se_variance.get())
        score = float(detector.score_one(None, calls))
        if score >= LEAST:
            forecast = detector.predictive_model.forecast(1)[0]
            if not math.isfinite(forecast) or calls <= forecast:
                score = 0.0
            elif score >= 1.0 and threshold > 0.0:
                score = (calls - forecast) ** 2 / threshold
        detector.learn_one(None, calls)
        return score if score >= LEAST else 0.0

    return step
