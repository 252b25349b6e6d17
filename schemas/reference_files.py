"""The reference folder (contracts.md §1): CSV files in, one checked `Reference` out."""

import csv
import datetime as dt
import json
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast, get_args

import msgspec

from schemas.codes import CODE, CONTACTS, UNMAPPED
from schemas.reference import Area, Crossing, Holiday, Need, OpenHours, Reference, Severity, Trigger

Node = TypeVar("Node", Area, Need)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class BadReference(ValueError):
    """A reference file that cannot be used; the message names file, line and field."""


@dataclass(frozen=True)
class Row:
    """One line of a CSV file, with what an error message needs."""

    file: str
    line: int
    values: dict[str, str]

    def text(self, field: str) -> str:
        """A value that may be empty."""
        return self.values.get(field, "").strip()

    def wrong(self, field: str, reason: str) -> BadReference:
        """The error for one field."""
        return BadReference(f"{self.file} line {self.line}: {field} {reason}")

    def code(self, field: str, *, empty: bool = False) -> str:
        """A code; the empty one only where it may be."""
        value = self.text(field)
        if (value or not empty) and (not CODE.match(value) or value == UNMAPPED):
            raise self.wrong(field, "is not a code (letters, digits and . _ : -, at most 64, not `unmapped`)")
        return value

    def number(self, field: str, low: float, high: float) -> float | None:
        """A number in a range, or None when empty."""
        value = self.text(field)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            raise self.wrong(field, "is not a number") from None
        if not low <= number <= high:
            raise self.wrong(field, f"lies outside {low:g} … {high:g}")
        return number

    def whole(self, field: str, low: int, high: int) -> int:
        """A whole number in a range; it may not be empty."""
        value = self.number(field, low, high)
        if value is None or value != int(value):
            raise self.wrong(field, "is not a whole number")
        return int(value)


def read_reference(folder: Path) -> Reference:
    """The reference of a folder; areas.csv and needs.csv must be there, the rest may be.

    Raises:
        BadReference: a file is missing or a line is wrong; the message names file, line and field.
    """
    if not folder.is_dir():
        raise BadReference(f"the reference folder {folder} does not exist; set REFERENCE to the folder with areas.csv")
    areas = _tree(_rows(folder, "areas.csv", "code,parent,name", needed=True), _area)
    needs = _tree(_rows(folder, "needs.csv", "code,parent,name_en", needed=True), _need)
    return Reference(
        areas=_with_zones(areas),
        needs=needs,
        holidays=tuple(map(_holiday, _rows(folder, "holidays.csv", "date,area,name"))),
        hours=tuple(map(_open_hours, _rows(folder, "hours.csv", "source,weekday,open,close"))),
        crosswalk=tuple(map(_crossing, _rows(folder, "crosswalk.csv", "source,from_code,to_code"))),
        triggers=_triggers(_rows(folder, "triggers.csv", "need,area,count,hours"), needs, areas),
        shapes=_shapes(folder / "areas.geojson"),
    )


def _rows(folder: Path, name: str, fields: str, *, needed: bool = False) -> Iterator[Row]:
    path = folder / name
    if not path.exists():
        if needed:
            raise BadReference(f"{name} is missing in {folder}")
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, restval="")
            missing = set(fields.split(",")) - set(reader.fieldnames or ())
            if missing:
                raise BadReference(f"{name}: the header lacks {', '.join(sorted(missing))}")
            for values in reader:
                values.pop(None, None)
                yield Row(name, reader.line_num, values)
    except UnicodeDecodeError:
        raise BadReference(f"{name} is not UTF-8") from None
    except csv.Error as error:
        raise BadReference(f"{name}: {error}") from None


def _tree(rows: Iterator[Row], build: Callable[[Row], Node]) -> tuple[Node, ...]:
    """Nodes with parents first; a missing parent, a repeated code and a ring are refused."""
    nodes: dict[str, tuple[Row, Node]] = {}
    for row in rows:
        node = build(row)
        if node.code in nodes:
            raise row.wrong("code", "stands in the file twice")
        nodes[node.code] = (row, node)
    placed: dict[str, Node] = {}
    for code in nodes:
        chain: list[str] = []
        while code and code not in placed:
            if code in chain:
                raise nodes[code][0].wrong("parent", "leads back to the node itself")
            chain.append(code)
            parent = nodes[code][1].parent
            if parent and parent not in nodes:
                raise nodes[code][0].wrong("parent", "is not a code of this file")
            code = parent
        placed.update((link, nodes[link][1]) for link in reversed(chain))
    return tuple(placed.values())


