"""Whatever is posted, ingest answers with a status it has promised, and never shows what was in the body."""

import asyncio
import itertools
import json
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Refusal
from services.ingest.bodies import MAX_DEPTH, bounded, items_of, lines_of, read_json, too_deep
from services.ingest.cloudevents import BATCH, STRUCTURED, unwrap
from services.ingest.problems import Problem
from services.ingest.translation import modern_code

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)
PROMISED = {None, 400, 413, 415}


def _status(act: Callable[[], object]) -> int | None:
    """Status of the problem that an act ends with; None without one."""
    try:
        act()
    except Problem as problem:
        return problem.status
    return None


async def _stream(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({min(one, len(data)) for one in at} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_with_a_promised_status(data: bytes) -> None:
    assert _status(lambda: items_of(read_json(data))) in PROMISED


@given(VALUES)
def test_what_json_can_say_comes_back_as_it_was(value: Any) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(st.text(max_size=5), VALUES, VALUES)
def test_a_key_that_stands_twice_is_refused_however_deep(key: str, one: Any, two: Any) -> None:
    name = json.dumps(key)
    body = f'[{{"a": {{{name}: {json.dumps(one)}, {name}: {json.dumps(two)}}}}}]'
    with pytest.raises(Problem) as caught:
        read_json(body.encode())
    assert caught.value.status == 400


@given(st.integers(1, 30), st.booleans())
def test_depth_is_counted_in_levels(levels: int, objects: bool) -> None:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if objects else [value]
    assert too_deep(value) == (levels > MAX_DEPTH)


@given(
    st.lists(VALUES, max_size=8), st.lists(st.integers(0, 2000), max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"])
)
def test_ndjson_does_not_depend_on_where_the_network_cuts_it(values: list[Any], cuts: list[int], end: str) -> None:
    data = "".join(json.dumps(value) + end for value in values).encode()

    async def read() -> list[Any]:
        return [item async for batch in lines_of(_stream(_cut(data, cuts))) for item in batch]

    assert asyncio.run(read()) == list(enumerate(values))


@settings(deadline=None)
@given(st.binary(max_size=5000), st.lists(st.integers(0, 6000), max_size=6), st.integers(0, 6000))
def test_gzip_gives_the_same_bytes_however_it_is_cut_and_a_part_of_it_is_refused(
    data: bytes, cuts: list[int], length: int
) -> None:
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(data) + packer.flush()

    async def unpack(given_bytes: bytes, limit: int) -> bytes:
        pieces = bounded(_stream(_cut(given_bytes, cuts)), gzip=True, limit=limit)
        return b"".join([piece async for piece in pieces])

    assert asyncio.run(unpack(packed, 10_000)) == data
    if length < len(packed):
        with pytest.raises(Problem) as caught:
            asyncio.run(unpack(packed[:length], 10_000))
        assert caught.value.status == 400
    if len(data) > 1:
        with pytest.raises(Problem) as caught:
            asyncio.run(unpack(packed, len(data) - 1))
        assert caught.value.status == 413


@given(st.lists(VALUES, min_size=1, max_size=3), st.sampled_from([STRUCTURED, BATCH, "application/json"]))
def test_any_value_passes_through_cloudevents_as_a_call_or_a_refusal(values: list[object], media: str) -> None:
    headers = {"ce-specversion": "1.0"} if media == "application/json" else {}
    found: list[object] = []
    assert _status(lambda: found.extend(unwrap(values, media, headers))) in (None, 400)
    assert all(isinstance(one, Refusal | dict) for one in found)


@given(st.text())
def test_a_modern_code_stays_as_it_is(code: str) -> None:
    assert modern_code(modern_code(code)) == modern_code(code)
