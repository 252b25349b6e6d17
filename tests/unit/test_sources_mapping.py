"""Mapping files: every entry does what it says, in CSV, NDJSON and JSON; a bad row costs no other."""

import gzip
import io
import json
from pathlib import Path

import pytest

from services.ingest.sources.errors import BadExport, BadMapping
from services.ingest.sources.mapping import MappedRow, Mapping, Problem, load_mapping, parse_mapping

BASE = """
title = "A county's CRM"
id.column = ["Case", "CaseID"]
time = { column = "Opened", zone = "America/Chicago" }
fields.line = "211"
"""
FULL = (
    BASE
    + """
fields.channel = { column = "Via", values = { "Call" = "phone" }, otherwise = "other" }
fields.wait_seconds = { column = "Wait", optional = true }
fields.void = { column = "Void", optional = true }
caller.language = { column = "Language", values = { "English" = "en" }, optional = true }
[[needs]]
split = ";"
met = { column = "Met", values = { "Y" = "met", "N" = "unmet" }, optional = true }
levels = [{ column = "Codes", take = "code", optional = true }]
[[needs]]
levels = [
  { column = "Group", optional = true, prefix = "g." },
  { column = "Topic", optional = true, values = { "Heat" = "TH-2600" }, empty = ["n/a"] },
]
[[area]]
levels = [{ column = "Town", optional = true, prefix = "t-", pattern = '[A-Za-z ]+' }]
[[area]]
postal_code = { column = "Zip", optional = true }
[[area]]
point = { latitude = "Lat", longitude = "Lon", no_place = [[42.3594, -71.0587]], optional = true }
[[drop]]
column = "Kind"
values = ["test", "internal"]
optional = true
"""
)


def mapping(text: str = FULL) -> Mapping:
    return Mapping("county", parse_mapping(text, "county.toml"))


def read(data: str | bytes, text: str = FULL, **hints: str) -> list[MappedRow]:
    return list(mapping(text).read(io.BytesIO(data.encode() if isinstance(data, str) else data), **hints))


def one(columns: dict[str, str], text: str = FULL) -> MappedRow:
    record = {"Case": "7", "Opened": "2026-01-05T10:00:00", "Via": "Call", **columns}
    (row,) = read(json.dumps([record]), text)
    return row


def call(columns: dict[str, str]) -> dict[str, object]:
    row = one(columns)
    assert row.call is not None, row.problem
    return row.call


def test_a_row_becomes_a_call_event() -> None:
    assert call({"Codes": "BD-1800.2000", "Town": "San José"}) == {
        "id": "7",
        "source": "county",
        "time": "2026-01-05T16:00:00Z",
        "line": "211",
        "needs": ["BD-1800.2000"],
        "channel": "phone",
    }
    assert call({"Town": "Oak Park"})["area"] == "t-oak-park"


@pytest.mark.parametrize(
    ("columns", "needs"),
    [
        ({"Codes": "BD;BH-1800; BD ;"}, ["BD", "BH-1800"]),
        ({"Codes": "BD;BH", "Met": "N"}, [{"code": "BD", "met": "unmet"}, {"code": "BH", "met": "unmet"}]),
        ({"Codes": "BD", "Met": "?"}, ["BD"]),
        ({"Group": "Housing & Heat", "Topic": "No heat!"}, ["no-heat"]),
        ({"Group": "Housing & Heat", "Topic": "n/a"}, ["g.housing-heat"]),
        ({"Topic": "Heat"}, ["TH-2600"]),
        ({}, []),
    ],
)
def test_needs_come_from_codes_from_texts_or_not_at_all(columns: dict[str, str], needs: list[object]) -> None:
    assert call(columns)["needs"] == needs


@pytest.mark.parametrize(
    ("columns", "place"),
    [
        ({"Town": "Oak Park", "Zip": "60301", "Lat": "41.9", "Lon": "-87.8"}, {"area": "t-oak-park"}),
        ({"Town": "0230458", "Zip": "60301"}, {"postal_code": "60301"}),
        ({"Zip": "?", "Lat": "41.9", "Lon": "-87.8"}, {"latitude": 41.9, "longitude": -87.8}),
        ({"Lat": "42.3594", "Lon": "-71.0587"}, {}),
        ({"Lat": "0", "Lon": "0.0"}, {}),
        ({"Lat": "41.9"}, {}),
    ],
)
def test_the_first_way_that_leads_to_a_place_counts(columns: dict[str, str], place: dict[str, object]) -> None:
    found = call(columns)
    assert {name: found[name] for name in ("area", "postal_code", "latitude", "longitude") if name in found} == place


