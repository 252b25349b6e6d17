"""The scan: rises of patches of neighbouring areas, need by need, over the last 1, 3, 8, 24 and 72 closed hours.

A patch has no model of its own. Its expectation is the sum of its areas', times what the whole home area expects over
the sum of all its areas; its variance is theirs, and the part by which the home area's exceeds the sum of its areas'
(what they share: a campaign, the weather), in proportion. So a patch alarms by chance as often as a node at the same
score. The score is an expectation-based log-likelihood ratio tempered by overdispersion, to which one hour adds no more
than it does to a node's: a street of reports typed in at once is one cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.bank import Floats
from services.detector.domain.choice import Hot, of_several_hours
from services.detector.domain.nodes import Nodes
from services.detector.domain.past_hours import KEPT_HOURS, Totals
from services.detector.domain.patches import Patches
from services.detector.domain.scoring import Scoring

WINDOWS = (1, 3, 8, 24, 72)


@dataclass(frozen=True)
class Sums:
    """Observed, expected and variance of every node over some hours."""

    observed: Floats
    expected: Floats
    variance: Floats

    def rows(self, nodes: NDArray[np.int64]) -> "Sums":
        """The same for some nodes; -1 is a node that has not occurred, and has nothing."""
        there = nodes >= 0
        return Sums(*(np.where(there, column[nodes], 0.0) for column in (self.observed, self.expected, self.variance)))


Windows = dict[int, tuple[Sums, Sums]]
"""By hours: sums of all of them, and of those since the node's last alert ended."""


def scan(scoring: Scoring, patches: Patches, needs: list[str], home_area: str, reach: float) -> list[Hot]:
    """The best patch of each need whose score is at least `reach`, at the end of the last closed hour."""
    if not len(patches):
        return []
    promising = _promising(scoring.nodes, patches, window_sums(scoring), reach)
    found = (_best(scoring, patches, need, home_area, promising[need], reach) for need in needs if need in promising)
    return [hot for hot in found if hot is not None]


def window_sums(scoring: Scoring) -> Windows:
    """Sums over the last closed hours by window: of all hours, and of those since the node's last alert ended."""
    size = len(scoring.nodes)
    total, fresh = np.zeros((3, size)), np.zeros((3, size))
    found: Windows = {}
    for age, (bucket, *columns) in enumerate(closed_hours(scoring, min(max(WINDOWS), KEPT_HOURS)), start=1):
        hour = np.stack(columns)
        known = hour.shape[1]
        total[:, :known] += hour
        fresh[:, :known] += np.where(scoring.fresh_from[:known] <= bucket, hour, 0.0)
        if age in WINDOWS:
            found[age] = Sums(*total.copy()), Sums(*fresh.copy())
    return found


def _promising(nodes: Nodes, patches: Patches, windows: Windows, reach: float) -> dict[str, Windows]:
    """By need the windows in which some patch may reach a score: where the rises of all its areas together do."""
    rows = np.concatenate([nodes.in_area(area) for area in patches.areas])
    found: dict[str, Windows] = {}
    for window, (whole, fresh) in windows.items():
        parts = fresh.rows(rows)
        each = ratio(parts.observed, parts.expected, parts.variance)
        together = np.bincount(nodes.need_of[rows], weights=each, minlength=len(nodes.need_names))
        for need in np.flatnonzero(together >= reach):
            found.setdefault(nodes.need_names[need], {})[window] = whole, fresh
    return found


def closed_hours(scoring: Scoring, count: int) -> Iterator[tuple[int, Floats, Floats, Floats]]:
    """The last closed hours, newest first: bucket, observed, expected and variance of every node."""
    oldest = scoring.open_bucket - count
    for bucket in range(scoring.open_bucket - 1, max(scoring.ledger.sealed_until, oldest) - 1, -1):
        predicted = scoring.predict(bucket)
        counts = scoring.ledger.counts(bucket, len(scoring.nodes))
        yield bucket, counts, predicted.mean, predicted.variance * predicted.vif
    for hour in reversed(scoring.past):
        if hour.bucket >= oldest:
            yield hour.bucket, _wide(hour.observed), _wide(hour.expected), _wide(hour.variance)


def ratio(observed: Floats, expected: Floats, variance: Floats) -> Floats:
    """Expectation-based Poisson log-likelihood ratio over the variance in units of the mean; 0 without a rise."""
    expected = np.maximum(expected, 1e-3)
    raw = observed * np.log(np.maximum(observed, 1e-9) / expected) - (observed - expected)
    return np.where(observed > expected, raw / np.maximum(1.0, variance / expected), 0.0)


def _best(scoring: Scoring, patches: Patches, need: str, home_area: str, windows: Windows, reach: float) -> Hot | None:
    nodes = np.array([_number(scoring.nodes.find(need, area)) for area in patches.areas], np.int64)
    home = scoring.nodes.find(need, home_area)
    if home is None or (nodes >= 0).sum() < 2:
        return None
    best: tuple[float, int, int, Floats] | None = None
    for window, (whole, fresh) in windows.items():
        parts = fresh.rows(nodes)
        if (patches.members @ ratio(parts.observed, parts.expected, parts.variance)).max() < reach:
            continue
        scale, shared = _of_home(whole.rows(nodes), whole.rows(np.array([home])))
        expected = patches.members @ parts.expected
        within = np.maximum(expected**2 - patches.members @ parts.expected**2, 0.0)
        variance = scale * (patches.members @ parts.variance) + shared * within
        observed, expected = patches.members @ parts.observed, scale * expected
        score = np.round(ratio(observed, expected, variance), 4)
        top = int(score.argmax())
        if score[top] >= reach and (best is None or score[top] > best[0]):
            best = float(score[top]), top, window, np.array([observed[top], expected[top], variance[top]])
    found = None if best is None else _hot(scoring, patches, need, nodes, best)
    return None if found is None or found.score < reach else found


def _of_home(parts: Sums, home: Sums) -> tuple[float, float]:
    """What the home area expects over the sum of its areas, and the variance that they share, by expected squared."""
    whole = float(parts.expected.sum())
    scale = float(home.expected[0]) / max(whole, 1e-9)
    pairs = whole**2 - float((parts.expected**2).sum())
    return scale, max(0.0, float(home.variance[0]) - scale * float(parts.variance.sum())) / max(pairs, 1e-9)


def _hot(
    scoring: Scoring, patches: Patches, need: str, nodes: NDArray[np.int64], best: tuple[float, int, int, Floats]
) -> Hot | None:
    score, patch, window, (observed, expected, variance) = best
    node = scoring.nodes.find(need, patches.covers[patch])
    if node is None:
        return None
    inside = nodes[patches.members[patch] > 0]
    parts = tuple(sorted(int(one) for one in inside if one >= 0))
    since = scoring.open_bucket - window
    score = min(score, of_several_hours(scoring, Totals(observed, expected, variance), parts, since, 0.0))
    z = float((observed - expected) / np.sqrt(max(variance, 1e-6)))
    return Hot(node, score, score, z, float(observed - expected), since, parts)


def _number(node: int | None) -> int:
    return -1 if node is None else node


def _wide(stored: NDArray[np.float32]) -> Floats:
    return stored.astype(np.float64)
