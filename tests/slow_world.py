"""A made-up home area for slow changes: hourly counts of need x area whose level wanders, rises or falls.

The counts go through the model (`Scoring.learn`) hour by hour, as sealed hours do in the fold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.codes import CONTACTS
from services.detector.domain.calendar import WEEK_HOURS, Calendar
from services.detector.domain.ledger import Ledger
from services.detector.domain.nodes import Nodes
from services.detector.domain.past_hours import PastHour
from services.detector.domain.scoring import Scoring
from services.detector.domain.tree import Tree

Floats = NDArray[np.float64]
FIRST = 489_000 - 489_000 % WEEK_HOURS + 96
"""First bucket: a Monday, 00:00 UTC."""


@dataclass(frozen=True)
class Shape:
    """What is simulated."""

    seed: int
    weeks: int
    needs: int = 10
    areas: int = 8
    median: float = 0.1
    """Calls an hour of a leaf at the median."""
    growth: float = 0.0
    """Rise a week of every leaf from its own start on (0.22 is 22 %), for eight weeks."""
    fall: float = 1.0
    """What is left of every leaf's calls from its own start on."""
    every: int = 1
    """Only every so many-th leaf changes."""
    start_weeks: tuple[int, int] = (20, 24)
    """The starts lie between these weeks."""


@dataclass
class SlowWorld:
    """The counts, and what they were drawn from."""

    shape: Shape
    scoring: Scoring
    leaves: NDArray[np.int64]
    """Node of each leaf."""
    changing: NDArray[np.bool_]
    """Leaves that change."""
    starts: NDArray[np.int64]
    """Day on which each leaf's change begins."""
    rates: Floats
    """Calls in an average hour of each leaf, before its change."""
    _contacts: list[int]
    """Leaf of all contacts of each leaf's area."""
    _draw: Callable[[int], Floats]

    def hours(self) -> Iterator[tuple[int, PastHour]]:
        """Every hour as the model sealed it, with its number from 0."""
        scoring, size = self.scoring, len(self.scoring.nodes)
        for hour in range(self.shape.weeks * WEEK_HOURS):
            counts = np.zeros(size)
            for leaf, calls in enumerate(self._draw(hour)):
                if calls:
                    counts[scoring.nodes.above(leaf)] += calls
                    counts[scoring.nodes.above(self._contacts[leaf])] += calls
            yield hour, scoring.learn(FIRST + hour, counts, counts[:, None])


def slow_world(shape: Shape) -> SlowWorld:
    """A world that has seen nothing yet."""
    rng = np.random.default_rng(shape.seed)
    needs, areas = [f"N{i}" for i in range(shape.needs)], [f"a{i}" for i in range(shape.areas)]
    nodes = Nodes(
        Tree([*((need, "") for need in needs), (CONTACTS, "")]), Tree([("a", ""), *((one, "a") for one in areas)])
    )
    pairs = [(need, area) for need in needs for area in areas]
    for need, area in pairs:
        nodes.leaf(need, area)
    contacts = [nodes.leaf(CONTACTS, area) for _, area in pairs]
    scoring = Scoring(nodes, Calendar("UTC", {}), Ledger(FIRST), open_bucket=FIRST)
    scoring.exposure.add_feed("crm")
    scoring.grow()
    scoring.contacts = nodes.find(CONTACTS, "a")
    leaf_nodes = np.array([nodes.find(*pair) for pair in pairs], np.int64)
    need_of = np.repeat(np.arange(shape.needs), shape.areas)
    days, size = shape.weeks * 7, len(pairs)
    rates = np.clip(shape.median * np.exp(rng.normal(0.0, 1.2, size)), 0.005, 60.0)
    profiles = np.stack([_profile(rng) for _ in needs])[need_of]
    starts = rng.integers(7 * shape.start_weeks[0], 7 * shape.start_weeks[1], size)
    since = np.arange(days)[None, :] - starts[:, None]
    changes = (np.arange(size) % shape.every == 0)[:, None]
    since = np.where(changes, since, -1)
    change = (1.0 + shape.growth) ** (np.clip(since, 0, 56) / 7.0) * np.where(since >= 0, shape.fall, 1.0)
    daily = _wandering(rng, need_of, shape.areas, days) * change
    kappa = 0.06 * np.exp(rng.normal(0.0, 0.7, size))

    def draw(hour: int) -> Floats:
        mean = rates * profiles[:, hour % WEEK_HOURS] * daily[:, hour // 24]
        return rng.poisson(mean * rng.gamma(1.0 / kappa, kappa)).astype(np.float64)

    return SlowWorld(shape, scoring, leaf_nodes, changes[:, 0], starts, rates, contacts, draw)


def _profile(rng: np.random.Generator) -> Floats:
    """Office hours with an evening tail, quieter at weekends; the mean over the week is 1."""
    hour, peak, weekend = np.arange(24), rng.uniform(11.0, 15.0), rng.uniform(0.3, 1.0)
    day = 0.2 + np.exp(-(((hour - peak) / 5.0) ** 2))
    week = np.concatenate([day * (1.0 if weekday < 5 else weekend) for weekday in range(7)])
    return np.asarray(week / week.mean(), np.float64)


def _wandering(rng: np.random.Generator, need_of: NDArray[np.int64], areas: int, days: int) -> Floats:
    """Factor of each leaf and day: the year, a trend of years, slow drifts, regional days."""
    size, needs, day = len(need_of), int(need_of.max()) + 1, np.arange(days)
    year = rng.uniform(0.0, 0.35, needs)[:, None] * np.sin(2 * np.pi * day / 365 + rng.uniform(0, 6.3, needs)[:, None])
    slow = rng.normal(0.0, 0.3, size)[:, None] * (day / 364)
    drift = _paths(rng, size, days, 0.10, 20.0) + _paths(rng, needs, days, 0.08, 10.0)[need_of]
    regional = np.tile(rng.normal(0.0, 0.05, (areas, days)), (needs, 1))
    return np.asarray(np.exp(year[need_of] + slow + drift + regional), np.float64)


def _paths(rng: np.random.Generator, rows: int, days: int, sd: float, memory_days: float) -> Floats:
    keep = np.exp(-1.0 / memory_days)
    paths = np.zeros((rows, days))
    paths[:, 0] = rng.normal(0.0, sd, rows)
    for day in range(1, days):
        paths[:, day] = keep * paths[:, day - 1] + rng.normal(0.0, sd * np.sqrt(1 - keep**2), rows)
    return paths