def _area(row: Row) -> Area:
    zone = row.text("timezone")
    if zone and zone not in zoneinfo.available_timezones():
        raise row.wrong("timezone", "is not a zone such as America/Chicago")
    population = row.number("population", 0, 1e10)
    return Area(
        code=row.code("code"),
        parent=row.code("parent", empty=True),
        name=row.text("name") or row.text("code"),
        latitude=row.number("latitude", -90, 90),
        longitude=row.number("longitude", -180, 180),
        timezone=zone,
        population=None if population is None else int(population),
        **{name: row.text(name) or None for name in ("same", "ugc", "sgc", "fsa")},
    )


def _with_zones(areas: tuple[Area, ...]) -> tuple[Area, ...]:
    """An area without a zone takes its parent's; a home area without one is UTC."""
    zones: dict[str, str] = {"": "UTC"}
    for area in areas:
        zones[area.code] = area.timezone or zones[area.parent]
    return tuple(msgspec.structs.replace(area, timezone=zones[area.code]) for area in areas)


def _need(row: Row) -> Need:
    english = row.text("name_en") or row.text("code")
    return Need(
        code=row.code("code"),
        parent=row.code("parent", empty=True),
        name_en=english,
        name_fr=row.text("name_fr") or english,
        name_es=row.text("name_es") or english,
        line=row.text("line"),
        sensitive=row.text("sensitive").lower() in ("1", "true", "yes"),
        **{name: row.text(name) or None for name in ("lifeline", "category", "playbook", "cap_event")},
    )


def _holiday(row: Row) -> Holiday:
    try:
        date = dt.date.fromisoformat(row.text("date"))
    except ValueError:
        raise row.wrong("date", "is not YYYY-MM-DD") from None
    return Holiday(date.isoformat(), row.code("area", empty=True), row.text("name"))


def _open_hours(row: Row) -> OpenHours:
    day = row.text("weekday").lower()[:3]
    weekday = WEEKDAYS.index(day) if day in WEEKDAYS else row.number("weekday", 0, 6)
    if weekday is None or weekday != int(weekday):
        raise row.wrong("weekday", "is not mon … sun or 0 … 6 (Monday is 0)")
    if not row.text("source"):
        raise row.wrong("source", "is empty; it is the name under which the desk posts")
    opens, closes = _minutes(row, "open"), _minutes(row, "close")
    if opens == closes:
        raise row.wrong("close", "is when it opens; a desk that never closes has 00:00 and 24:00")
    return OpenHours(row.text("source"), int(weekday), opens, closes)


def _minutes(row: Row, field: str) -> int:
    hour, _, minute = row.text(field).partition(":")
    if not (hour.isdigit() and minute.isdigit() and int(hour) <= 24 and int(minute) < 60):
        raise row.wrong(field, "is not HH:MM")
    total = int(hour) * 60 + int(minute)
    if total > 24 * 60:
        raise row.wrong(field, "lies after 24:00")
    return total


def _crossing(row: Row) -> Crossing:
    return Crossing(row.text("source"), row.text("from_code"), row.code("to_code"))


def _triggers(rows: Iterator[Row], needs: tuple[Need, ...], areas: tuple[Area, ...]) -> tuple[Trigger, ...]:
    """Rules of an emergency plan; a rule about a code that the trees lack could never be met, so it is refused."""
    known_needs, known_areas = {need.code for need in needs} | {CONTACTS}, {area.code for area in areas}
    found: dict[Trigger, None] = {}
    for row in rows:
        trigger = _trigger(row)
        if trigger.need not in known_needs:
            raise row.wrong("need", "is not a code of needs.csv (nor `contacts`)")
        if trigger.area not in known_areas:
            raise row.wrong("area", "is not a code of areas.csv")
        if any((one.need, one.area, one.hours) == (trigger.need, trigger.area, trigger.hours) for one in found):
            raise row.wrong("need", "has a rule for this area and these hours already")
        found[trigger] = None
    return tuple(found)


def _trigger(row: Row) -> Trigger:
    english, severity = row.text("playbook_en"), row.text("severity").lower() or "severe"
    if severity not in get_args(Severity):
        raise row.wrong("severity", f"is not one of {', '.join(get_args(Severity))}")
    return Trigger(
        need=row.code("need"),
        area=row.code("area"),
        count=row.whole("count", 1, 1_000_000),
        hours=row.whole("hours", 1, 72),
        playbook_en=english,
        playbook_fr=row.text("playbook_fr") or english,
        playbook_es=row.text("playbook_es") or english,
        severity=cast(Severity, severity),
    )


def _shapes(path: Path) -> msgspec.Raw:
    if not path.exists():
        return msgspec.Raw(b"null")
    try:
        shapes = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise BadReference(f"{path.name} is not JSON") from None
    if not isinstance(shapes, dict) or shapes.get("type") != "FeatureCollection":
        raise BadReference(f"{path.name} is not a GeoJSON FeatureCollection")
    return msgspec.Raw(json.dumps(shapes, separators=(",", ":")).encode())
