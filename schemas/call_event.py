"""The call event, `call-event/1` (contracts.md §1): what a CRM posts about one contact."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict, JsonValue

from schemas.codes import CODE_PATTERN, SOURCE_PATTERN

Code = Annotated[str, Field(pattern=CODE_PATTERN)]
Line = Literal["211", "311", "other"]
ContactType = Literal["information", "referral", "service_request", "complaint", "other"]
Channel = Literal["phone", "text", "chat", "email", "web", "app", "walk_in", "other"]
Outcome = Literal["answered", "abandoned", "callback", "transferred"]
Met = Literal["met", "partial", "unmet", "unknown"]
UnmetReason = Literal["none_exists", "full", "closed", "not_eligible", "too_far", "declined", "other"]
AgeBand = Literal["0-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+", "unknown"]
Gender = Literal["female", "male", "other", "unknown"]

ID_PATTERN = r"^[^\x00-\x1F\x7F]*$"
POSTAL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 -]{1,11}$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}$"
MAX_NEEDS = 16
MAX_COUNT = 10_000


def read_time(value: Any) -> Any:
    """A date-time of RFC 3339 as the codec reads it; what is already a datetime passes, numbers and short forms do not.

    >>> read_time("2026-01-31T08:15:00-06:00").isoformat()
    '2026-01-31T08:15:00-06:00'
    """
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("a date-time is text")
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise ValueError("not a date-time of RFC 3339") from None


TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})$"
Time = Annotated[AwareDatetime, BeforeValidator(read_time), Field(json_schema_extra={"pattern": TIME_PATTERN})]


class Contract(BaseModel):
    """Strict and closed: an unknown field is refused, nothing is coerced, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Need(Contract):
    """One thing asked for, and whether it was met."""

    code: Code
    met: Met | None = None
    reason: UnmetReason | None = None


class Caller(Contract):
    """Coarse groups; they leave ingest only as hourly counters."""

    age_band: AgeBand | None = None
    gender: Gender | None = None
    language: Annotated[str, Field(pattern=LANGUAGE_PATTERN)] | None = None


def _a_number(field: str) -> dict[str, JsonValue]:
    return {"required": [field], "properties": {field: {"type": "number"}}}


PAIRS: JsonDict = {
    "allOf": [
        {"if": _a_number("latitude"), "then": _a_number("longitude")},
        {"if": _a_number("longitude"), "then": _a_number("latitude")},
    ]
}
"""Coordinates come in pairs, as JSON Schema says it."""


class CallEvent(Contract):
    """One contact with a 211 or 311 line. Names, phones, addresses and free text have no field."""

    model_config = ConfigDict(json_schema_extra=PAIRS)

    id: Annotated[str, Field(min_length=1, max_length=128, pattern=ID_PATTERN)]
    source: Annotated[str, Field(pattern=SOURCE_PATTERN)]
    time: Time
    line: Line
    needs: Annotated[tuple[Code | Need, ...], Field(max_length=MAX_NEEDS)]
    revision: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] = 0
    void: Annotated[bool, Field(strict=True)] = False
    type: ContactType | None = None
    area: Code | None = None
    postal_code: Annotated[str, Field(pattern=POSTAL_PATTERN)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90, strict=True)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, strict=True)] | None = None
    channel: Channel | None = None
    outcome: Outcome | None = None
    wait_seconds: Annotated[float, Field(ge=0, le=604_800, strict=True)] | None = None
    talk_seconds: Annotated[float, Field(ge=0, le=604_800, strict=True)] | None = None
    referrals: Annotated[tuple[Code, ...], Field(max_length=MAX_NEEDS)] = ()
    caller: Caller | None = None
    count: Annotated[int, Field(ge=1, le=MAX_COUNT, strict=True)] = 1

    @model_validator(mode="after")
    def _coordinates_come_in_pairs(self) -> "CallEvent":
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude come together")
        return self
