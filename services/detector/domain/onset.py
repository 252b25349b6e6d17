"""When a rise began, and the smallest one that would have been seen: both from the likelihood ratio of a step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.bank import SIZES, Prediction

Floats = NDArray[np.float64]

TAIL = 0.05
"""Chance that the rise began before the earliest hour named, and that it began after the latest."""


class Step(NamedTuple):
    """What a node's model says of a rise: one number each."""

    sd: float
    """Of the node's average hour; a rise is 1, 2, 4, 8 or 16 of them."""
    spread: float
    clump: float
    vif: float

    @classmethod
    def of(cls, predicted: Prediction) -> "Step":
        """From a prediction for one node."""
        columns = (predicted.sd_average, predicted.spread, predicted.clump, predicted.vif)
        return cls(*(float(column[0]) for column in columns))


def onset(
    observed: Floats, expected: Floats, shares: Floats, step: Step, no_later: int | None = None
) -> tuple[int, int, int]:
    """(earliest, likely, latest) index of the hour in which a step began.

    Its size and its last hour are those that explain the hours best; beforehand every hour is as likely as any other.

    Args:
        observed: calls in each hour, oldest first; at least one hour.
        expected: usual calls in each.
        shares: part of each hour that has passed.
        step: the node's model.
        no_later: index of the last hour in which it can have begun, because it was told then; None: any.
    """
    first = None if no_later is None else max(no_later, 0) + 1
    best, gained = -np.inf, np.zeros(1)
    for ratios in np.round(_ratios(observed, expected, shares, step), 4):
        after = np.cumsum(ratios)
        before = after - ratios
        last = int(np.argmax(np.round(after - np.minimum.accumulate(before), 4)))
        since = after[last] - before[: last + 1][:first]
        if round(float(since.max()), 4) > best:
            best, gained = round(float(since.max()), 4), since
    chance = np.exp(gained - gained.max())
    below = np.cumsum(chance) / chance.sum()
    likely = int(np.argmax(np.round(gained, 4)))
    earliest, latest = (int(np.searchsorted(np.round(below, 6), tail)) for tail in (TAIL, 1.0 - TAIL))
    return min(earliest, likely), likely, max(likely, min(latest, len(gained) - 1))


def smallest_rise(limit: float, hourly: float, hours: int, step: Step) -> int:
    """Calls above usual in `hours` average hours, evenly spread, that would just reach `limit` nats.

    >>> step = Step(sd=1.0, spread=0.1, clump=0.1, vif=1.0)
    >>> smallest_rise(8.0, 1.0, 1, step), smallest_rise(8.0, 1.0, 24, step)
    (9, 26)
    """
    mu = max(hourly, 1e-4)
    risen = mu + SIZES * step.sd
    shape = 1.0 / (step.spread + step.clump / mu)
    tail = np.log((shape + risen) / (shape + mu))
    a_call = np.log(risen / mu) - tail
    calls = (limit * _temper(step) / hours + shape * tail) / a_call
    return int(np.ceil(round(hours * (float(calls.min()) - mu), 4)))


def _ratios(observed: Floats, expected: Floats, shares: Floats, step: Step) -> Floats:
    """Nats of each hour for each size of a step: rows are sizes."""
    mu = np.maximum(expected, 1e-4)
    risen = mu + SIZES[:, None] * step.sd * shares
    shape = 1.0 / (step.spread + step.clump / mu)
    tail = np.log((shape + risen) / (shape + mu))
    ratios: Floats = (observed * (np.log(risen / mu) - tail) - shape * tail) / _temper(step)[:, None]
    return ratios


def _temper(step: Step) -> Floats:
    tempered: Floats = 1.0 + (step.vif - 1.0) * np.minimum(1.0, 2.0 / SIZES)
    return tempered
