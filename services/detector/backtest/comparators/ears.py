"""EARS C1, C2 and C3 (Hutwagner et al. 2003) on local days: a z against the week before.

C1 takes the 7 days before, C2 the 7 days before the last two, so that the beginning of a rise does not hide it; C3 adds
up what C2 exceeded 1 by over three days, the day itself included, as the CDC published it. (R's `surveillance` 1.20.3
leaves the day itself out of C3 and puts its observed count into the limit instead: those figures are of another
statistic.) A standard deviation of less than 0.5 calls counts as 0.5.
"""

import numpy as np

from services.detector.backtest.comparators.baseline import LEAST_SD, local_days, strangeness
from services.detector.backtest.counts import Counts
from services.detector.domain.bank import Floats

C1_LAGS = range(1, 8)
C2_LAGS = range(3, 10)
C3_DAYS = 3
C3_EXCESS_OVER = 1.0


def c1(days: Floats, *, least_sd: float = LEAST_SD) -> Floats:
    """[series, day] z."""
    return strangeness(days, C1_LAGS, len(C1_LAGS), least_sd)


def c2(days: Floats, *, least_sd: float = LEAST_SD) -> Floats:
    """[series, day] z."""
    return strangeness(days, C2_LAGS, len(C2_LAGS), least_sd)


def c3(days: Floats, *, least_sd: float = LEAST_SD) -> Floats:
    """[series, day] sum of what C2 exceeded 1 by, today and on the two days before."""
    z = c2(days, least_sd=least_sd)
    excess = np.pad(np.maximum(z - C3_EXCESS_OVER, 0.0), ((0, 0), (C3_DAYS - 1, 0)))
    total = sum(excess[:, lag : lag + z.shape[1]] for lag in range(C3_DAYS))
    return np.where(np.isfinite(z), total, z)


def ears_c1(counts: Counts) -> Floats:
    """[series, hour] at the end of each local day."""
    days = local_days(counts)
    return days.at_end(c1(days.calls))


def ears_c2(counts: Counts) -> Floats:
    """[series, hour] at the end of each local day."""
    days = local_days(counts)
    return days.at_end(c2(days.calls))


def ears_c3(counts: Counts) -> Floats:
    """[series, hour] at the end of each local day."""
    days = local_days(counts)
    return days.at_end(c3(days.calls))
