"""The codec of the hot path and the pydantic contract accept, refuse and read the same JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

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
from schemas.refusal import EXPECTED

SECRET = "Jean-Dupont-6175550100"

TIMES = (
    "2026-01-31T08:15:00Z",
    "2026-01-31T08:15:00-06:00",
    "2026-01-31t08:15:00.123456z",
    "2026-01-31 08:15:00+05:30",
    "2026-01-31T08:15:00.9999999Z",
    "2026-01-31T08:15:00+0530",
    "2026-01-31T08:15:00",
    "2026-01-31T08:15Z",
    "2026-01-31T08:15:60Z",
    "2016-12-31T23:59:60Z",
    "2026-01-31T24:00:00Z",
    "2026-02-30T08:15:00Z",
    "2026-01-31",
    "2026-01-31T08:15:00,5Z",
    "2026-01-31T08:15:00\u221206:00",
    "2026-01-31_08:15:00Z",
    "2026-01-31T08:15:00+24:00",
    "2026-01-31T08:15:00 Z",
    " 2026-01-31T08:15:00Z",
    "2026-01-31T08:15:00Z\n",
    "1970-01-01T00:00:00Z",
    "2200-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59.9999999Z",
    "1769868900",
    "20260131T081500Z",
    "P1D",
    "now",
    "",
)
NUMBERS = (
    *(
        "0",
        "-0",
        "1",
        "1.0",
        "-0.0",
        "1e0",
        "16",
        "1E2",
        "90",
        "90.000000000000000001",
        "-180",
        "180.1",
        "604800",
        "604801",
    ),
    *("10000", "10001", "2147483647", "2147483648", "-1", "9223372036854775808", "1e400", "-1e400", "1e-400", "0.1"),
    *("1" + "0" * 400, "1" + "0" * 5000, "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "0x1", "1_000"),
)
RAW_STRINGS = (
    r'"\ud800"',
    r'"\udc00"',
    r'"\ud83d\ude00"',
    r'"a\u0000b"',
    r'"\u0061"',
    '"a\\/b"',
    r'"\x41"',
    '"\t"',
    '"a',
    "'a'",
)
TEXTS = (
    "",
    " ",
    "a",
    "A1",
    "a" * 63,
    "a" * 64,
    "a" * 65,
    "a" * 128,
    "a" * 129,
    "\U0001f600" * 128,
    "BD-1800.2000",
    "a\n",
    "a b",
)
MORE_TEXTS = (
    "é",
    "a\x7f",
    "211",
    "311",
    "phone",
    "met",
    "true",
    "02139",
    "H2X 1Y4",
    "1",
    "en",
    "75+",
    "unknown",
    "other",
    SECRET,
)

codes = st.sampled_from(["BD", "BD-1800.2000", "311:pothole", "a_b", "0"])
met = st.sampled_from(["met", "partial", "unmet", "unknown"])
reasons = st.sampled_from(["none_exists", "full", "closed", "not_eligible", "too_far", "declined", "other"])
needs = codes | st.fixed_dictionaries({"code": codes}, optional={"met": met | st.none(), "reason": reasons | st.none()})
ages = st.sampled_from(["0-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+", "unknown"])
callers = st.fixed_dictionaries(
    {},
    optional={
        "age_band": ages,
        "gender": st.sampled_from(["female", "male", "other", "unknown"]),
        "language": st.sampled_from(["en", "fr", "es", "vie"]),
    },
)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
REQUIRED: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128),
    "source": st.sampled_from(["crm", "0", "boston-311"]),
    "time": st.datetimes(timezones=offsets).map(datetime.isoformat),
    "line": st.sampled_from(["211", "311", "other"]),
    "needs": st.lists(needs, max_size=16),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "revision": st.integers(0, 2**31 - 1),
    "void": st.booleans(),
    "type": st.sampled_from(["information", "referral", "service_request", "complaint", "other"]) | st.none(),
    "area": codes | st.none(),
    "postal_code": st.sampled_from(["02139", "H2X 1Y4", "H2X-1Y4"]) | st.none(),
    "channel": st.sampled_from(["phone", "text", "chat", "email", "web", "app", "walk_in", "other"]),
    "outcome": st.sampled_from(["answered", "abandoned", "callback", "transferred"]),
    "wait_seconds": st.floats(0, 604_800) | st.integers(0, 604_800) | st.none(),
    "talk_seconds": st.floats(0, 604_800),
    "referrals": st.lists(codes, max_size=16),
    "caller": callers | st.none(),
    "count": st.integers(1, 10_000),
}
coordinates = st.just({}) | st.fixed_dictionaries({"latitude": st.floats(-90, 90), "longitude": st.floats(-180, 180)})
valid = st.builds(lambda one, two: {**one, **two}, st.fixed_dictionaries(REQUIRED, optional=OPTIONAL), coordinates)

FIELDS = (*CallEvent.model_fields, "logged_at", "name", "phone", "notes", "", "Id", "id ", "code", "met")
fragments = st.one_of(
    st.sampled_from(TIMES + TEXTS + MORE_TEXTS).map(json.dumps),
    st.sampled_from(NUMBERS + RAW_STRINGS + ("null", "true", "false", "[]", "{}", "nul", "")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(TEXTS),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
        max_leaves=12,
    ).map(json.dumps),
    st.lists(needs | st.sampled_from(TEXTS), min_size=15, max_size=18).map(json.dumps),
    st.sampled_from([1, 50, 3000]).map(lambda depth: "[" * depth + "]" * depth),
)


@st.composite
def nearly_valid(draw: st.DrawFn) -> bytes:
    """A valid call in which up to two fields are replaced, added, taken away or put into another place."""
    call: dict[str, str] = {name: json.dumps(value) for name, value in draw(valid).items()}
    for _ in range(draw(st.integers(0, 2))):
        field = draw(st.sampled_from(FIELDS))
        match draw(st.sampled_from(["set", "set", "set", "drop", "need", "caller"])):
            case "drop":
                call.pop(field, None)
            case "need":
                call["needs"] = f'["BD", {{"code": "BH", {json.dumps(field)}: {draw(fragments)}}}]'
            case "caller":
                call["caller"] = f"{{{json.dumps(field)}: {draw(fragments)}}}"
            case _:
                call[field] = draw(fragments)
    return ("{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in call.items()) + "}").encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A call with some bytes overwritten, cut off or added."""
    data = draw(nearly_valid())
    cut = draw(st.integers(0, len(data)))
    junk = draw(
        st.sampled_from([b"", b"\x00", b"\xff", b"\xef\xbb\xbf", b"{", b'"', b"\xed\xa0\x80", b" ", b"\\", b"]"])
    )
    return data[:cut] + junk + data[draw(st.sampled_from([cut, cut + 1, len(data)])) :]


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
