"""Alerts in the order in which they are read: the page and the API must both say it so."""

from typing import Any


def _parts(areas: int) -> tuple[dict[str, Any], ...]:
    return tuple({"need": "BH", "area": f"A{n}", "observed": 9, "expected": 2.0} for n in range(areas))


def _fields(**changes: Any) -> dict[str, Any]:
    """As the demo's heat wave: severe, and rarer than can be told."""
    fields = {"severity": "severe", "recurrence_days": 36500.0, "recurrence_days_home_area": 36500.0, "score": 40.0}
    return fields | {"drivers": _parts(2)} | changes


ORDERED: dict[str, dict[str, Any]] = {
    "extreme": _fields(severity="extreme", recurrence_days_home_area=90.0, minutes_ago=80, score=9.0),
    "heat": _fields(observed=100, expected=10.0, ratio=10.0, minutes_ago=60),
    "rent": _fields(observed=69, expected=30.0, ratio=2.3, minutes_ago=1),
    "bills": _fields(observed=69, expected=30.0, ratio=2.3, minutes_ago=20),
    "weaker": _fields(observed=69, expected=30.0, ratio=2.3, score=20.0, minutes_ago=2),
    "narrow": _fields(observed=300, expected=10.0, ratio=30.0, drivers=_parts(1), minutes_ago=3),
    "likelier": _fields(observed=300, expected=10.0, ratio=30.0, recurrence_days_home_area=200.0, minutes_ago=4),
    "minor": _fields(severity="minor", observed=300, expected=10.0, ratio=30.0, minutes_ago=5),
}
"""Name: what of the alert differs; first is read first."""
