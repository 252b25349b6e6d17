"""What a comparator is: a name and a function from hourly counts to scores that never look ahead."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from services.detector.backtest.counts import HOUR_SECONDS, Counts
from services.detector.domain.bank import Floats

NOTHING = -np.inf
"""Score of a series and hour about which a detector says nothing."""


@dataclass(frozen=True)
class Comparator:
    """An off-the-shelf detector. It is given what Groundswell is given and is judged as Groundswell is."""

    name: str
    line: str
    """What it is and what its score means, in one line."""
    score: Callable[[Counts], Floats]
    """[series, hour]: the score at the end of each hour, higher is stranger; NOTHING where it has none.

    Column h may depend on hours 0..h only.
    """
    least: float
    """Scores below it are left out of files unless asked for: no sensible threshold is that low."""

    def steps(self, counts: Counts) -> Iterator[tuple[int, Floats]]:
        """(end of the hour in Unix seconds, score of each series) of every hour."""
        for hour, column in enumerate(self.score(counts).T):
            yield counts.start + (hour + 1) * HOUR_SECONDS, column


def hours_of(counts: Counts) -> Floats:
    """[series, hour]: all counts by the hour, fine steps added up; an hour that is not whole is left out."""
    whole = counts.fine.shape[1] // counts.steps
    fine = counts.fine[:, : whole * counts.steps].reshape(len(counts.fine), whole, counts.steps).sum(axis=2)
    return np.concatenate([counts.hourly, fine], axis=1)


def one_by_one(hours: Floats, made: Callable[[], Callable[[float], float]]) -> Floats:
    """Scores of detectors that are objects: a new one for each series, which scores an hour and then learns it.

    Args:
        hours: [series, hour] calls.
        made: makes a detector; it is a function of an hour's calls.
    """
    score = np.full(hours.shape, NOTHING)
    for row, series in enumerate(hours.tolist()):
        step = made()
        score[row] = [step(count) for count in series]
    return score
