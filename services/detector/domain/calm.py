"""When a rise has calmed: its last hours are about usual; and what that takes in the hours to come.

The alert's own rule and the sentence that tells it are made of the same hours of the same nodes.
"""

from math import floor
from typing import NamedTuple

import numpy as np

from services.detector.domain.alerts import CALM_SD, RECENT_HOURS, Episode
from services.detector.domain.choice import rise_totals
from services.detector.domain.past_hours import Totals
from services.detector.domain.scoring import Scoring

LONGEST_RECENT_HOURS = 24


class Calm(NamedTuple):
    """Calls under which a rise will be calm."""

    first: int
    """Bucket from which they are counted."""
    hours: int
    """Closed ones that are counted."""
    calls_below: int


def recent_hours(lasted: int) -> int:
    """Closed hours that decide whether a rise that has lasted so long goes on: three, then half of it, a day at most.

    >>> recent_hours(2), recent_hours(10), recent_hours(100)
    (3, 5, 24)
    """
    return min(max(RECENT_HOURS, lasted // 2), LONGEST_RECENT_HOURS)


def recent(scoring: Scoring, episode: Episode, share: float) -> Totals:
    """Sums of the hours that decide whether a rise goes on, with the part of the open one that has passed."""
    first = max(episode.since, scoring.open_bucket - recent_hours(scoring.open_bucket - episode.since))
    return rise_totals(scoring, episode.node, episode.parts, first, share)


def calm_next(scoring: Scoring, episode: Episode) -> Calm:
    """What it takes in the hours to come, the open one included: so many that none before them counts any more."""
    lasted = scoring.open_bucket - episode.since
    hours = next(
        hours for hours in range(RECENT_HOURS, LONGEST_RECENT_HOURS + 1) if recent_hours(lasted + hours) <= hours
    )
    return _calm(scoring, episode, scoring.open_bucket, hours, 0.0)


def calm_at(scoring: Scoring, episode: Episode, bucket: int, share: float) -> Calm:
    """What it takes to be calm when `share` of a bucket has passed that is open by then: some hours may be over now."""
    first = max(episode.since, bucket - recent_hours(bucket - episode.since))
    return _calm(scoring, episode, first, bucket - first, share)


def _calm(scoring: Scoring, episode: Episode, first: int, hours: int, share: float) -> Calm:
    """All calls of an hour that is not over count, also those that will be told late."""
    usual = Totals()
    if first < scoring.open_bucket:
        usual = rise_totals(scoring, episode.node, episode.parts, first, 0.0)
    nodes = np.array(episode.parts or [episode.node], np.int64)
    for bucket in range(max(first, scoring.open_bucket), first + hours + 1):
        part = share if bucket == first + hours else 1.0
        whole = scoring.bank.predict_many(scoring.profile(bucket, nodes), nodes)
        variance = (whole.mean + (whole.variance - whole.mean) * part) * part * whole.vif
        usual.add(0.0, float((whole.mean * part).sum()), float(variance.sum()))
    most = usual.expected + CALM_SD * usual.variance**0.5
    return Calm(first, hours, max(1, floor(round(most, 4)) + 1))
