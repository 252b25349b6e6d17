"""The order in which open alerts are read: the most serious first (page.md; `web/src/format/order.ts` is its twin).

Severity, then rarity, then how many areas rise, then how strong the rise is; each in steps, because a small change of
an estimate is no reason to move a card. Only what is equal in all of them is ordered by time, the newest first.
"""

from collections.abc import Sequence
from math import floor, log2, sqrt

import msgspec

SEVERITIES = ("extreme", "severe", "moderate", "minor")
NATS_A_STEP = 4.0
DISPERSION = 0.06
"""Of a series of which nothing else is known: as the map takes it."""


class _Part(msgspec.Struct):
    area: str
    observed: float = 0.0
    expected: float = 0.0


class Facts(msgspec.Struct):
    """What of an alert's JSON decides; whatever an older detector does not say counts as little."""

    severity: str = "minor"
    started_at: str = ""
    recurrence_days: float = 0.0
    recurrence_days_home_area: float | None = None
    score: float = 0.0
    observed: float = 0.0
    expected: float = 0.0
    drivers: Sequence[_Part] = ()


Rank = tuple[int, int, int, int, int]
"""Smaller comes first."""


def rank(facts: Facts) -> Rank:
    """Where an alert belongs, time left out."""
    days = facts.recurrence_days if facts.recurrence_days_home_area is None else facts.recurrence_days_home_area
    severity = SEVERITIES.index(facts.severity) if facts.severity in SEVERITIES else len(SEVERITIES)
    return (
        severity,
        -_step(log2(max(0.01, days))),
        -_step(log2(max(1, _areas(facts)))),
        -_step(facts.score / NATS_A_STEP),
        -_step(2 * log2(max(0.1, _deviations(facts)))),
    )


def rank_of(body: object) -> Rank:
    """Of an alert's JSON object."""
    return rank(msgspec.convert(body, type=Facts, strict=False))


def _areas(facts: Facts) -> int:
    """Areas that are away from their usual in the same direction as the whole."""
    rises = facts.observed >= facts.expected
    return len({one.area for one in facts.drivers if (one.observed > one.expected) is rises})


def _deviations(facts: Facts) -> float:
    """Calls away from usual, in standard deviations."""
    variance = facts.expected + 1.0 + DISPERSION * facts.expected**2
    return abs(facts.observed - facts.expected) / sqrt(variance)


def _step(value: float) -> int:
    return floor(value + 0.5)
