"""Two tellings of the same days held against each other: alerts gained, lost and moved. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from schemas.alert import Alert

NEAR = timedelta(hours=12)
"""Raised this far apart, at nodes of which one lies in the other, two alerts speak of the same rise."""

Path = Callable[[str], tuple[str, ...]]
"""A code and those above it."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The same rise, told otherwise."""

    before: Alert
    after: Alert

    @property
    def minutes(self) -> int:
        """How much later it is told now; negative: earlier."""
        return round((self.after.raised_at - self.before.raised_at).total_seconds() / 60)


@dataclass(frozen=True, slots=True)
class Differences:
    """What another budget or version would have told; `same` are told alike."""

    same: int
    gained: tuple[Alert, ...]
    lost: tuple[Alert, ...]
    moved: tuple[Moved, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "same": self.same,
            "gained": [shown(one) for one in self.gained],
            "lost": [shown(one) for one in self.lost],
            "moved": [
                {"before": shown(one.before), "after": shown(one.after), "later_minutes": one.minutes}
                for one in self.moved
            ],
        }


def shown(alert: Alert) -> dict[str, Any]:
    """One alert in a line."""
    return {
        "id": alert.id,
        "kind": alert.kind,
        "home_area": alert.home_area,
        "need": alert.need,
        "area": alert.area,
        "raised_at": alert.raised_at.isoformat().replace("+00:00", "Z"),
        "severity": alert.severity,
        "budget_needed": alert.budget_needed,
        "headline": alert.headline.en,
    }


def compare(before: Iterable[Alert], after: Iterable[Alert], needs: Path, areas: Path) -> Differences:
    """Hold two tellings against each other.

    Args:
        before, after: the newest version of each alert, in any order.
        needs, areas: path of a code, itself first.
    """
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    gone = _in_time(one for one in old.values() if one.id not in new)
    come = _in_time(one for one in new.values() if one.id not in old)
    both = [(old[name], new[name]) for name in old.keys() & new.keys()]
    moved = [Moved(one, other) for one, other in both if one.severity != other.severity]
    lost = []
    for one in gone:
        match = min((other for other in come if _same_rise(one, other, needs, areas)), key=_apart(one), default=None)
        if match is None:
            lost.append(one)
        else:
            come.remove(match)
            moved.append(Moved(one, match))
    moved.sort(key=lambda one: (one.after.raised_at, one.after.id))
    return Differences(
        len(both) - sum(one.before.id == one.after.id for one in moved), tuple(come), tuple(lost), tuple(moved)
    )


def _in_time(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda one: (one.raised_at, one.id))


def _apart(one: Alert) -> Callable[[Alert], tuple[timedelta, str]]:
    return lambda other: (abs(other.raised_at - one.raised_at), other.id)


def _same_rise(one: Alert, other: Alert, needs: Path, areas: Path) -> bool:
    return (
        (one.kind, one.home_area, one.source) == (other.kind, other.home_area, other.source)
        and abs(one.raised_at - other.raised_at) <= NEAR
        and _related(one.need or "", other.need or "", needs)
        and _related(one.area, other.area, areas)
    )


def _related(one: str, other: str, path: Path) -> bool:
    return one in path(other) or other in path(one)
