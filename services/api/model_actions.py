"""What people send: closed models, each text bounded and naming nobody."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.codes import CODE_PATTERN
from schemas.controls import Label
from services.api.plain_text import Name, Note, Reason

Hazard = Literal[
    "heat",
    "cold",
    "flood",
    "storm",
    "hurricane",
    "tornado",
    "winter_storm",
    "wildfire",
    "smoke",
    "earthquake",
    "power_outage",
    "water_outage",
    "disease",
    "chemical",
    "civil",
    "benefit_change",
    "other",
]
Line = Literal["211", "311", "other"]
Code = Annotated[str, Field(pattern=CODE_PATTERN)]
AreaCode = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
PerWeek = Annotated[float, Field(ge=0.1, le=1000)]


def _each_once(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(codes)))


Codes = Annotated[tuple[Code, ...], Field(max_length=500), AfterValidator(_each_once)]


class Request(BaseModel):
    """Closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Request):
    """`{}`."""


class Assign(Request):
    """Whose alert it is."""

    to: Annotated[str, Field(min_length=1, max_length=80)]


class AddNote(Request):
    """What somebody found out."""

    text: Note


class SetLabel(Request):
    """What it was."""

    label: Label
    comment: Reason | None = None


class SilenceAlert(Request):
    """Hide this alert, or what is like it, for a time."""

    scope: Literal["alert", "need", "area", "line"]
    until: AwareDatetime
    reason: Reason


class EndAlert(Request):
    """It is over."""

    reason: Reason


class CreateSilence(Request):
    """Hide alerts that match all that is given."""

    need: Code | None = None
    area: AreaCode | None = None
    line: Line | None = None
    home_area: Code | None = None
    until: AwareDatetime
    reason: Reason

    @model_validator(mode="after")
    def _says_what(self) -> "CreateSilence":
        if self.need is None and self.area is None and self.line is None:
            raise ValueError("a silence names a need, an area or a line: one that hides everything is refused")
        return self


class PutBudget(Request):
    """Chance alerts a week that a home area accepts."""

    home_area: Code
    per_week: PerWeek


class Period(Request):
    """An operational period."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> "Period":
        if self.end <= self.start:
            raise ValueError("a period ends after it starts")
        return self


class Declare(Request):
    """A declared event."""

    name: Name
    hazard: Hazard
    areas: Annotated[tuple[Code, ...], Field(min_length=1, max_length=500), AfterValidator(_each_once)]
    needs: Codes = ()
    start: AwareDatetime
    end: AwareDatetime | None = None
    periods: Annotated[tuple[Period, ...], Field(max_length=60)] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "Declare":
        if self.end is not None and self.end <= self.start:
            raise ValueError("an event ends after it starts")
        return self


class Retract(Request):
    """Hours of a source that were wrong."""

    home_area: Code
    start: AwareDatetime
    end: AwareDatetime
    reason: Reason

    @model_validator(mode="after")
    def _in_order(self) -> "Retract":
        if self.end <= self.start:
            raise ValueError("the end lies after the start")
        return self


class AddKey(Request):
    """A new key."""

    role: Literal["ingest", "viewer", "coordinator", "admin"]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    source: Annotated[str, Field(max_length=63)] | None = None
    home_area: Code | None = None
    totals: bool = False
    needs: Codes = ()
    sources: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    expires_in_days: Annotated[int, Field(ge=1, le=3660)] | None = None
