"""Quasi-Poisson regressions with log link, many series at once on one design, and the tail of a negative binomial."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc

from services.detector.domain.bank import Floats

TOLERANCE = 1e-8
"""Relative change of the deviance at which a series has converged, as in R's glm."""
MOST_ROUNDS = 25
MOST_ETA = 30.0
LEAST_PROBABILITY = 1e-300


@dataclass(frozen=True)
class Fit:
    """Regressions of S series on n rows and k columns."""

    coefficients: Floats
    """[S, k]."""
    mean: Floats
    """[S, n]."""
    dispersion: Floats
    """[S]: Pearson's chi-square over the degrees of freedom, at least 1."""
    leverage: Floats
    """[S, n]: diagonal of the hat matrix."""


def fit(design: Floats, counts: Floats, weights: Floats | None = None, *, start: Floats | None = None) -> Fit:
    """Iteratively reweighted least squares; every series stops when its own deviance does.

    Args:
        design: [n, k] of full rank, with a column of ones.
        counts: [S, n].
        weights: [S, n] prior weights; ones if None.
        start: [S, n] means to begin with; counts + 0.1 if None.
    """
    prior = np.ones_like(counts) if weights is None else weights
    eta = np.log(counts + 0.1 if start is None else start)
    coefficients = np.zeros((len(counts), design.shape[1]))
    deviance = np.full(len(counts), np.inf)
    active = np.arange(len(counts))
    for _ in range(MOST_ROUNDS):
        mean = np.exp(eta[active])
        working = prior[active] * mean
        target = _each(working * (eta[active] + (counts[active] - mean) / mean), design)
        solved = _solve(_normal(working, design), target)
        coefficients[active] = solved
        eta[active] = np.clip(_each(solved, design.T), -MOST_ETA, MOST_ETA)
        now = _deviance(counts[active], np.exp(eta[active]), prior[active])
        moved = ~(np.abs(now - deviance[active]) / (np.abs(now) + 0.1) < TOLERANCE)
        deviance[active] = now
        active = active[moved]
        if not len(active):
            break
    mean = np.exp(eta)
    working = prior * mean
    leverage = working * (np.matmul(design, _inverse(_normal(working, design))) * design).sum(axis=2)
    freedom = len(design) - design.shape[1]
    dispersion = np.maximum((prior * (counts - mean) ** 2 / mean).sum(axis=1) / freedom, 1.0)
    return Fit(coefficients, mean, dispersion, leverage)


def upper_tail(observed: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """P(Y >= observed) for a negative binomial with this mean and variance dispersion x mean; Poisson at 1.

    >>> upper_tail(np.array([0.0, 1.0, 1.0]), np.ones(3), np.array([1.0, 1.0, 2.0])).round(4).tolist()
    [1.0, 0.6321, 0.5]
    """
    some = np.maximum(observed, 1.0)
    over = np.maximum(dispersion - 1.0, 1e-9)
    wide = betainc(some, mean / over, over / (1.0 + over))
    tail: Floats = np.where(dispersion > 1.0, wide, gammainc(some, mean))
    return np.where(observed > 0.0, np.maximum(tail, LEAST_PROBABILITY), 1.0)


def _each(rows: Floats, matrix: Floats) -> Floats:
    """rows @ matrix, a row at a time: a product of all of them would be shared out to threads, which costs more
    than it saves where the processors have other work."""
    product: Floats = np.matmul(rows[:, None, :], matrix)
    return product[:, 0, :]


def _normal(working: Floats, design: Floats) -> Floats:
    normal: Floats = np.matmul(working[:, None, :] * design.T, design)
    return normal


def _scale(normal: Floats) -> Floats:
    """A column without weight (a level that is all zero) must not look singular beside the others."""
    scale: Floats = 1.0 / np.sqrt(np.maximum(np.diagonal(normal, axis1=1, axis2=2), 1e-300))
    return scale


def _solve(normal: Floats, target: Floats) -> Floats:
    scale = _scale(normal)
    solved = np.linalg.solve(normal * scale[:, :, None] * scale[:, None, :], (target * scale)[:, :, None])
    return np.asarray(solved[:, :, 0] * scale, np.float64)


def _inverse(normal: Floats) -> Floats:
    scale = _scale(normal)
    inverse = np.linalg.inv(normal * scale[:, :, None] * scale[:, None, :])
    return np.asarray(inverse * scale[:, :, None] * scale[:, None, :], np.float64)


def _deviance(counts: Floats, mean: Floats, prior: Floats) -> Floats:
    some: NDArray[np.bool_] = counts > 0.0
    logs = np.where(some, counts * np.log(np.where(some, counts, 1.0) / mean), 0.0)
    deviance: Floats = 2.0 * (prior * (logs - (counts - mean))).sum(axis=1)
    return deviance
