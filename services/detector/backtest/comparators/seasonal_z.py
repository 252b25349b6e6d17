"""z against the same time of earlier weeks: by the day, and by the hour as a CUSUM."""

import numpy as np

from services.detector.backtest.comparators.baseline import LEAST_PAST, LEAST_SD, earlier, local_days, strangeness
from services.detector.backtest.comparators.comparator import NOTHING, hours_of
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats
from services.detector.domain.calendar import WEEK_HOURS

WEEKS = 8
ALLOWANCE = 0.75
"""What an hour may exceed its mean by, in sd, without adding to the CUSUM."""
MOST = 200.0
LITTLE_VARIANCE = 0.05


def daily_z(counts: Counts) -> Floats:
    """[series, hour]: at the end of each local day, its z against the same weekday of eight weeks (three at least)."""
    days = local_days(counts)
    return days.at_end(strangeness(days.calls, range(7, 7 * (WEEKS + 1), 7), LEAST_PAST))


def gaussian_cusum(counts: Counts) -> Floats:
    """[series, hour]: CUSUM of an hour's z against the same hour of eight weeks (three at least).

    The variance is that of the eight hours, plus that of their mean if calls were Poisson; over a change to or from
    daylight saving time "the same hour" is 168 hours before.
    """
    hours = hours_of(counts)
    mean, sd = earlier(hours, range(WEEK_HOURS, WEEK_HOURS * (WEEKS + 1), WEEK_HOURS))
    spread = np.maximum(np.sqrt(sd**2 + mean / WEEKS + LITTLE_VARIANCE), LEAST_SD)
    gain = (hours - mean) / spread - ALLOWANCE
    total = np.zeros(len(hours))
    score = np.full(hours.shape, NOTHING)
    for hour in np.flatnonzero(~np.isnan(gain).any(axis=0)):
        total = np.clip(total + gain[:, hour], 0.0, MOST)
        score[:, hour] = total
    return score
