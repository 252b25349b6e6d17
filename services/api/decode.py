"""Values of the output topics, as one of the contract's records or a reason why they are none."""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.output import Rejected, SeriesRecord, StatusRecord
from schemas.topics import ALERTS, REJECTED, SERIES, STATUS, Topic

VERSION = 1
MAX_CODE = 128
LARGEST = 2**62
FOLDED = (ALERTS, SERIES, STATUS, REJECTED)

_series = msgspec.json.Decoder(SeriesRecord)
_rejected = msgspec.json.Decoder(Rejected)
_status: msgspec.json.Decoder[StatusRecord] = msgspec.json.Decoder(StatusRecord)


class BadRecord(ValueError):
    """A record that is not of the contract; the message holds no value of it."""


def decode(topic: Topic, value: bytes) -> Alert | SeriesRecord | StatusRecord | Rejected:
    """The record in a value of `topic`.

    Raises:
        BadRecord: not JSON, not of the contract, of another version, or with a number that no time can be.
    """
    if topic is ALERTS:
        return _decode_alert(value)
    decoder: msgspec.json.Decoder[Any] = _series if topic is SERIES else _rejected if topic is REJECTED else _status
    try:
        record: SeriesRecord | StatusRecord | Rejected = decoder.decode(value)
    except msgspec.ValidationError as error:
        raise BadRecord(f"not of the contract at {_place(error)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRecord("not JSON") from None
    except RecursionError:
        raise BadRecord("nested too deep") from None
    if record.v != VERSION:
        raise BadRecord("of a version that this reader does not know")
    if isinstance(record, SeriesRecord):
        _check_points(record)
    if isinstance(record, Rejected) and not 0 <= (record.at or 0) < LARGEST:
        raise BadRecord("a number out of range at `at`")
    return record


def _decode_alert(value: bytes) -> Alert:
    try:
        alert = Alert.model_validate_json(value, extra="ignore")  # a newer detector may say more
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise BadRecord("not JSON") from None
        known = [str(part) for part in first["loc"] if isinstance(part, int) or part in Alert.model_fields]
        raise BadRecord(f"not of the contract at {'.'.join(known) or '$'}") from None
    if not alert.id or len(alert.id) > MAX_CODE or "\0" in alert.id:
        raise BadRecord("not of the contract at id")
    if not all(math.isfinite(value) for _, value in alert if isinstance(value, float)):
        raise BadRecord("a number that is not finite")
    return _in_utc(alert)


def _in_utc(alert: Alert) -> Alert:
    """The same alert with every time in UTC."""
    times: dict[str, datetime] = {}
    for name in ("started_at", "raised_at", "updated_at", "ended_at"):
        time: datetime | None = getattr(alert, name)
        if time is None:
            continue
        if time.tzinfo is None:
            raise BadRecord(f"a time without offset at {name}")
        times[name] = time.astimezone(UTC)
    return alert.model_copy(update=times)


def _check_points(record: SeriesRecord) -> None:
    for point in record.points:
        if not (0 <= point.start < LARGEST and -LARGEST < point.observed < LARGEST):
            raise BadRecord("a number out of range at points")
    if not 0 <= record.known_at < LARGEST:
        raise BadRecord("a number out of range at known_at")


def _place(error: msgspec.ValidationError) -> str:
    """The path of a validation error, never its value."""
    _, _, path = str(error).partition(" - at `")
    return path.rstrip("`") or "$"