def test_values_are_translated_and_typed() -> None:
    found = call({"Via": "Carrier pigeon", "Wait": "12.5", "Void": "Yes", "Language": "English"})
    assert (found["channel"], found["wait_seconds"], found["void"]) == ("other", 12.5, True)
    assert found["caller"] == {"language": "en"}
    assert "caller" not in call({"Language": "Klingon"})


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"Case": ""}, Problem("id", "is missing")),
        ({"Opened": ""}, Problem("time", "is missing")),
        ({"Opened": "soon"}, Problem("time", "is not a time in a format of the mapping")),
        ({"Codes": "BD SECRET"}, Problem("needs", "is not a code")),
        ({"Lat": "north", "Lon": "1"}, Problem("latitude", "is not a number, or longitude is not")),
        ({"Wait": "long"}, Problem("wait_seconds", "is not a number")),
        ({"Void": "perhaps"}, Problem("void", "is neither yes nor no")),
        ({"Wait": "-1"}, Problem("wait_seconds", "must be a number from 0 to 604800")),
        ({"Town": "x" * 3000}, Problem("Town", "is longer than 2000 characters")),
    ],
)
def test_a_bad_row_is_named_by_field_and_reason(columns: dict[str, str], problem: Problem) -> None:
    assert one(columns).problem == problem


def test_rows_that_are_no_calls_are_left_out() -> None:
    shared = {"Opened": "2026-01-05", "Via": "Call"}
    kinds = [{**shared, "Case": "1", "Kind": "test"}, {**shared, "Case": "2", "Kind": "call"}]
    assert [row.call and row.call["id"] for row in read(json.dumps(kinds))] == ["2"]


def test_columns_may_have_had_other_names_and_other_cases() -> None:
    rows = read("caseid,OPENED ,via,Notes\n1,2026-01-05,Call,a name\n", file_name="x.csv")
    assert rows[0].call is not None
    assert rows[0].call["id"] == "1"
    assert "a name" not in str(rows[0])


def test_a_dot_leads_into_an_object() -> None:
    text = BASE.replace('column = "Opened"', 'column = "when.start"')
    (row,) = read('{"Case": 5, "when": {"start": "2026-01-05"}}', text)
    assert row.call is not None
    assert row.call["id"] == "5"
    (row,) = read('{"Case": 5, "when": {"start": ["2026-01-05"]}}', text)
    assert row.problem == Problem("when.start", "is a list or an object where a text is needed")


