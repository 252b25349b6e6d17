"""From a score to how often chance alone brings it.

One table for scores of the open bucket: ln(false alarms per series-week) falls by SLOPE per nat; the constants were
read from surge-free series of the simulator (`surgebench report`, false alarms at 8, 10 and 12 nats).
"""

import math

AT_8_NATS = 0.023
"""False alarms per series and week at 8 nats."""
SLOPE = 0.86
WEEK_DAYS = 7.0
RARE_DAYS = 1e6
"""Longest interval that is told: beyond it the table says nothing."""


def false_alarms_a_week(score: float) -> float:
    """Chance alarms a week of one node at a threshold of `score` nats."""
    return AT_8_NATS * math.exp(-SLOPE * (score - 8.0))


def recurrence_days(score: float) -> float:
    """Mean days between chance alarms of one node.

    >>> recurrence_days(20.0) > recurrence_days(10.0) > 300
    True
    """
    return min(RARE_DAYS, WEEK_DAYS / false_alarms_a_week(score))


def budget_needed(score: float, nodes: int) -> float:
    """Chance alarms a week of all `nodes` nodes at this threshold."""
    return false_alarms_a_week(score) * max(nodes, 1)


def threshold(budget_per_week: float, nodes: int) -> float:
    """Score at which `nodes` nodes bring `budget_per_week` chance alarms a week.

    >>> round(budget_needed(threshold(3.0, 500), 500), 6)
    3.0
    """
    return 8.0 + math.log(AT_8_NATS * max(nodes, 1) / budget_per_week) / SLOPE


def severity(home_recurrence_days: float, excess: float) -> str:
    """Word for a recurrence in the whole home area; many calls above normal are needed for the highest two."""
    if home_recurrence_days >= 3650.0 and excess >= 25:
        return "extreme"
    if home_recurrence_days >= 365.0 and excess >= 10:
        return "severe"
    return "moderate" if home_recurrence_days >= 30.0 else "minor"
