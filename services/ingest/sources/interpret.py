"""One row into one call, by the tables of a mapping file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from schemas.call_event import POSTAL_PATTERN
from services.ingest.sources.errors import BadRow
from services.ingest.sources.formats import Row
from services.ingest.sources.slugs import is_code, slug, within
from services.ingest.sources.spec import Choice, Level, NeedGroup, Point, Spec, Way
from services.ingest.sources.times import Times

_YES, _NO = ("true", "yes", "y", "1", "t"), ("false", "no", "n", "0", "f")
_POSTAL = re.compile(POSTAL_PATTERN.strip("^$"))
"""A postal code that is none leads to no place; it does not cost the call."""
_NUMBERS = {"wait_seconds": float, "talk_seconds": float, "count": int, "revision": int}


@dataclass(frozen=True)
class Label:
    """One node of a tree as an export names it."""

    code: str
    text: str


@dataclass(frozen=True)
class Place:
    """What an export says of a place: at most one of the three."""

    path: tuple[Label, ...] = ()
    """Top level first; the last one is the area."""
    postal_code: str | None = None
    point: tuple[float, float] | None = None


class Interpreter:
    """The meaning of the rows of one export; it reads in order (see `Times`)."""

    def __init__(self, spec: Spec, source: str) -> None:
        self._spec = spec
        self._source = source
        self._times = Times(spec.time)
        levels = chain.from_iterable([*(one.levels for one in spec.needs), *(one.levels for one in spec.area)])
        self._patterns = {level.pattern: re.compile(level.pattern) for level in levels if level.pattern is not None}

    def call(self, row: Row) -> dict[str, Any] | None:
        """The call of a row, or None when the mapping drops such rows.

        Raises:
            BadRow: naming field and reason.
        """
        if any(row.text(one.column) in one.values for one in self._spec.drop):
            return None
        call: dict[str, Any] = {
            "id": self._needed(row, "id", self._spec.id.column),
            "source": self._source,
            "time": _rfc3339(self._times.instant(self._needed(row, "time", self._spec.time.column))),
            "needs": [need for group in self._spec.needs for need in self._group(row, group)],
        }
        call |= self._place(self.place(row))
        for name, choice in self._spec.fields.items():
            value = choice if isinstance(choice, str) else self._choice(row, choice)
            if value is not None:
                call[name] = _typed(name, value)
        groups = {name: self._choice(row, choice) for name, choice in self._spec.caller.items()}
        caller = {name: value for name, value in groups.items() if value is not None}
        return call | ({"caller": caller} if caller else {})

    def need_paths(self, row: Row) -> Iterator[tuple[Label, ...]]:
        """The needs of a row, each with all its levels, top first."""
        for group in self._spec.needs:
            for texts in _texts(row, group):
                path = self._labels(list(zip(group.levels, texts, strict=True)), "needs")
                if path:
                    yield path

    def place(self, row: Row) -> Place:
        """The first way that leads to a place."""
        for way in self._spec.area:
            found = self._way(row, way)
            if found is not None:
                return found
        return Place()

    def point(self, row: Row) -> tuple[float, float] | None:
        """Coordinates of a row, whichever way its area was found."""
        for way in self._spec.area:
            if way.point and (found := _point(row, way.point)):
                return found
        return None

    def _way(self, row: Row, way: Way) -> Place | None:
        if way.levels:
            path = self._labels([(level, row.text(level.column)) for level in way.levels], "area")
            return Place(path=path) if path else None
        if way.postal_code:
            code = row.text(way.postal_code.column)
            return Place(postal_code=code) if _POSTAL.fullmatch(code) else None
        point = _point(row, way.point) if way.point else None
        return Place(point=point) if point else None

    def _group(self, row: Row, group: NeedGroup) -> Iterator[Any]:
        met = self._choice(row, group.met) if group.met else None
        seen: set[str] = set()
        for texts in _texts(row, group):
            path = self._labels(list(zip(group.levels, texts, strict=True)), "needs")
            if path and path[-1].code not in seen:
                seen.add(path[-1].code)
                yield {"code": path[-1].code, "met": met} if met else path[-1].code

    def _labels(self, levels: list[tuple[Level, str]], field: str) -> tuple[Label, ...]:
        path: list[Label] = []
        for level, text in levels:
            if not text or text in level.empty or (level.within and not path):
                continue
            if level.pattern is not None and not self._patterns[level.pattern].fullmatch(text):
                continue
            code = level.values.get(text) or _code(level, text, field)
            path.append(Label(within(path[-1].code, code) if level.within and path else code, text))
        return tuple(path)

    def _choice(self, row: Row, choice: Choice) -> str | None:
        text = row.text(choice.column)
        if not text:
            return None
        if not choice.values:
            return text
        return choice.values.get(text, choice.otherwise)

    def _needed(self, row: Row, field: str, columns: tuple[str, ...]) -> str:
        text = row.text(columns)
        if not text:
            raise BadRow(field, "is missing")
        return text

    def _place(self, place: Place) -> dict[str, Any]:
        if place.path:
            return {"area": place.path[-1].code}
        if place.postal_code:
            return {"postal_code": place.postal_code}
        return {"latitude": place.point[0], "longitude": place.point[1]} if place.point else {}


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat()[:-6] + "Z"


def _texts(row: Row, group: NeedGroup) -> Iterator[list[str]]:
    """The texts of each level, once for each part of a last cell that holds several."""
    texts = [row.text(level.column) for level in group.levels]
    parts = texts[-1].split(group.split) if group.split else texts[-1:]
    for part in parts:
        yield [*texts[:-1], part.strip()]


def _code(level: Level, text: str, field: str) -> str:
    if level.take == "slug":
        return slug(text, level.prefix)
    if not is_code(level.prefix + text):
        raise BadRow(field, "is not a code")
    return level.prefix + text


def _point(row: Row, point: Point) -> tuple[float, float] | None:
    texts = row.text(point.latitude), row.text(point.longitude)
    if not all(texts):
        return None
    try:
        found = float(texts[0]), float(texts[1])
    except ValueError:
        raise BadRow("latitude", "is not a number, or longitude is not") from None
    return None if found == (0.0, 0.0) or found in point.no_place else found


def _typed(name: str, value: str) -> Any:
    if name in _NUMBERS:
        try:
            return _NUMBERS[name](value)
        except ValueError:
            raise BadRow(name, "is not a number") from None
    if name == "void":
        if value.lower() not in (*_YES, *_NO):
            raise BadRow(name, "is neither yes nor no")
        return value.lower() in _YES
    return value
