"""River's `HalfSpaceTrees`, an hour at a time.

The trees assume features between 0 and 1, so counts are given as count / (count + usual + 1), "usual" being the mean of
the series so far; the features are this hour, the hour before it and the hour of the day. The score is 1 less the mass
of the region, so it is high for anything rare, silence included: hours not above the usual score 0. It is a coarse step
function in [0, 1] and is 0 until the first window (two weeks) is full. All series have trees of the same seed.
"""

from collections.abc import Callable

from river import anomaly, stats

from services.detector.backtest.comparators.comparator import hours_of, one_by_one
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats
from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS

SEED = 1


def river_halfspacetrees(counts: Counts) -> Floats:
    """[series, hour] scores between 0 and 1, one forest a series."""
    return one_by_one(hours_of(counts), detector)


def detector() -> Callable[[float], float]:
    """A new detector: scores an hour's calls, then learns them."""
    forest = anomaly.HalfSpaceTrees(n_trees=10, height=6, window_size=2 * WEEK_HOURS, seed=SEED)
    usual, hour, before = stats.Mean(), 0, 0.0

    def step(calls: float) -> float:
        nonlocal hour, before
        mean = usual.get()
        now = calls / (calls + mean + 1.0)
        features = {"now": now, "before": before, "hour": hour % DAY_HOURS / DAY_HOURS}
        score = forest.score_one(features) if calls > mean else 0.0
        forest.learn_one(features)
        usual.update(calls)
        hour, before = hour + 1, now
        return float(score)

    return step
