"""How often chance alone brings a trend or a drop, and their part of the budget (surges have the rest).

The tables were read from series without any trend or drop (`tests/benchmarks/bench_slow.py` makes and prints them).
"""

import math
from dataclasses import dataclass

BUDGET_SHARE = 0.1
"""Of the home area's budget, for trends and for drops each."""
RAREST_A_WEEK = 1e-9


@dataclass(frozen=True)
class Table:
    """ln(false alarms a week of one node) falls by `slope` with each unit of the score."""

    at: float
    rate: float
    """False alarms a week at a threshold of `at`."""
    slope: float

    def false_a_week(self, score: float, real: float = 1.0) -> float:
        """Chance alarms a week of one node at this threshold.

        Args:
            score: as the table knows it.
            real: part (0..1] of a budget that a table from simulation may spend here (`rarity.real_share`).
        """
        return max(RAREST_A_WEEK, self.rate * math.exp(-self.slope * (score - self.at)) / real)

    def threshold(self, budget_per_week: float, nodes: int, real: float = 1.0) -> float:
        """Score at which all nodes together use up the kind's share of the budget.

        >>> table = Table(at=3.0, rate=0.001, slope=3.0)
        >>> round(budget_needed(table.false_a_week(table.threshold(2.0, 1000, 0.4), 0.4), 1000), 6)
        2.0
        """
        return self.at + math.log(self.rate * max(nodes, 1) / (BUDGET_SHARE * budget_per_week * real)) / self.slope


def budget_needed(false_a_week: float, nodes: int) -> float:
    """Budget at which a trend or a drop of this rarity is raised: the inverse of `Table.threshold`.

    Args:
        false_a_week: chance alarms a week of one node.
        nodes: that are watched.
    """
    return false_a_week * max(nodes, 1) / BUDGET_SHARE
