"""From a score to how often chance alone brings it.

Above `FROM_NATS` the highest score of an episode on a series without a surge is exponentially distributed: chance
alarms per series-week = exp(a - slope x (score - FROM_NATS)). Busy series bring more of them: a grows by
`per_log_rate` with ln(calls an hour). That part is taken off the score (`handicap`), so that one score means one rarity
on every node, and so is what an hour owes that is not over (`told_so_far`). The three numbers and where they come from
are in `rarity_table.json`; `groundswell backtest --table` makes it.
"""

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FROM_NATS = 7.0
LEAST_RATE, MOST_RATE = 0.005, 10.0
"""Calls an hour between which the handicap follows the rate of a node."""
EARLY_NATS = 2.0
"""What an hour owes that has only begun: looked at again and again, it crosses a threshold by chance more often."""
SURGE_SHARE = 0.8
"""Of the budget; trends and drops have a tenth each."""
WEEK_DAYS = 7.0
RARE_DAYS = 1e6
"""Longest interval that is told: beyond it the table says nothing."""


@dataclass(frozen=True)
class Table:
    """Scores of the open bucket to false alarms."""

    log_alarms: float
    """ln(false alarms per series-week) at FROM_NATS, on a series of LEAST_RATE."""
    per_log_rate: float
    """How much that grows with ln(calls an hour)."""
    slope: float
    """How much it falls per nat."""

    @classmethod
    def of(cls, raw: dict[str, Any]) -> "Table":
        """From the file's own words."""
        return cls(float(raw["log_alarms"]), float(raw["per_log_rate"]), float(raw["slope"]))


TABLE = Table.of(json.loads(files(__package__).joinpath("rarity_table.json").read_text(encoding="utf-8")))


def handicap(rates: Floats) -> Floats:
    """Nats that a score on nodes with these rates (calls an hour) is worth less than one on the rarest."""
    nats: Floats = TABLE.per_log_rate / TABLE.slope * np.log(np.clip(rates, LEAST_RATE, MOST_RATE) / LEAST_RATE)
    return nats


def told_so_far(before: Floats, now: Floats, share: float) -> Floats:
    """Nats of an hour that is not over, on any shape: what the hours before it said counts in full while it holds.

    Args:
        before: scores when the hour began.
        now: scores with what has come of it.
        share: part (0..1) of it that has passed.

    >>> told_so_far(np.array([9.0, 9.0, 1.0]), np.array([8.5, 12.0, 6.0]), 0.75)
    array([ 8.5, 11. ,  5. ])
    """
    sure: Floats = np.maximum(np.minimum(now, before), now - EARLY_NATS * math.sqrt(1.0 - share))
    return sure


def false_alarms_a_week(score: float) -> float:
    """Chance alarms a week of one node at a threshold of `score` nats, handicap taken off."""
    return math.exp(TABLE.log_alarms - TABLE.slope * (score - FROM_NATS))


def real_share(nats: float) -> float:
    """Part of a budget that a table from simulation may spend where the home area's own past takes off `nats`.

    >>> real_share(0.0), real_share(-1.0)
    (1.0, 1.0)
    """
    return math.exp(-TABLE.slope * max(0.0, nats))


def recurrence_days(score: float) -> float:
    """Mean days between chance alarms of one node.

    >>> recurrence_days(20.0) > recurrence_days(10.0) > 300
    True
    """
    return min(RARE_DAYS, WEEK_DAYS / false_alarms_a_week(score))


def home_recurrence_days(score: float, nodes: int) -> float:
    """Mean days between chance alarms of all `nodes` nodes together.

    >>> home_recurrence_days(30.0, 2_000) > 3650 > home_recurrence_days(12.0, 2_000)
    True
    """
    return min(RARE_DAYS, WEEK_DAYS / (false_alarms_a_week(score) * max(nodes, 1)))


def budget_needed(score: float, nodes: int) -> float:
    """Budget at which `nodes` nodes would raise this score: their chance alarms a week over the surges' share."""
    return false_alarms_a_week(score) * max(nodes, 1) / SURGE_SHARE


def threshold(budget_per_week: float, nodes: int) -> float:
    """Score at which `nodes` nodes use up the surges' share of a budget of chance alarms a week.

    >>> round(budget_needed(threshold(3.0, 500), 500), 6)
    3.0
    """
    return FROM_NATS + (TABLE.log_alarms + math.log(max(nodes, 1) / (SURGE_SHARE * budget_per_week))) / TABLE.slope


def severity(home_recurrence_days: float, excess: float) -> str:
    """Word for a recurrence in the whole home area; many calls above normal are needed for the highest two."""
    if home_recurrence_days >= 3650.0 and excess >= 25:
        return "extreme"
    if home_recurrence_days >= 365.0 and excess >= 10:
        return "severe"
    return "moderate" if home_recurrence_days >= 30.0 else "minor"
