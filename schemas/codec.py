"""The call event on the hot path: the same contract as `schemas.call_event`, read by msgspec.

It accepts and refuses exactly what `CallEvent.model_validate_json` does (a property test holds them together), but
names the field of a refusal without ever showing its value. What neither can see is a key that stands twice in one
object (pydantic looks at the last, msgspec at each): whoever takes bodies from outside refuses those before.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from schemas.call_event import (
    ID_PATTERN,
    LANGUAGE_PATTERN,
    MAX_COUNT,
    MAX_NEEDS,
    POSTAL_PATTERN,
    AgeBand,
    Channel,
    ContactType,
    Gender,
    Line,
    Met,
    Outcome,
    UnmetReason,
)
from schemas.codes import CODE_PATTERN, SOURCE_PATTERN
from schemas.refusal import NotJson, Refusal, refusal_of

__all__ = [
    "CallEventRow",
    "CallerRow",
    "NeedRow",
    "NotJson",
    "Refusal",
    "StampedCallRow",
    "convert_call_event",
    "convert_stamped_call",
    "decode_call_event",
    "decode_stamped_call",
]

Row = TypeVar("Row", bound="CallEventRow")


def _python(pattern: str) -> str:
    """A pattern of the contract for Python's `re`, where `$` would also match before a last line break."""
    return pattern.replace("$", r"\Z")


Code = Annotated[str, Meta(pattern=_python(CODE_PATTERN))]
Seconds = Annotated[float, Meta(ge=0, le=604_800)]
Time = Annotated[datetime, Meta(tz=True)]
Id = Annotated[str, Meta(min_length=1, max_length=128, pattern=_python(ID_PATTERN.replace("x7F", r"x7F\uD800-\uDFFF")))]
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


class NeedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One need with its outcome; a need without outcome may be a bare code."""

    code: Code
    met: Met | None = None
    reason: UnmetReason | None = None


class CallerRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Coarse groups of the caller."""

    age_band: AgeBand | None = None
    gender: Gender | None = None
    language: Annotated[str, Meta(pattern=_python(LANGUAGE_PATTERN))] | None = None


class CallEventRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """One call as posted; fields and defaults of `schemas.call_event.CallEvent`."""

    id: Id
    source: Annotated[str, Meta(pattern=_python(SOURCE_PATTERN))]
    time: Time
    line: Line
    needs: Annotated[tuple[Code | NeedRow, ...], Meta(max_length=MAX_NEEDS)]
    revision: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    void: bool = False
    type: ContactType | None = None
    area: Code | None = None
    postal_code: Annotated[str, Meta(pattern=_python(POSTAL_PATTERN))] | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    channel: Channel | None = None
    outcome: Outcome | None = None
    wait_seconds: Seconds | None = None
    talk_seconds: Seconds | None = None
    referrals: Annotated[tuple[Code, ...], Meta(max_length=MAX_NEEDS)] = ()
    caller: CallerRow | None = None
    count: Annotated[int, Meta(ge=1, le=MAX_COUNT)] = 1

    def time_ms(self) -> int:
        """When the contact began, Unix milliseconds."""
        return (self.time - EPOCH) // MILLISECOND


class StampedCallRow(CallEventRow, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """A call outside the live space, which may bring the time at which it was logged."""

    logged_at: Time | Annotated[int, Meta(ge=0, le=2**53)] | None = None

    def logged_ms(self) -> int | None:
        """`logged_at` as Unix milliseconds, in whichever form it came."""
        return (self.logged_at - EPOCH) // MILLISECOND if isinstance(self.logged_at, datetime) else self.logged_at


_call = msgspec.json.Decoder(CallEventRow)
_stamped = msgspec.json.Decoder(StampedCallRow)


def decode_call_event(data: bytes) -> CallEventRow:
    """The call in a JSON object.

    Raises:
        NotJson: not JSON in UTF-8.
        Refusal: not a call event.

    >>> body = b'{"id":"1","source":"crm","time":"2026-01-31T08:15:00-06:00","line":"211","needs":[]}'
    >>> decode_call_event(body).time_ms()
    1769868900000
    """
    return _decode(_call, data)


def decode_stamped_call(data: bytes) -> StampedCallRow:
    """The same, with `logged_at` allowed: for spaces that are not live."""
    return _decode(_stamped, data)


def convert_call_event(value: object) -> CallEventRow:
    """The call in a JSON value that is already parsed; raises Refusal, and NotJson for text that UTF-8 cannot hold.

    >>> convert_call_event({"id": "1", "source": "crm", "time": "2026-01-31T08:15:00Z", "line": 211, "needs": []})
    Traceback (most recent call last):
    schemas.refusal.Refusal: line must be 211, 311 or other, as text
    """
    return _convert(CallEventRow, value)


def convert_stamped_call(value: object) -> StampedCallRow:
    """The same, with `logged_at` allowed: for spaces that are not live."""
    return _convert(StampedCallRow, value)


def _decode(decoder: msgspec.json.Decoder[Row], data: bytes) -> Row:
    try:
        return _whole(decoder.decode(data))
    except msgspec.ValidationError as error:
        raise refusal_of(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotJson from None


def _convert(row: type[Row], value: object) -> Row:
    try:
        return _whole(msgspec.convert(value, row))
    except msgspec.ValidationError as error:
        raise refusal_of(error) from None
    except UnicodeEncodeError:  # half a surrogate pair, which some JSON parsers let through
        raise NotJson from None


def _whole(row: Row) -> Row:
    """What holds between fields."""
    if row.latitude is None and row.longitude is not None:
        raise Refusal("latitude", "must come together with longitude")
    if row.longitude is None and row.latitude is not None:
        raise Refusal("longitude", "must come together with latitude")
    return row
