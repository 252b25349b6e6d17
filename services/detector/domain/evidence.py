"""What calls show besides their number: records that came twice, calls that came late, the line a need is told on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.nodes import Nodes

LATE_MS = HOUR_MS
"""A call that is logged this long after it began came late."""
REMEMBERED_HOURS = 73


@dataclass
class Arrivals:
    """How one source's calls have come since the beginning."""

    calls: int = 0
    late: int = 0
    repeats: int = 0

    def late_beside(self, calls: int, late: int) -> float:
        """Share of its calls that came late, leaving some out; 0 where nothing else is known."""
        return max(0, self.late - late) / max(self.calls - calls, 1)

    def repeated_beside(self, calls: int, repeats: int) -> float:
        """Share of its records that were repeats, leaving some out."""
        others = max(0, self.repeats - repeats)
        return others / max(self.calls - calls + others, 1)


@dataclass
class Evidence:
    """For one home area; exact under restart, forgotten after three days except for what is usual."""

    repeats: dict[int, dict[int, int]] = field(default_factory=dict)
    """Refused repeats by bucket of the call, then by leaf."""
    late: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    """By bucket of the calls, then by leaf: [calls, when the last one was logged]."""
    sources: dict[str, Arrivals] = field(default_factory=dict)
    usual_lines: dict[str, Counter[str]] = field(default_factory=dict)
    """Calls by need as given, then by line."""
    _under: dict[int, tuple[int, set[int]]] = field(default_factory=dict, repr=False)

    def counted(self, source: str, leaves: Iterable[int], bucket: int, *, delay_ms: int, at: int, calls: int) -> None:
        """A call was counted in some leaves (`~leaf` where it was taken off)."""
        known = self.sources.setdefault(source, Arrivals())
        known.calls += calls
        if delay_ms < LATE_MS:
            return
        known.late += calls
        hour = self.late.setdefault(bucket, {})
        for place in leaves:
            leaf, change = (place, calls) if place >= 0 else (~place, -calls)
            seen = hour.setdefault(leaf, [0, 0])
            seen[0], seen[1] = seen[0] + change, max(seen[1], at)

    def repeated(self, source: str, leaves: Iterable[int], bucket: int, calls: int) -> None:
        """A call that was counted in some leaves came again and was refused."""
        self.sources.setdefault(source, Arrivals()).repeats += calls
        hour = self.repeats.setdefault(bucket, {})
        for place in leaves:
            leaf, change = (place, calls) if place >= 0 else (~place, -calls)
            hour[leaf] = hour.get(leaf, 0) + change

    def tells_of(self, need: str, line: str, calls: int) -> None:
        """A line told of a need."""
        self.usual_lines.setdefault(need, Counter())[line] += calls

    def forget(self, open_bucket: int) -> None:
        """Drop what is older than three days."""
        oldest = open_bucket - REMEMBERED_HOURS
        for memory in (self.repeats, self.late):
            for bucket in [bucket for bucket in memory if bucket < oldest]:
                del memory[bucket]

    def repeats_of(self, node: int, since: int, nodes: Nodes) -> int:
        """Repeats refused at a node, of calls that belong to the time from a bucket on."""
        under = self.leaves_under(node, nodes)
        hours = (hour for bucket, hour in self.repeats.items() if bucket >= since)
        return sum(calls for hour in hours for leaf, calls in hour.items() if leaf in under)

    def late_of(self, node: int, since: int, nodes: Nodes) -> tuple[int, int]:
        """(calls that came late, when the last of them was logged) at a node, from a bucket on."""
        under = self.leaves_under(node, nodes)
        hours = (hour for bucket, hour in self.late.items() if bucket >= since)
        found = [seen for hour in hours for leaf, seen in hour.items() if leaf in under]
        return sum(calls for calls, _ in found), max((at for _, at in found), default=0)

    def leaves_under(self, node: int, nodes: Nodes) -> set[int]:
        """Leaves that count in a node."""
        known, under = self._under.get(node, (0, set[int]()))
        under.update(leaf for leaf in range(known, len(nodes.leaves)) if node in nodes.above(leaf))
        self._under[node] = len(nodes.leaves), under
        return under

    def follow(self) -> None:
        """Other trees are in force."""
        self._under.clear()

    def plain(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "repeats": [[bucket, list(hour.items())] for bucket, hour in self.repeats.items()],
            "late": [[bucket, [[leaf, *seen] for leaf, seen in hour.items()]] for bucket, hour in self.late.items()],
            "sources": {source: vars(seen) for source, seen in self.sources.items()},
            "usual_lines": {need: dict(lines) for need, lines in self.usual_lines.items()},
        }

    @classmethod
    def restored(cls, raw: dict[str, Any]) -> "Evidence":
        """From a snapshot."""
        return cls(
            {bucket: dict(hour) for bucket, hour in raw["repeats"]},
            {bucket: {leaf: [calls, at] for leaf, calls, at in hour} for bucket, hour in raw["late"]},
            {source: Arrivals(**seen) for source, seen in raw["sources"].items()},
            {need: Counter(lines) for need, lines in raw["usual_lines"].items()},
        )
