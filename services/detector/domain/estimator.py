"""The model outside the fold: many series as arrays, and one series as a River estimator.

The fold uses `Bank`, `Profiles` and `Scoring`, where series are the nodes of two trees and lean on each other. These
two are for River's own tools, for notebooks and for comparisons: each series stands alone, with a profile of its own.
Both forms give the same numbers.
"""

from math import sqrt

import numpy as np
from river.base import AnomalyDetector

from services.detector.domain.bank import TUNING, Bank, Floats, Prediction, advance
from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS
from services.detector.domain.one_series import OneSeries
from services.detector.domain.profile import Profiles, tidal


class CountSurgeBank:
    """Negative-binomial CUSUMs over hourly counts of several series that stand alone.

    >>> bank = CountSurgeBank(series=2)
    >>> for hour in range(3 * 168):
    ...     bank.learn_many(np.array([hour % 2, 5.0]), slot=hour % 168)
    >>> bank.score_many(np.array([12.0, 5.0]), slot=0).round() > 3
    array([ True, False])
    """

    def __init__(self, series: int) -> None:
        self._bank, self._profiles = Bank(pooled=False), Profiles(pooled=False, hours_kept=DAY_HOURS)
        self._bank.grow(series)
        self._profiles.grow(series)

    @property
    def warm(self) -> bool:
        """Whether two weeks have been learned, so that scores mean something."""
        return self._bank.careful

    def learn_many(self, counts: Floats, *, slot: int) -> None:
        """Learn one hour that is over.

        Args:
            counts: [series], calls in the hour.
            slot: hour of the week, 0..167, Monday 00:00 is 0.
        """
        observed = np.asarray(counts, np.float64)
        factor, careful = self._profiles.factors(slot), self.warm
        predicted = self._bank.predict_many(factor)
        weight = self._bank.learn_many(observed, predicted, factor, self._bank.hours)
        believed = weight * observed + (1.0 - weight) * np.minimum(observed, predicted.mean)
        self._profiles.learn(slot, believed, np.ones(len(observed)))
        if careful:
            calls, variance = tidal(observed, predicted)
            self._profiles.follow(weight * calls, weight * predicted.mean, weight * variance)
        if self._bank.hours % DAY_HOURS == 0:
            self._bank.end_day()

    def score_many(self, counts: Floats, *, slot: int, share: float = 1.0) -> Floats:
        """Nats, [series]: how strongly this hour, after those learned, speaks for a rise; changes nothing.

        `share` is the part (0..1] of the hour that has passed.
        """
        if not self.warm:
            return np.zeros(len(counts))
        observed = np.asarray(counts, np.float64)
        return advance(self._bank.sealed_scores(), observed, self.predict(slot), self._bank.hours, share).best()

    def predict(self, slot: int) -> Prediction:
        """What an hour should bring."""
        return self._bank.predict_many(self._profiles.factors(slot))


class CountSurgeDetector(AnomalyDetector):  # type: ignore[misc]  # river is not typed
    """One series as a River estimator.

    An observation is a dict: `count` calls in the hour, `slot` its hour of the week (0..167, Monday 00:00 is 0), and
    for an hour that is not over `share`, the part of it that has passed (0..1]. Scores are nats, 0 or higher; nothing
    is scored before two weeks have been learned.

    >>> detector = CountSurgeDetector()
    >>> for hour in range(3 * 168):
    ...     detector.learn_one({"count": hour % 2, "slot": hour % 168})
    >>> detector.score_one({"count": 1, "slot": 0}) < 3 < detector.score_one({"count": 12, "slot": 0})
    True
    """

    def __init__(self) -> None:
        self._series = OneSeries()

    def learn_one(self, x: dict[str, float]) -> None:
        """Learn one hour that is over."""
        self._series.learn(float(x["count"]), int(x["slot"]) % WEEK_HOURS)

    def score_one(self, x: dict[str, float]) -> float:
        """How strongly this hour, after those learned, speaks for a rise; changes nothing."""
        return self._series.score(float(x["count"]), _slot(x), _share(x)) if self._series.warm else 0.0

    def predict_one(self, x: dict[str, float]) -> float:
        """Calls that this hour should bring."""
        return self._series.predict(_slot(x)).mean * _share(x)

    def explain_one(self, x: dict[str, float]) -> dict[str, float]:
        """Why that many: `expected` is the product of `level`, `hour_of_week`, `tide` and `share`; `sd` its spread."""
        series, slot, share = self._series, _slot(x), _share(x)
        return {
            "level": series.level,
            "hour_of_week": series.week.factor(slot),
            "tide": series.tide,
            "share": share,
            "expected": self.predict_one(x),
            "sd": sqrt(series.predict(slot).variance * share),
            "observed": float(x["count"]),
            "score": self.score_one(x),
            "hours_to_warm": float(max(0, TUNING.careful_after_hours - series.hours)),
        }


def _slot(x: dict[str, float]) -> int:
    return int(x["slot"]) % WEEK_HOURS


def _share(x: dict[str, float]) -> float:
    return float(x.get("share", 1.0))
