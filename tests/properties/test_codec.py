"""The codec of the hot path and the pydantic contract accept, refuse and read the same JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.call_event import CallEvent
from schemas.codec import (
    CallEventRow,
    NotJson,
    Refusal,
    convert_call_event,
    decode_call_event,
)
from schemas.contracts import CONTRACTS
from schemas.refusal import EXPECTED
from tests.properties.codec_cases import SECRET, damaged, fragments, nearly_valid, valid

SCHEMA = jsonschema.Draft202012Validator(CONTRACTS["call-event"].schema())


@dataclass(frozen=True)
class Reading:
    """What a reader made of some bytes: a call, or the paths it refuses."""

    call: CallEvent | CallEventRow | None
    places: frozenset[str] = frozenset()


def by_pydantic(data: bytes) -> Reading:
    """The contract's reading."""
    try:
        return Reading(CallEvent.model_validate_json(data))
    except ValidationError as error:
        return Reading(None, frozenset(map(path_of, error.errors(include_input=False))))


def path_of(error: Mapping[str, Any]) -> str:
    """Path of one pydantic error without the branch names of a union."""
    branches = {"Need", "constrained-str", "function-before[read_time(), datetime]"}
    return ".".join(str(part) for part in error["loc"] if part not in branches) or "$"


def by_codec(data: bytes) -> Reading:
    """The codec's reading."""
    try:
        return Reading(decode_call_event(data))
    except Refusal as refusal:
        return Reading(None, frozenset({refusal.field}))


def plain(call: CallEvent | CallEventRow) -> dict[str, Any]:
    """A call as plain values that can be compared, whichever reader made it."""
    values = call.model_dump() if isinstance(call, CallEvent) else msgspec.to_builtins(call, builtin_types=(datetime,))
    values["needs"] = [
        need if isinstance(need, str) else {"met": None, "reason": None} | dict(need) for need in values["needs"]
    ]
    values["referrals"] = list(values["referrals"])
    return values


