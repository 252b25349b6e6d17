"""Lines that are not heard: a run of hours in which a source says nothing although many contacts are usual.

Calls that a broken line would have taken may come through another one. Whether they do is seen in the run's own hours:
the first one goes by itself, the later ones by those before, so that a surge in a line that works is not taken for
them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

SILENT_BELOW = 6.0
"""Hours without any contact from a source, where at least this many were usual, tell of a closed or broken line."""
OVERDISPERSION = 0.1


@dataclass
class Run:
    """The silent hours of one source since it was last heard."""

    quiet: float = 0.0
    """Contacts that they should have brought."""
    more: float = 0.0
    """Of the hours in which the line was known to be silent: contacts of all others above their usual ones."""
    lost: float = 0.0
    """Of the same hours: what the silent lines should have brought."""

    def hear(self, contacts: int, usual: float) -> bool:
        """One more hour; true when the line is silent."""
        if contacts > 0:
            self.quiet = self.more = self.lost = 0.0
            return False
        self.quiet += usual
        return self.quiet >= SILENT_BELOW

    def rerouted(self, more: float, lost: float) -> float:
        """Part (0..1) of its calls that other lines take, and one more hour of what that is judged by."""
        known = (self.more, self.lost) if self.lost else (more, lost)
        self.more, self.lost = self.more + more, self.lost + lost
        return min(1.0, max(0.0, known[0] / max(known[1], 1e-9)))


def copied(runs: Sequence[Run]) -> list[Run]:
    """Runs that can go on by themselves."""
    return [replace(run) for run in runs]


def reroute(row: list[float], broken: Sequence[int], runs: Sequence[Run], usual: Sequence[float], heard: float) -> None:
    """Calls of silent lines that others take are heard all the same; changes the row and the runs.

    Args:
        row: exposure by source.
        broken: silent sources.
        runs: by source.
        usual: contacts by source, of the time that has passed.
        heard: contacts of all sources.
    """
    if not broken:
        return
    meant = sum(calls * row[source] for source, calls in enumerate(usual) if source not in broken)
    more = heard - meant - math.sqrt(meant * (1.0 + OVERDISPERSION * meant))
    lost = sum(usual[source] for source in broken)
    for source in broken:
        row[source] = runs[source].rerouted(more, lost)
