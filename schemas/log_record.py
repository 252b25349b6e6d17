"""Records of `calls.events.v1` (contracts.md §2): calls, ticks, controls and history, as JSON.

These structs travel only on the log, where ingest and replay write them and the detector reads them,
so they are msgspec structs: decoding costs about a microsecond a call and checks every type.
Fields added later are ignored by older readers; a record of another version is refused.
"""

from typing import Any

import msgspec

VERSION = 1


class LogNeed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One need of a call whose outcome is known; a need without outcome is a bare code."""

    code: str
    met: str | None = None
    reason: str | None = None


class LogCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call as it stands on the log: no coordinates, no postal code, no caller, no id of the CRM."""

    id: str
    """16 hex digits: the keyed 64-bit hash of (source, id)."""
    source: str
    time: int
    """When the contact began, Unix milliseconds."""
    line: str
    needs: tuple[str | LogNeed, ...] = ()
    area: str | None = None
    """Code in the area tree, or `unmapped` when the tree lacks it; None: no place known."""
    type: str | None = None
    channel: str | None = None
    outcome: str | None = None
    wait_seconds: float | None = None
    talk_seconds: float | None = None
    referrals: tuple[str, ...] = ()
    revision: int = 0
    void: bool = False
    count: int = 1

    def codes(self) -> tuple[str, ...]:
        """The codes of the needs, as given."""
        return tuple(need if isinstance(need, str) else need.code for need in self.needs)


class Calls(msgspec.Struct, frozen=True, tag_field="kind", tag="calls"):
    """1 to 500 calls of one home area with the time (ms) at which each was logged."""

    v: int
    at: tuple[int, ...]
    calls: tuple[LogCall, ...]


class Tick(msgspec.Struct, frozen=True, tag_field="kind", tag="tick"):
    """Time itself, Unix milliseconds, for every home area of the partition."""

    v: int
    at: int


class Control(msgspec.Struct, frozen=True, tag_field="kind", tag="control", omit_defaults=True):
    """A decision that the fold must know of; `id` makes a repeat harmless."""

    v: int
    id: str
    type: str
    """config, reference, label, end, event, budget or retract."""
    at: int
    effective_at: int
    issuer: str
    body: dict[str, Any]
    home_area: str | None = None
    """None: every home area of the partition."""


class HistoryCell(msgspec.Struct, frozen=True, array_like=True):
    """Calls of one leaf in one hour: [need, area, hour (Unix hours), line, count]."""

    need: str
    area: str
    hour: int
    line: str
    count: int


class History(msgspec.Struct, frozen=True, tag_field="kind", tag="history"):
    """Hourly leaf counts of a past period, to start warm; replaces what the source had in that period."""

    v: int
    source: str
    start: int = msgspec.field(name="from")
    """First hour, Unix milliseconds."""
    end: int = msgspec.field(name="to")
    """End of the last hour, exclusive, Unix milliseconds."""
    cells: tuple[HistoryCell, ...] = ()


LogRecord = Calls | Tick | Control | History

_decoder = msgspec.json.Decoder(LogRecord)
_encoder = msgspec.json.Encoder()


LATEST_MS = 2**53
DEEPEST = 16
"""Levels of a control's body."""


class BadRecord(ValueError):
    """A record that is not of this contract; the message holds no value of it."""


def decode_record(data: bytes) -> LogRecord:
    """A record of the log.

    Raises:
        BadRecord: not JSON, not of the contract, of another version, or stamps and calls of different number.

    >>> decode_record(b'{"v":1,"kind":"tick","at":1000}')
    Tick(v=1, at=1000)
    """
    try:
        record: LogRecord = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise BadRecord(f"not of the contract at {_place(error)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRecord("not JSON") from None
    except RecursionError:
        raise BadRecord("nested too deep") from None
    if record.v != VERSION:
        raise BadRecord(f"version {record.v} is not known; this reader knows {VERSION}")
    if isinstance(record, Calls) and len(record.at) != len(record.calls):
        raise BadRecord("`at` and `calls` differ in length")
    _check_numbers(record)
    if isinstance(record, Control) and _is_deep(record.body, DEEPEST):
        raise BadRecord("nested too deep")
    return record


def _check_numbers(record: LogRecord) -> None:
    """JSON knows numbers of any length; what is kept of a record must fit into 64 bits."""
    stamps = record.at if isinstance(record, Calls) else () if isinstance(record, History) else (record.at,)
    if not all(0 <= stamp < LATEST_MS for stamp in stamps):
        raise BadRecord("a number out of range at `at`")
    if isinstance(record, Control | History):
        try:
            msgspec.msgpack.encode(record)
        except (OverflowError, RecursionError):
            raise BadRecord("a number out of range, or nested too deep") from None


def _is_deep(value: object, left: int) -> bool:
    """Whether something is nested deeper than so many levels."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(_is_deep(one, left - 1) for one in inside)


def _place(error: msgspec.ValidationError) -> str:
    """The path of a validation error, never its value."""
    _, _, path = str(error).partition(" - at `")
    return path.rstrip("`") or "$"


def encode_record(record: LogRecord) -> bytes:
    """The bytes of a record; decoding them gives an equal record."""
    return _encoder.encode(record)
