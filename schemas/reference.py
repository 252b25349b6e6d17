"""Reference data: the two trees, calendars, hours and crosswalk, as one body on `reference.v1`.

The body is content-addressed: its SHA-256 is its name, so the log can say which one was in force.
"""

import hashlib
from functools import cached_property
from typing import Literal

import msgspec

from schemas.codes import UNMAPPED

Severity = Literal["minor", "moderate", "severe", "extreme"]


class Area(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of areas.csv."""

    code: str
    parent: str
    name: str
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = "UTC"
    population: int | None = None
    same: str | None = None
    ugc: str | None = None
    sgc: str | None = None
    fsa: str | None = None


class Need(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of needs.csv."""

    code: str
    parent: str
    name_en: str
    name_fr: str
    name_es: str
    line: str = ""
    lifeline: str | None = None
    category: str | None = None
    sensitive: bool = False
    playbook: str | None = None
    cap_event: str | None = None


class Holiday(msgspec.Struct, frozen=True):
    """One row of holidays.csv; the date is local, YYYY-MM-DD, and holds for the area and all below it."""

    date: str
    area: str
    name: str


class OpenHours(msgspec.Struct, frozen=True):
    """One row of hours.csv: local minutes after midnight; weekday 0 is Monday."""

    source: str
    weekday: int
    open: int
    close: int


class Crossing(msgspec.Struct, frozen=True):
    """One row of crosswalk.csv."""

    source: str
    from_code: str
    to_code: str


class Trigger(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of triggers.csv, a rule of an emergency plan: `count` calls of a need in an area within `hours`."""

    need: str
    """A code of needs.csv, or `contacts` for all calls."""
    area: str
    count: int
    hours: int
    playbook_en: str = ""
    """What the plan says to do; the other languages default to English."""
    playbook_fr: str = ""
    playbook_es: str = ""
    severity: Severity = "severe"


class Reference(msgspec.Struct, frozen=True, dict=True):
    """Everything that gives codes a meaning. Rows stand parents first.

    >>> body = Reference(areas=(Area("tx", "", "Texas"), Area("tx-1", "tx", "North")), needs=())
    >>> body.home_area("tx-1"), body.home_area("nowhere")
    ('tx', None)
    """

    areas: tuple[Area, ...]
    needs: tuple[Need, ...]
    holidays: tuple[Holiday, ...] = ()
    hours: tuple[OpenHours, ...] = ()
    crosswalk: tuple[Crossing, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    shapes: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
    """GeoJSON of areas.geojson, or null."""

    @cached_property
    def area_by_code(self) -> dict[str, Area]:
        """Areas by code."""
        return {area.code: area for area in self.areas}

    @cached_property
    def need_by_code(self) -> dict[str, Need]:
        """Needs by code."""
        return {need.code: need for need in self.needs}

    @cached_property
    def home_areas(self) -> tuple[str, ...]:
        """Roots of the area tree."""
        return tuple(area.code for area in self.areas if not area.parent)

    @cached_property
    def _homes(self) -> dict[str, str]:
        homes: dict[str, str] = {}
        for area in self.areas:
            homes[area.code] = homes[area.parent] if area.parent else area.code
        return homes

    def home_area(self, area: str) -> str | None:
        """Root above an area (itself if it is one; `HOME:unmapped` belongs to HOME); None if not in the tree."""
        home, _, rest = area.rpartition(":")
        return home if rest == UNMAPPED and home in self.area_by_code else self._homes.get(area)

    def area_path(self, area: str) -> tuple[str, ...]:
        """An area and its ancestors, nearest first."""
        path = [area]
        while parent := self.area_by_code[path[-1]].parent:
            path.append(parent)
        return tuple(path)


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Reference)


def encode_reference(reference: Reference) -> bytes:
    """The body as it stands on the log."""
    return _encoder.encode(reference)


def decode_reference(body: bytes) -> Reference:
    """A reference from its body; raises msgspec.ValidationError when it is not one."""
    reference: Reference = _decoder.decode(body)
    return reference


def content_hash(body: bytes) -> str:
    """Name of a body: SHA-256, hex."""
    return hashlib.sha256(body).hexdigest()
