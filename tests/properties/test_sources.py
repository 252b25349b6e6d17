"""Whatever bytes come: rows, problems or the one declared error, in memory that the file does not decide."""

import gzip
import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.call_event import CallEvent
from services.ingest.sources.errors import BadExport
from services.ingest.sources.mapping import (
    CALL_EVENT,
    MappedRow,
    Mapping,
    load_mapping,
    parse_mapping,
    shipped_mappings,
)

CRM = """
title = "A CRM"
id.column = "id"
time = { column = ["time", "when"], formats = ["iso", "%d.%m.%Y %H:%M", "unix"], zone = "America/New_York", ambiguous = "order" }
fields = { line = "211", channel = { column = "via", optional = true }, count = { column = "n", optional = true } }
[[needs]]
split = ","
levels = [{ column = "a", optional = true }, { column = "b", optional = true, within = true }]
[[area]]
levels = [{ column = "area", optional = true, take = "code" }]
[[area]]
point = { latitude = "x.lat", longitude = "x.lon", optional = true }
"""  # noqa: E501
SHIPPED = tuple(name for name in shipped_mappings() if name != CALL_EVENT)
MAPPINGS = (Mapping("crm", parse_mapping(CRM, "crm.toml")), *map(load_mapping, (CALL_EVENT, *SHIPPED)))
COLUMNS = {
    "boston311": "event_id ts reason category type region neighborhood lat lon source",
    "nyc-council": "unique_key opendate complaint_type descriptor borough community_board zip",
}
NAMES = ["", "x.csv", "x.ndjson", "x.json"]


def read(mapping: Mapping, data: bytes, file_name: str = "") -> tuple[list[MappedRow], BadExport | None]:
    rows: list[MappedRow] = []
    try:
        rows.extend(mapping.read(io.BytesIO(data), file_name=file_name))
    except BadExport as error:
        return rows, error
    return rows, None


def check(rows: list[MappedRow]) -> None:
    """Each row is a call that the contract takes, or a problem."""
    assert [row.index for row in rows] == sorted({row.index for row in rows})
    for row in rows:
        assert (row.call is None) != (row.problem is None)
        if row.call is not None:
            CallEvent.model_validate_json(json.dumps(row.call))


text = st.text(st.characters(codec="utf-8"), max_size=12)
value = st.one_of(
    text,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(text, max_size=2),
    st.sampled_from(["1e999", "٣"]),
)
columns = st.sampled_from(["id", "time", "when", "a", "b", "n", "via", "area", "x", "x.lat", "x.lon", "needs", "line"])
times = st.sampled_from(
    ["2015-11-01T01:30:00", "2015-03-08T02:30:00", "01.02.2020 10:00", "0", "2015-01-01", "-1", "1e18"]
)
record: st.SearchStrategy[dict[str, Any]] = st.dictionaries(columns, value, max_size=8).flatmap(
    lambda base: st.builds(lambda time, id: {"id": id, "time": time, **base}, times, text)
)


@given(st.binary(max_size=300), st.sampled_from(NAMES), st.booleans())
def test_any_bytes_give_rows_problems_or_the_declared_error(data: bytes, name: str, packed: bool) -> None:
    for mapping in MAPPINGS:
        rows, _ = read(mapping, gzip.compress(data) if packed else data, name)
        check(rows)


@given(st.lists(record, max_size=6), st.sampled_from(["array", "lines"]))
def test_any_json_records_give_calls_or_problems(records: list[dict[str, Any]], form: str) -> None:
    lines = [json.dumps(one) for one in records]
    body = "[" + ",".join(lines) + "]" if form == "array" else "\n".join(lines)
    rows, error = read(MAPPINGS[0], body.encode())
    check(rows)
    assert error is None or not records
    assert len(rows) == len(records)


@given(st.lists(st.lists(text, min_size=4, max_size=4), max_size=6), st.sampled_from(",;\t|"))
def test_any_cells_give_calls_or_problems(cells: list[list[str]], delimiter: str) -> None:
    header = delimiter.join(["id", "when", "a", "b"])
    body = "\n".join([header, *(delimiter.join('"' + c.replace('"', '""') + '"' for c in row) for row in cells)])
    rows, error = read(MAPPINGS[0], body.encode(), "x.csv")
    check(rows)
    assert error is None
    assert len(rows) == sum(any(row) for row in cells)


@given(st.lists(record, min_size=1, max_size=6), st.data())
def test_a_cut_never_costs_a_whole_row_before_it(records: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = [json.dumps(one) for one in records]
    body = "[" + ",".join(lines) + "]"
    cut = data.draw(st.integers(1, len(body) - 1))
    rows, error = read(MAPPINGS[0], body[:cut].encode())
    whole, _ = read(MAPPINGS[0], body.encode())
    assert error is not None
    assert rows == whole[: len(rows)]
    assert len(rows) >= body[:cut].count("},{") - str(lines).count("},{")


@given(st.binary(min_size=1, max_size=200), st.lists(st.integers(1, 40), min_size=1, max_size=20))
@settings(max_examples=50)
def test_how_the_stream_is_cut_into_pieces_changes_nothing(data: bytes, sizes: list[int]) -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            sizes.append(sizes.pop(0))
            return super().read(sizes[-1])

    body = b'{"id":"\xc3\xa9","time":"2020-01-01"}\r\n' * 3 + data
    whole, error = read(MAPPINGS[0], body, "x.ndjson")
    rows: list[MappedRow] = []
    try:
        rows.extend(MAPPINGS[0].read(Dribble(body), file_name="x.ndjson"))
    except BadExport:
        assert error is not None
    assert rows == whole


MB = 1_000_000


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"x" * 30 * MB, "x.csv"),
        (b"x" * 30 * MB, "x.ndjson"),
        (b'["' + b"x" * 30 * MB, "x.json"),
        (b"[" * 30 * MB, "x.json"),
        (b'[{"id":' + b'["a",' * 6 * MB, "x.json"),
        (b"[" + b'["a"],' * 50_000, "x.json"),
        (b'id,time\n"' + b"1,2\n" * 20_000 + b"x" * 30 * MB, "x.csv"),
        (b"id,time\n" + b"," * 30 * MB, "x.csv"),
    ],
    ids=["line", "line of JSON", "string", "brackets", "deep", "items", "open quote", "cells"],
)
def test_a_small_gzip_of_a_huge_text_stays_small_in_memory(body: bytes, name: str) -> None:
    packed = io.BytesIO(gzip.compress(body, 1))
    del body
    tracemalloc.start()
    try:
        for _ in MAPPINGS[0].read(packed, file_name=name):
            pass
    except BadExport:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 12 * MB


@settings(deadline=None)
@given(st.data(), st.sampled_from(SHIPPED), st.booleans())
def test_any_values_in_the_columns_of_a_shipped_mapping_give_calls_or_problems(
    data: st.DataObject, name: str, as_json: bool
) -> None:
    names = COLUMNS[name].split()
    some = st.sampled_from(["Boston", "01 Bronx", "10451", "2015-03-08T02:30:00", "02/29/2016", "42.3", "-71", ""])
    cells = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, text | some)), min_size=1, max_size=4))
    if as_json:
        body = json.dumps(cells)
    else:
        lines = [names, *([row[one] for one in names] for row in cells)]
        body = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    rows, error = read(load_mapping(name), body.encode(), "x.json" if as_json else "x.csv")
    check(rows)
    assert error is None
    assert len(rows) == sum(as_json or any(row.values()) for row in cells)
