"""Slow trends and drops: false alarms by threshold on series without any, and how many real ones are found and when.

Run by `make bench` (about six minutes). `trends.CHANCE` and `drops.CHANCE` were read from the first block that this
prints; of the second only every third leaf changes, the others wander as in the first.
"""

import numpy as np
from numpy.typing import NDArray

from services.detector.domain import drops, trends
from services.detector.domain.drops import Drops
from services.detector.domain.trends import Trends
from tests.slow_world import Shape, SlowWorld, slow_world

WEEKS = 36
WARM_DAYS = 49
EPISODE_DAYS = 14
QUIET = {"base": Shape(1, WEEKS, 20, 12), "base again": Shape(2, WEEKS, 20, 12), "dense": Shape(3, WEEKS, 20, 12, 2.0)}
RISES = {f"{growth:.0%} a week, {name}": Shape(11, WEEKS, 20, 12, median, growth, every=3)
         for name, median in (("base", 0.1), ("dense", 2.0)) for growth in (0.10, 0.22)}  # fmt: skip
FALLS = {f"to {left:.0%}, {name}": Shape(12, 26, 20, 12, median, fall=left, every=3)
         for name, median in (("base", 0.1), ("dense", 2.0)) for left in (0.5, 0.0)}  # fmt: skip

Scores = NDArray[np.float64]


def run(world: SlowWorld) -> tuple[Scores, Scores]:
    """Scores of trends [day, node] and arms of drops [day, node] of a world."""
    rising, falling = Trends("a"), Drops("a")
    no_surges = np.zeros(len(world.scoring.nodes), bool)
    trend_rows, drop_rows = [], []
    arm = np.zeros(len(world.scoring.nodes))
    for number, hour in world.hours():
        rising.sealed(world.scoring, hour)
        falling.sealed(world.scoring, hour)
        arm = np.maximum(arm, falling.rows["arm"] * falling.clear(hour.bucket + 1))
        if number % 24 == 23:
            rising.end_day(world.scoring, hour.bucket, no_surges)
            trend_rows.append(rising.scores() * rising.clear())
            drop_rows.append(arm)
            arm = np.zeros(len(arm))
    return np.array(trend_rows), np.array(drop_rows)


def false_alarms(scores: Scores, threshold: float) -> float:
    """Episodes per node and week: a day above the threshold with none in the two weeks before."""
    hot, last, episodes = scores[WARM_DAYS:] >= threshold, np.full(scores.shape[1], -(10**6)), 0
    for day, row in enumerate(hot):
        episodes += int(np.sum(row & (day - last > EPISODE_DAYS)))
        last = np.where(row, day, last)
    return episodes / (scores.shape[1] * len(hot) / 7.0)


def found(world: SlowWorld, scores: Scores, threshold: float, days: int) -> tuple[float, float]:
    """Share of the leaves' changes that are found within `days`, and the median delay of those in days."""
    delays = []
    for leaf, start in zip(world.leaves[world.changing], world.starts[world.changing], strict=True):
        above = scores[start : start + days, leaf] >= threshold
        delays.append(float(np.argmax(above)) if above.any() else np.inf)
    seen = np.array(delays)
    return float(np.isfinite(seen).mean()), float(np.median(seen[np.isfinite(seen)])) if np.isfinite(
        seen
    ).any() else np.nan


def main() -> None:
    """Print the tables."""
    for name, shape in QUIET.items():
        rising, falling = run(slow_world(shape))
        print(f"{name}: false alarms a node and week")
        for kind, scores, levels in (
            ("trend", rising, np.arange(2.0, 5.1, 0.5)),
            ("drop", falling, np.arange(4.0, 21.0, 2.0)),
        ):
            print(f"  {kind:6}", *(f"{level:g}: {false_alarms(scores, level):.5f}" for level in levels))
    for kind, shapes, table, days in (("trend", RISES, trends.CHANCE, 56), ("drop", FALLS, drops.CHANCE, 21)):
        print(f"{kind}: found, and median delay in days, at budget 3 a week by number of nodes")
        for name, shape in shapes.items():
            world = slow_world(shape)
            scores = run(world)[0 if kind == "trend" else 1]
            rows = ((nodes, *found(world, scores, table.threshold(3.0, nodes), days)) for nodes in (300, 1000, 3000))
            print(f"  {name:22}", *(f"{nodes}: {share:.2f}, {delay:.0f} d" for nodes, share, delay in rows), sep="  ")


if __name__ == "__main__":
    main()
