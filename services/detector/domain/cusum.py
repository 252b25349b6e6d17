"""CUSUMs as arrays: what one more hour says of a rise, or of a fall, of every node.

Inside, scores lie by size of the rise first, then by node, and only those nodes are looked at whose scores can move:
few are in most hours, and numpy is quick along long rows.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.tuning import TUNING

Floats = NDArray[np.float64]
Index = NDArray[np.int64] | slice

SIZES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
"""Rises looked for, in sd of an average hour."""
RISES = SIZES[:, None]
PARTS = np.minimum(1.0, 2.0 / RISES)
"""Part of the variance inflation that tempers each."""
LEAST_MEAN = 1e-4
"""Calls an hour: with fewer, one call would be proof."""
HALF = float(np.log(0.5))
_EACH = np.ones(len(SIZES))


class Prediction(NamedTuple):
    """What an hour should bring: arrays over the nodes asked for."""

    mean: Floats
    spread: Floats
    """Part of the inverse shape that does not depend on the mean: dispersion and doubt about the level."""
    clump: Floats
    """Variance over mean, less one, of calls that come in clumps: their part of the inverse shape is clump / mean."""
    sd_average: Floats
    """sd of the node's average hour: the unit of a rise."""
    variance: Floats
    vif: Floats

    def rows(self, nodes: Index) -> "Prediction":
        """The same for some of the nodes."""
        return self if isinstance(nodes, slice) else Prediction(*(column[nodes] for column in self))

    def inflation(self) -> Floats:
        """Variance of an hour over its mean, with what days have in common."""
        phi = self.variance / np.maximum(self.mean, 1e-9)
        phi *= self.vif
        return phi

    def capped(self, observed: Floats) -> Floats:
        """Calls, of which those far beyond what is usual count no more."""
        reach = np.sqrt(self.variance * self.vif)
        reach *= TUNING.winsor_sd
        reach += self.mean
        return np.minimum(observed, np.maximum(reach, TUNING.winsor_calls), out=reach)


class Scores(NamedTuple):
    """Five upward CUSUMs and the bucket in which each last left zero."""

    up: Floats
    run: NDArray[np.int64]

    def best(self) -> Floats:
        """Highest of the five, rounded as every comparison wants it."""
        return highest(self.up.T)  # by columns: along short rows numpy is slow


def highest(by_size: Floats) -> Floats:
    """Highest score of each node, rounded as every comparison wants it; the rows are sizes."""
    best: Floats = np.maximum.reduce(by_size)
    return best.round(4)


def advance(scores: Scores, observed: Floats, predicted: Prediction, bucket: int, share: float = 1.0) -> Scores:
    """CUSUMs after one more bucket, of which `share` (0..1) has passed.

    S_c = max(0, S_c + llr_c / (1 + (VIF - 1) / 2 x min(1, 2 / c))), the ratio being that of a negative binomial with
    mean mu + c sd to one with mean mu, at the same shape; of the S_c before, what is beyond certainty has faded.
    """
    nodes = may_move(scores.up, observed, predicted.mean * share)
    up, run = scores.up.copy(), scores.run.copy()
    before = up[nodes].T.copy()
    after = risen(before, observed[nodes], predicted.rows(nodes), share)
    up[nodes] = after.T
    mark_starts(run, nodes, before, after, bucket)
    return Scores(up, run)


def may_move(up: NDArray[np.floating[Any]], observed: Floats, mean: Floats) -> NDArray[np.int64]:
    """Nodes with a score, or with more calls than usual; with neither, all scores are zero and stay so."""
    return np.flatnonzero((up @ _EACH.astype(up.dtype) > 0.0) | (observed > np.maximum(mean, LEAST_MEAN)))


def risen(before: Floats, observed: Floats, predicted: Prediction, share: float = 1.0) -> Floats:
    """Upward CUSUMs [sizes, nodes] of some nodes, one bucket later."""
    mean = np.maximum(predicted.mean * share, LEAST_MEAN)
    shape = 1.0 / (predicted.spread + predicted.clump / mean)
    ratio = _log_ratio(observed, mean, RISES * (predicted.sd_average * share) + mean, shape)
    ratio /= PARTS * (TUNING.vif_part * (predicted.vif - 1.0)) + 1.0
    np.minimum(ratio, TUNING.hour_most, out=ratio)
    ratio += _faded(before, share)
    return ratio.clip(0.0, TUNING.cap_nats, out=ratio)


def _faded(scores: Floats, share: float) -> Floats:
    """What lies beyond certainty fades."""
    after = scores.copy()
    certain = np.flatnonzero(scores > TUNING.certain_nats)
    some = scores.take(certain)
    after.put(certain, some - (1.0 - 0.5 ** (share / TUNING.certain_hours)) * (some - TUNING.certain_nats))
    return after


def mark_starts(
    run: NDArray[np.signedinteger[Any]], nodes: NDArray[np.int64], before: Floats, after: Floats, bucket: int
) -> None:
    """Scores that left zero did so in this bucket."""
    left = np.flatnonzero((before <= 0.0) & (after > 0.0))
    size, node = np.divmod(left, len(nodes))
    run[nodes[node], size] = bucket


def fallen(score: Floats, observed: Floats, predicted: Prediction) -> Floats:
    """The CUSUM of a fall to half the mean, one bucket later; zero stays zero where no fewer calls came than usual."""
    mean = np.maximum(predicted.mean, LEAST_MEAN)
    shape = 1.0 / (predicted.spread + predicted.clump / mean)
    tail = np.log((shape + 0.5 * mean) / (shape + mean))
    ratio = (HALF - tail) * observed
    ratio -= shape * tail
    ratio /= predicted.vif
    ratio += score
    return ratio.clip(0.0, TUNING.cap_nats, out=ratio)


def belief(scores: Floats) -> Floats:
    """Weight of hours with scores above 3 nats."""
    weight: Floats = np.exp((scores - 3.0) / -2.0)
    return weight


def _log_ratio(observed: Floats, mean: Floats, other: Floats, shape: Floats) -> Floats:
    """Of negative binomials of one shape: that with mean `other` against that with mean `mean`."""
    tail = shape + other
    tail /= shape + mean
    np.log(tail, out=tail)
    other /= mean
    ratio: Floats = np.log(other, out=other)
    ratio -= tail
    ratio *= observed
    tail *= shape
    ratio -= tail
    return ratio