def repeats_a_key(data: bytes) -> bool:
    """True when some object of the text has a key twice, which ingest refuses before it asks a codec."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            raise KeyError

    try:
        json.loads(data, object_pairs_hook=check)
    except KeyError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def agree(data: bytes) -> Reading:
    """Both readings of some bytes, which must be the same one."""
    contract, codec = by_pydantic(data), by_codec(data)
    assert (contract.call is None) == (codec.call is None), (data, contract, codec)
    if contract.call is not None and codec.call is not None:
        assert plain(contract.call) == plain(codec.call)
    return codec


@given(valid)
@settings(max_examples=200)
def test_every_call_of_the_contract_is_read_the_same(call: dict[str, Any]) -> None:
    """Valid calls pass both, with the same values; already parsed values too."""
    read = agree(json.dumps(call).encode()).call
    assert read is not None
    assert convert_call_event(call) == read


@given(nearly_valid())
@settings(max_examples=800)
@example(b'{"id":"a\\n","source":"crm\\n","time":"2026-01-31T08:15:00Z","line":"211","needs":["BD\\n"]}')
@example(b'{"id":"1","source":"crm","time":1769868900,"line":"211","needs":[]}')
@example(b'{"id":"1","source":"crm","time":"1769868900","line":"211","needs":[]}')
@example(b'{"id":"1","source":"crm","time":"2026-01-31T08:15Z","line":"211","needs":[]}')
@example(b'{"id":"1","source":"crm","time":"2026-01-31T08:15:00Z","line":"211","needs":[],"latitude":1}')
def test_nearly_valid_calls_meet_the_same_fate(data: bytes) -> None:
    """Wrong types, ranges, forms, missing and unknown fields."""
    if not repeats_a_key(data):
        agree(data)


@given(damaged() | st.binary(max_size=40) | fragments.map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300)
def test_damaged_bytes_meet_the_same_fate(data: bytes) -> None:
    """Cut, overwritten, wrongly encoded and plain garbage."""
    if not repeats_a_key(data):
        agree(data)


@given(nearly_valid())
@settings(max_examples=300)
def test_a_refusal_names_a_field_that_the_contract_refuses_too(data: bytes) -> None:
    """The codec stops at the first wrong field; pydantic must have that one among its errors."""
    if repeats_a_key(data):
        return
    try:
        decode_call_event(data)
        return
    except NotJson:
        return
    except Refusal as refusal:
        shown = refusal.field.replace("(unreadable name)", "")
    places = by_pydantic(data).places
    assert any(place == "$" or place.startswith(shown) or shown.startswith(f"{place}.") for place in places), (
        shown,
        places,
    )


@given(nearly_valid())
@settings(max_examples=300)
@example(b'{"id":"1","source":"crm","time":"\\ud800","line":"211","needs":[]}')
@example(b'{"id":"\\ud800","source":"crm","time":"2026-01-31T08:15:00Z","line":"211","needs":[]}')
def test_parsed_values_and_bytes_are_refused_alike(data: bytes) -> None:
    """`convert_call_event` after a JSON parser gives what `decode_call_event` gives, field and reason included."""
    try:
        value = json.loads(data, parse_constant=lambda name: pytest.fail(name))
    except (ValueError, RecursionError, pytest.fail.Exception):
        return
    if repeats_a_key(data):
        return
    from_bytes = outcome(lambda: decode_call_event(data))
    from_value = outcome(lambda: convert_call_event(value))
    if isinstance(from_value, CallEventRow) or from_bytes == ("$", NotJson().reason):
        assert isinstance(from_bytes, tuple) or from_bytes == from_value
    else:
        assert from_bytes[0].startswith(from_value[0])  # a list too long: the whole list, or its first item too many


@given(nearly_valid())
@settings(max_examples=300)
def test_what_the_codec_takes_fits_the_published_schema(data: bytes) -> None:
    """Whoever generates a client from the JSON Schema is not told that a good call is bad."""
    try:
        decode_call_event(data)
    except Refusal:
        return
    SCHEMA.validate(json.loads(data))


def outcome(read: Any) -> CallEventRow | tuple[str, str]:
    """A call, or field and reason of its refusal."""
    try:
        row: CallEventRow = read()
    except Refusal as refusal:
        return refusal.field, refusal.reason
    return row


@pytest.mark.parametrize(
    "field", [*CallEvent.model_fields, "needs.0.code", "needs.0.met", "caller.gender", "referrals.0"]
)
def test_no_refusal_shows_a_value(field: str) -> None:
    """A value that stands in the wrong place appears in no message, whichever field it stands in."""
    call: dict[str, Any] = {"id": "1", "source": "crm", "time": "2026-01-31T08:15:00Z", "line": "211", "needs": []}
    name, *rest = field.split(".")
    wrong: Any = [SECRET * 9] if name not in ("needs", "referrals") or rest else SECRET
    for part in reversed(rest):
        wrong = [wrong] if part == "0" else {part: wrong}
    with pytest.raises(Refusal) as refused:
        convert_call_event({**call, name: wrong})
    assert refused.value.field.startswith(name)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("name", [f"x`\n - at `$.id` {SECRET}", f"{SECRET}", "a" * 500, "`", "\n", " - at `$.id`"])
def test_the_name_of_an_unknown_field_cannot_carry_a_value(name: str) -> None:
    """A key comes from outside too."""
    call = {"id": "1", "source": "crm", "time": "2026-01-31T08:15:00Z", "line": "211", "needs": []}
    with pytest.raises(Refusal) as refused:
        convert_call_event({**call, name: 1})
    assert SECRET not in str(refused.value)
    assert len(str(refused.value)) < 120


def test_both_readers_have_the_same_fields_and_defaults() -> None:
    """A field added to one contract is missed in the other."""
    mirror = {field.name: field for field in msgspec.structs.fields(CallEventRow)}
    assert list(mirror) == list(CallEvent.model_fields)
    for name, field in CallEvent.model_fields.items():
        assert mirror[name].required == field.is_required()
        assert field.is_required() or mirror[name].default == field.default
    nested = {"code", "met", "reason", "age_band", "gender", "language", "logged_at", "$", "needs.*", "referrals.*"}
    assert set(EXPECTED) == {*mirror, *nested}


def test_milliseconds_are_exact_at_both_ends_of_the_calendar() -> None:
    """No overflow, no float."""
    base = {"id": "1", "source": "crm", "line": "211", "needs": []}
    for text, expected in (
        ("0001-01-01T00:00:00+14:00", -62135596800000 - 14 * 3_600_000),
        ("9999-12-31T23:59:59.999-14:00", 253402300799999 + 14 * 3_600_000),
        ("2026-01-31T08:15:00.001-06:00", 1769868900001),
    ):
        assert convert_call_event({**base, "time": text}).time_ms() == expected
