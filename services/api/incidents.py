"""Alerts that belong together (design.md, "Incident"), found when somebody reads."""

from collections.abc import Sequence
from dataclasses import dataclass

HOURS_24_MS = 86_400_000
SEVERITIES = ("minor", "moderate", "severe", "extreme")
STATUSES = ("ended", "easing", "rising")


@dataclass(frozen=True, slots=True)
class Sight:
    """What of an alert decides where it belongs."""

    id: str
    home_area: str
    need: str | None
    group: str | None
    """The need at level 2."""
    status: str
    severity: str
    raised_at: int
    updated_at: int
    started_at: str = ""
    """As told: RFC 3339, UTC."""
    events: tuple[str, ...] = ()
    """Declared events that it joins."""
    acknowledged: bool = False
    silenced: bool = False
    rank: tuple[int, ...] = ()
    """Smaller is read first (`ranking`)."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """One incident; `members` earliest first."""

    members: tuple[Sight, ...]

    @property
    def id(self) -> str:
        """The earliest alert's."""
        return self.members[0].id

    @property
    def first(self) -> str:
        """The one whose rise began first."""
        return min(self.members, key=lambda one: (one.started_at, one.raised_at, one.id)).id

    @property
    def best(self) -> tuple[tuple[int, ...], int, str]:
        """Where it is read: as its best-ranked open alert, else as its best-ranked; the newer first."""
        among = [one for one in self.members if one.status != "ended"] or self.members
        return min((one.rank, -one.raised_at, one.id) for one in among)

    @property
    def raised_at(self) -> int:
        """The earliest, ms."""
        return self.members[0].raised_at

    @property
    def updated_at(self) -> int:
        """The latest, ms."""
        return max(one.updated_at for one in self.members)

    @property
    def status(self) -> str:
        """The liveliest."""
        return max((one.status for one in self.members), key=STATUSES.index)

    @property
    def severity(self) -> str:
        """The highest."""
        return max((one.severity for one in self.members), key=SEVERITIES.index)


def gather(sights: Sequence[Sight]) -> tuple[Gathering, ...]:
    """Union of alerts of the same home area, or of the same need at level 2, raised within 24 h; newest first.

    Within one home area or group it is enough to join neighbours in time. A declared event joins all that it covers.
    """
    ordered = sorted(sights, key=lambda one: (one.raised_at, one.id))
    leader = list(range(len(ordered)))
    last: dict[tuple[str, str], int] = {}
    for index, one in enumerate(ordered):
        for key in (("home", one.home_area), ("group", one.group)):
            if key[1] is None:
                continue
            before = last.get((key[0], key[1]))
            if before is not None and one.raised_at - ordered[before].raised_at <= HOURS_24_MS:
                _join(leader, before, index)
            last[key[0], key[1]] = index
        for event in one.events:
            _join(leader, last.setdefault(("event", event), index), index)
    members: dict[int, list[Sight]] = {}
    for index, one in enumerate(ordered):
        members.setdefault(_find(leader, index), []).append(one)
    found = [Gathering(tuple(group)) for group in members.values()]
    return tuple(sorted(found, key=lambda one: (one.raised_at, one.id), reverse=True))


def _find(leader: list[int], index: int) -> int:
    while leader[index] != index:
        leader[index] = leader[leader[index]]
        index = leader[index]
    return index


def _join(leader: list[int], one: int, other: int) -> None:
    first, second = _find(leader, one), _find(leader, other)
    leader[max(first, second)] = min(first, second)
