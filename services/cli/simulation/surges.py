"""What happens: heat waves, storms and smaller things, as calls added to the usual ones."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.cli.simulation.land import Leaf

HOUR = 1.0
DAY = 24.0


@dataclass(frozen=True)
class Script:
    """One kind of event. `needs`: extra calls an hour at the peak per 10,000 people of a place that is hit."""

    name: str
    title: str
    needs: Mapping[str, float]
    rise_hours: float
    hold_hours: float
    fall_hours: float
    nights: float
    """What is left of it at night (1: day and night alike)."""
    spread_hours: float
    """Until it reaches a place one cell further away."""
    reach: float
    """How many cells away from its centre it goes."""


HEAT_WAVE = Script(
    "heat_wave",
    "Heat wave",
    MappingProxyType(
        {
            "GA-1000": 2.2,
            "GA-1000.1000": 1.7,
            "GA-3000": 0.9,
            "IA-3000": 0.9,
            "EA-1000": 2.0,
            "EA-4000": 0.8,
            "EA-3000": 0.4,
            "311-HYDRANT": 0.7,
            "311-NOWATER": 0.5,
        }
    ),
    rise_hours=2.5, hold_hours=40.0, fall_hours=20.0, nights=0.5, spread_hours=0.8, reach=3.2,
)  # fmt: skip
STORM = Script(
    "storm",
    "Storm",
    MappingProxyType(
        {"311-TREE": 2.4, "EA-4000": 2.0, "GC-2000": 1.4, "GC-3000": 0.7, "311-SIGNAL": 0.8, "CA-4000": 0.4}
    ),
    rise_hours=1.0, hold_hours=7.0, fall_hours=16.0, nights=0.7, spread_hours=0.4, reach=2.5,
)  # fmt: skip
WATER_MAIN = Script(
    "water_main",
    "Burst water main",
    MappingProxyType({"311-NOWATER": 5.0, "GA-3000": 1.2}),
    rise_hours=0.5, hold_hours=6.0, fall_hours=4.0, nights=0.6, spread_hours=0.3, reach=1.1,
)  # fmt: skip
FORMULA = Script(
    "baby_food",
    "Baby food out of stock",
    MappingProxyType({"AA-1000.2000": 0.6}),
    rise_hours=20.0, hold_hours=60.0, fall_hours=40.0, nights=0.2, spread_hours=2.0, reach=9.0,
)  # fmt: skip
EVICTIONS = Script(
    "evictions",
    "Eviction notices in one housing estate",
    MappingProxyType({"CA-3000": 2.4, "CA-2000": 1.2}),
    rise_hours=2.0, hold_hours=22.0, fall_hours=10.0, nights=0.05, spread_hours=0.0, reach=0.5,
)  # fmt: skip
SMALLER = (STORM, WATER_MAIN, FORMULA, EVICTIONS)


@dataclass(frozen=True)
class Surge:
    """One event of a region: a script with its time and place."""

    script: Script
    start: float
    """Unix hours."""
    centre: tuple[float, float]
    """Column and row of the grid."""
    strength: float = 1.0
    _delays: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    @property
    def end(self) -> float:
        """When nothing of it is left in the place that it hits first, Unix hours."""
        return self.start + self.script.rise_hours + self.script.hold_hours + self.script.fall_hours

    def last(self) -> float:
        """When nothing of it is left anywhere."""
        return self.end + self.script.spread_hours * self.script.reach

    def hits(self, leaf: Leaf) -> bool:
        """Whether it reaches a place."""
        return self._away(leaf) <= self.script.reach

    def intensity(self, leaf: Leaf, time: float) -> float:
        """From 0 to `strength`, at a time in Unix hours; nights are for the caller."""
        away = self._away(leaf)
        if away > self.script.reach:
            return 0.0
        since = time - self.start - away * self.script.spread_hours
        rise, hold, fall = self.script.rise_hours, self.script.hold_hours, self.script.fall_hours
        if since <= 0 or since >= rise + hold + fall:
            return 0.0
        shape = since / rise if since < rise else 1.0 if since < rise + hold else (rise + hold + fall - since) / fall
        return self.strength * shape * (1 - 0.5 * away / (self.script.reach + 1e-9))

    def _away(self, leaf: Leaf) -> float:
        if leaf.code not in self._delays:
            self._delays[leaf.code] = math.dist(self.centre, (leaf.column, leaf.row))
        return self._delays[leaf.code]