CSV_ROWS = [["Case", "Opened", "Town"], ["1", "2026-01-05", "A, B"], ["2", "2026-01-06", 'say "x"']]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_any_dialect_of_csv_is_read(delimiter: str, end: str, encoding: str, packed: bool) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    data = end.join(delimiter.join(map(quoted, row)) for row in CSV_ROWS).encode(encoding)
    rows = read(gzip.compress(data) if packed else data, BASE)
    assert [row.call and row.call["id"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("data", "hints"),
    [
        ('{"Case":"1","Opened":"2026-01-05"}\n\n{"Case":"2","Opened":"2026-01-06"}', {}),
        ('[{"Case":"1","Opened":"2026-01-05"},\n {"Case":"2","Opened":"2026-01-06"}]', {}),
        (
            '{"Case":"1",\n"Opened":"2026-01-05"}\n{"Case":"2","Opened":"2026-01-06"}',
            {"content_type": "application/json"},
        ),
        ('\ufeff[{"Case":"1","Opened":"2026-01-05"},{"Case":"2","Opened":"2026-01-06"}]', {"file_name": "a.json"}),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_json_is_read_as_lines_array_or_objects(data: str, hints: dict[str, str], packed: bool) -> None:
    body = gzip.compress(data.encode()) if packed else data.encode()
    assert [row.call and row.call["id"] for row in read(body, BASE, **hints)] == ["1", "2"]


def test_one_bad_line_of_ndjson_costs_no_other() -> None:
    good = '{"Case":"%d","Opened":"2026-01-05"}'
    lines = [good % 0, "{nonsense", good % 2, "[1]", '{"Case":"\udc80"}', good % 5, '{"a":' * 3000]
    rows = read("\n".join(lines).encode("utf-8", "surrogateescape"), BASE)
    assert [row.index for row in rows if row.call] == [0, 2, 5]
    assert [row.problem and row.problem.reason for row in rows if not row.call] == [
        "is not JSON",
        "is not a JSON object",
        "is not in the encoding of the file",
        "is nested too deep",
    ]


def test_bytes_of_another_encoding_cost_only_their_row() -> None:
    rows = read(b"Case,Opened\n1,2026-01-05\n\xff2,2026-01-05\n3,2026-01-05\n", BASE)
    assert [(row.index, row.problem is None) for row in rows] == [(0, True), (1, False), (2, True)]


def test_an_over_long_line_is_named_and_the_next_ones_are_read() -> None:
    lines = [
        '{"Case":"1","Opened":"2026-01-05"}',
        '{"Case":"' + "x" * 2_000_000 + '"}',
        '{"Case":"3","Opened":"2026-01-05"}',
    ]
    for data in ("\n".join(lines), "[" + ",".join(lines) + "]"):
        assert [row.problem is None for row in read(data, BASE)] == [True, False, True]


def test_an_open_quote_does_not_swallow_the_file() -> None:
    tail = "".join(f"{number},2026-01-05\n" for number in range(20_000))
    rows = read('Case,Opened\n"1,2026-01-05\n' + tail, BASE)
    assert sum(row.call is not None for row in rows) > 8_000
    assert any(row.problem and "quote" in row.problem.reason for row in rows)


@pytest.mark.parametrize(
    "data", [b"", b"   \n\n", gzip.compress(b"", mtime=0), b"\xef\xbb\xbf"], ids=["nothing", "blanks", "packed", "mark"]
)
def test_an_empty_file_is_an_error_that_says_so(data: bytes) -> None:
    for hints in ({}, {"file_name": "a.json"}, {"file_name": "a.ndjson"}, {"file_name": "a.csv"}):
        with pytest.raises(BadExport, match="is empty"):
            read(data, BASE, **hints)


def test_a_header_alone_is_a_file_without_rows() -> None:
    assert read("Case,Opened\n", BASE) == []


def test_another_header_is_one_error_that_names_what_is_missing() -> None:
    with pytest.raises(BadExport) as refused:
        read("Name,Phone\nJane Doe,555-0100\n", BASE)
    assert "'Case' or 'CaseID' (for id)" in str(refused.value)
    assert "'Opened' (for time)" in str(refused.value)
    assert "Jane" not in str(refused.value)


@pytest.mark.parametrize("spoil", ["cut", "damaged"])
def test_what_stood_before_a_cut_is_kept(spoil: str) -> None:
    lines = "".join(f'{{"Case":"{number * 7919 % 100003}","Opened":"2026-01-05"}}\n' for number in range(30_000))
    packed = gzip.compress(lines.encode())
    half = len(packed) // 2
    data = packed[:half] if spoil == "cut" else packed[:half] + b"\xff" * 50 + packed[half + 50 :]
    kept: list[MappedRow] = []
    with pytest.raises(BadExport, match=r"gzip.*rows read before: \d+"):
        kept.extend(mapping(BASE).read(io.BytesIO(data)))
    assert len(kept) > 1_000
    assert [row.problem for row in kept[:-50] if row.problem] == []


def test_gzip_of_several_members_is_one_file() -> None:
    body = gzip.compress(b"Case,Opened\n1,2026-01-05\n") + gzip.compress(b"2,2026-01-06\n") + b"\0" * 9
    assert len(read(body, BASE)) == 2


@pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"PAR1rest", b"%PDF-1.7"])
def test_a_foreign_file_is_named(data: bytes) -> None:
    with pytest.raises(BadExport, match="the file is a"):
        read(data, BASE)


@pytest.mark.parametrize("end", [",", "}", "] 2", ""])
def test_a_json_array_that_is_none_is_an_error_after_its_good_items(end: str) -> None:
    data = '[{"Case":"1","Opened":"2026-01-05"},{"Case":"2","Opened":"2026-01-05"}' + end
    kept: list[MappedRow] = []
    with pytest.raises(BadExport, match="JSON"):
        kept.extend(mapping(BASE).read(io.BytesIO(data.encode())))
    assert [row.call and row.call["id"] for row in kept][:1] == ["1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"America/Chicago"', '"Chicago"'), "time.zone"),
        (('fields.line = "211"', ""), "fields"),
        (('title = "A', 'colour = "red"\ntitle = "A'), "colour"),
        (("= ", ""), "not TOML"),
        (('zone = "America/Chicago"', 'formats = ["%Q%"]'), "time.formats"),
    ],
)
def test_a_wrong_mapping_file_names_the_entry(change: tuple[str, str], said: str) -> None:
    with pytest.raises(BadMapping, match=said):
        parse_mapping(BASE.replace(*change), "county.toml")


def test_the_reference_folder_comes_before_what_ships(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "boston311.toml").write_text(BASE, encoding="utf-8")
    rows = load_mapping("boston311", tmp_path).read(io.BytesIO(b"Case,Opened\n1,2026-01-05\n"))
    assert [row.call and row.call["source"] for row in rows] == ["boston311"]


@pytest.mark.parametrize("name", ["../secrets", "Boston", "", "a/b", "nobody"])
def test_a_name_that_is_no_source_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadMapping):
        load_mapping(name, tmp_path)


def test_call_events_pass_as_they_are_with_their_stamp() -> None:
    event = {"id": "1", "source": "crm", "time": "2026-01-05T10:00:00Z", "line": "211", "needs": ["BD"]}
    lines = [{**event, "logged_at": "2026-01-05T10:05:00Z"}, {**event, "logged_at": 1767607500000}, event]
    lines += [{**event, "logged_at": "noon"}, {**event, "phone": "555-0100"}]
    rows = list(load_mapping("call-event").read(io.BytesIO("\n".join(map(json.dumps, lines)).encode())))
    assert [row.item() for row in rows[:3]] == lines[:3]
    assert [row.call for row in rows[:3]] == [event] * 3
    assert [row.problem and row.problem.field for row in rows[3:]] == ["logged_at", "phone"]
    assert "555" not in str(rows[4])
