"""River's `GaussianScorer`, an hour at a time.

River's score is 2 |cdf - 1/2|: it is as high for a silent hour as for a surge, and it is exactly 1 from about 8
standard deviations on, so that no threshold can tell a large surge from the strangest hour of a quiet year. Given here
is the z under the Gaussian that River has learned: the same order on the upper side, without the ceiling; 0 below the
mean and while River is in its grace period. A series that has been constant so far has no standard deviation: River
(0.26.1) then calls every hour, even the usual one, a 1; here it is 0. The season is not modelled.
"""

from collections.abc import Callable

from river import anomaly

from services.detector.backtest.comparators.comparator import hours_of, one_by_one
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats
from services.detector.domain.calendar import WEEK_HOURS


def river_gaussian(counts: Counts) -> Floats:
    """[series, hour] z, one detector a series."""
    return one_by_one(hours_of(counts), detector)


def detector() -> Callable[[float], float]:
    """A new detector: scores an hour's calls, then learns them."""
    scorer = anomaly.GaussianScorer(grace_period=2 * WEEK_HOURS)

    def step(calls: float) -> float:
        learned = scorer.gaussian
        rises = learned.n_samples >= scorer.grace_period and learned.sigma > 0.0 and calls > learned.mu
        score = (calls - learned.mu) / learned.sigma if rises else 0.0
        scorer.learn_one(None, calls)
        return float(score)

    return step
