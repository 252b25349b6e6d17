"""One series as a River estimator: the same bank and profile, with one row.

The fold uses the vectorised form (`Bank`, `Profiles`, `Scoring`); this one is for River's own tools, for notebooks and
for comparisons with off-the-shelf detectors, which take the same place.
"""

import numpy as np
from river.base import AnomalyDetector

from services.detector.domain.bank import Bank, Floats, Prediction, advance
from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS
from services.detector.domain.profile import Profiles


class CountSurgeDetector(AnomalyDetector):  # type: ignore[misc]  # river is not typed
    """Negative-binomial CUSUMs over hourly counts of one series.

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
        self._bank, self._profiles = Bank(), Profiles()
        self._bank.grow(1)
        self._profiles.grow(1)
        self._hour = 0

    def learn_one(self, x: dict[str, float]) -> None:
        """Learn one hour that is over."""
        slot, observed = int(x["slot"]) % WEEK_HOURS, np.array([float(x["count"])])
        predicted = self._predict(slot)
        weight = self._bank.learn_many(observed, predicted, self._factor(slot), self._hour)
        believed = weight * observed + (1.0 - weight) * np.minimum(observed, predicted.mean)
        self._profiles.learn(slot, believed, np.ones(1))
        self._hour += 1
        if self._hour % DAY_HOURS == 0:
            self._bank.end_day()

    def score_one(self, x: dict[str, float]) -> float:
        """How strongly this hour, after those learned, speaks for a rise; changes nothing."""
        if not self._bank.careful:
            return 0.0
        observed, share = np.array([float(x["count"])]), float(x.get("share", 1.0))
        predicted = self._predict(int(x["slot"]) % WEEK_HOURS)
        return float(advance(self._bank.sealed_scores(), observed, predicted, self._hour, share).best()[0])

    def predict_one(self, x: dict[str, float]) -> float:
        """Calls that this hour should bring."""
        return float(self._predict(int(x["slot"]) % WEEK_HOURS).mean[0] * float(x.get("share", 1.0)))

    def _predict(self, slot: int) -> Prediction:
        return self._bank.predict_many(self._factor(slot))

    def _factor(self, slot: int) -> Floats:
        return self._profiles.factors(slot)
