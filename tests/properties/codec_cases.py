"""Calls that are valid, nearly valid and damaged, for the tests of the codec."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from schemas.call_event import CallEvent

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
