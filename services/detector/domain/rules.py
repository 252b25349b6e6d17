"""What a partition's home areas share: the configuration and the reference data in force."""

import zlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import cast

from schemas.alert import Mode
from schemas.codes import CONTACTS, UNMAPPED, unmapped_area
from schemas.reference import OpenHours, Reference
from schemas.space_config import SpaceConfig
from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS, Calendar
from services.detector.domain.patches import Patches, patches_of
from services.detector.domain.tree import Tree

SPREAD_MS = 30_000


@dataclass(frozen=True)
class Rules:
    """Configuration and reference of a space, as a `config` control brought them."""

    config: SpaceConfig
    reference: Reference

    @property
    def mode(self) -> Mode:
        """What alerts carry."""
        return cast(Mode, self.config.mode)

    @cached_property
    def needs(self) -> Tree:
        """Needs, and the pseudo-needs as roots of their own."""
        rows = [(need.code, need.parent) for need in self.reference.needs]
        return Tree([*rows, (UNMAPPED, ""), (CONTACTS, "")])

    @cached_property
    def areas(self) -> Tree:
        """Areas, and each home area's unknown places."""
        rows = [(area.code, area.parent) for area in self.reference.areas]
        return Tree([*rows, *((unmapped_area(home), home) for home in self.reference.home_areas)])

    @cached_property
    def closed_slots(self) -> dict[str, frozenset[int]]:
        """Slots of the week in which a desk is closed for the whole hour, by source that has hours."""
        rows: dict[str, list[OpenHours]] = {}
        for row in self.reference.hours:
            rows.setdefault(row.source, []).append(row)
        return {source: frozenset(range(WEEK_HOURS)) - _open_slots(hours) for source, hours in rows.items()}

    def calendar(self, home_area: str) -> Calendar:
        """Buckets and holidays of a home area."""
        rows = (row for row in self.reference.holidays if row.area in ("", home_area))
        zone = self.reference.area_by_code[home_area].timezone
        return Calendar(zone, {date.fromisoformat(row.date): row.name for row in rows})

    def patches(self, home_area: str) -> Patches:
        """Neighbouring leaf areas of a home area, for the scan."""
        known = self._patches.get(home_area)
        if known is None:
            known = self._patches[home_area] = patches_of(self.reference.areas, self.areas, home_area)
        return known

    @cached_property
    def _patches(self) -> dict[str, Patches]:
        return {}

    def close_offset_ms(self, home_area: str) -> int:
        """0-30 s after the hour at which a home area closes it, so that not all close at once."""
        return zlib.crc32(home_area.encode()) % SPREAD_MS


def _open_slots(rows: list[OpenHours]) -> frozenset[int]:
    """Slots of which at least a minute is open; a desk that closes before it opens is open past midnight."""
    slots: set[int] = set()
    for row in rows:
        until = row.close if row.close > row.open else row.close + 24 * 60
        slots |= {(row.weekday * DAY_HOURS + hour) % WEEK_HOURS for hour in range(row.open // 60, -(-until // 60))}
    return frozenset(slots)
