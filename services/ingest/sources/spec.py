"""The mapping file (TOML): what stands in it, checked at load. `README.md` beside it explains every entry."""

import re
import zoneinfo
from datetime import datetime, time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from schemas.codes import CODE_PATTERN

Code = Annotated[str, Field(pattern=CODE_PATTERN)]


def _many(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Columns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_many), Field(min_length=1)]
"""One column under all the names that it had over the years; the first that holds a text counts."""

Texts = Annotated[tuple[str, ...], BeforeValidator(_many)]


class Part(BaseModel):
    """A closed table of the file: an entry that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Cell(Part):
    """Where a text comes from. `optional`: the header may lack it."""

    column: Columns
    optional: bool = False


class Level(Cell):
    """One level of a tree, as a code made from a text."""

    take: Literal["slug", "code"] = "slug"
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,31})?$")] = ""
    within: bool = False
    """The code includes the code of the level above, and means nothing without it."""
    values: dict[str, Code] = {}
    """Codes for single texts; all other texts go by `take`."""
    empty: Texts = ()
    """Texts that mean nothing."""
    pattern: str | None = None
    """A text that does not match it wholly means nothing."""

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"is not a regular expression: {error}") from None
        return pattern


class Choice(Cell):
    """A field of the call event from a column, by a table of values."""

    values: dict[str, str] = {}
    otherwise: str | None = None
    """For texts that the table lacks; without it the field is left out (with no table: the text itself)."""


class NeedGroup(Part):
    """One need of a call: the deepest level that holds a text."""

    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    split: str | None = None
    """Separator when the last level's cell holds several."""
    met: Choice | None = None


class Point(Part):
    """Coordinates in two columns."""

    latitude: Columns
    longitude: Columns
    no_place: tuple[tuple[float, float], ...] = ()
    """Default points that stand for "not geocoded"."""
    optional: bool = False


class Way(Part):
    """One way to a place; they are tried in turn."""

    levels: tuple[Level, ...] = ()
    postal_code: Cell | None = None
    point: Point | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.levels, self.postal_code, self.point))) != 1:
            raise ValueError("needs exactly one of levels, postal_code and point")
        return self


class Time(Cell):
    """When the contact began."""

    formats: Annotated[Texts, Field(min_length=1)] = ("iso",)
    zone: str = "UTC"
    """Of texts without an offset."""
    ambiguous: Literal["first", "second", "order"] = "first"
    """The hour that comes twice in autumn: which of the two, or by the order of the rows."""
    at: time = time(12)
    """Local time of a text that is a day only."""

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        if zone not in zoneinfo.available_timezones():
            raise ValueError("is not a zone such as America/Chicago")
        return zone

    @field_validator("formats")
    @classmethod
    def _are_formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for one in formats:
            if one not in ("iso", "unix", "unix_ms"):
                try:
                    datetime.strptime(datetime(2020, 1, 2, 3, 4, 5).strftime(one), one)  # noqa: DTZ001, DTZ007
                except (ValueError, re.error):
                    raise ValueError("holds a format that is neither iso, unix, unix_ms nor one of strptime") from None
        return formats


class Drop(Cell):
    """Rows that are no calls."""

    values: Texts


class Csv(Part):
    """The dialect, where it is not to be found out."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: Literal["utf-8", "cp1252", "latin-1", "utf-16"] = "utf-8"


class Home(Part):
    """The home area, for reference files made from an export."""

    code: Code
    name: str
    zone: str
    country: str | None = None
    """Two letters, with `subdivision`: whose public holidays hold."""
    subdivision: str | None = None
    needs_under: str = ""
    """Code of the need under which the top level of needs hangs."""


FieldName = Literal[
    "line", "type", "channel", "outcome", "wait_seconds", "talk_seconds", "count", "revision", "void"
]  # fmt: skip
GroupName = Literal["age_band", "gender", "language"]


class Spec(Part):
    """A whole mapping file."""

    title: str
    id: Cell
    time: Time
    needs: tuple[NeedGroup, ...] = ()
    area: tuple[Way, ...] = ()
    fields: dict[FieldName, str | Choice]
    caller: dict[GroupName, Choice] = {}
    drop: tuple[Drop, ...] = ()
    csv: Csv = Csv()
    home: Home | None = None

    @field_validator("fields")
    @classmethod
    def _has_a_line(cls, fields: dict[FieldName, str | Choice]) -> dict[FieldName, str | Choice]:
        if "line" not in fields:
            raise ValueError('lacks line = "211", "311" or "other", or a column for it')
        return fields

    def cells(self) -> list[tuple[str, Columns, bool]]:
        """Every column that is read: (what for, its names, whether it may be absent)."""
        found = [("id", self.id.column, self.id.optional), ("time", self.time.column, self.time.optional)]
        for group in self.needs:
            found += [("needs", level.column, level.optional) for level in group.levels]
            found += [("needs", group.met.column, group.met.optional)] if group.met else []
        for way in self.area:
            found += [("area", level.column, level.optional) for level in way.levels]
            if way.postal_code:
                found.append(("postal_code", way.postal_code.column, way.postal_code.optional))
            if way.point:
                found.append(("latitude", way.point.latitude, way.point.optional))
                found.append(("longitude", way.point.longitude, way.point.optional))
        for name, choice in (*self.fields.items(), *self.caller.items()):
            found += [(name, choice.column, choice.optional)] if isinstance(choice, Choice) else []
        return found + [("drop", one.column, one.optional) for one in self.drop]
