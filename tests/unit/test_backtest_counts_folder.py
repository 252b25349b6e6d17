"""Damaged folders of counts and truths: a sentence with file, column or key, row and value; never a traceback."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.cli.__main__ import run
from services.detector.backtest.counts_folder import BadCounts, read_counts
from services.detector.backtest.truth import BadTruth, read_truth
from tests.backtest_world import SERIES, START, at, calls, write_folder, write_truth

HOURS = 2 * 168
REMOVED = object()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "counts", calls(2))


def set_meta(folder: Path, key: str, value: object) -> None:
    """Another value for a key of meta.json, or none."""
    meta = json.loads((folder / "meta.json").read_text())
    meta[key] = value
    (folder / "meta.json").write_text(json.dumps({name: one for name, one in meta.items() if one is not REMOVED}))


def change(folder: Path, column: str, edit: Callable[[pa.ChunkedArray], Any]) -> None:
    """Another column in counts.parquet."""
    table = pq.read_table(folder / "counts.parquet")
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, edit(table[column])), folder / "counts.parquet")


def put(row: int, value: object, kind: pa.DataType | None = None) -> Callable[[pa.ChunkedArray], pa.Array]:
    """An edit of one value; rows are counted from 1."""

    def edit(column: pa.ChunkedArray) -> pa.Array:
        values = column.to_pylist()
        values[row - 1] = value
        return pa.array(values, kind or column.type)

    return edit


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("fine_from", REMOVED, "meta.json lacks fine_from"),
        ("timezone", REMOVED, "meta.json lacks timezone"),
        ("start", 5, "start is 5; write a time with its offset"),
        ("start", "2024-01-01", "start is '2024-01-01'; write a time with its offset"),
        ("start", "0001-01-01T00:00:00Z", "start is '0001-"),
        ("start", "2024-01-01T00:00:00.5Z", "without fractions"),
        ("start", at(0.5), "whole hours apart"),
        ("end", at(-1), "not in this order"),
        ("fine_seconds", 0, "fine_seconds is 0; write seconds that divide an hour"),
        ("fine_seconds", 7, "fine_seconds is 7"),
        ("fine_seconds", "300", "fine_seconds is '300'"),
        ("timezone", "Mars/Olympus", "timezone is 'Mars/Olympus'"),
        ("timezone", "../zones", "timezone is '../zones'"),
        ("timezone", None, "timezone is None"),
    ],
)
def test_a_key_of_meta_that_cannot_be_is_named_with_its_value(folder: Path, key: str, value: object, said: str) -> None:
    set_meta(folder, key, value)
    with pytest.raises(BadCounts) as error:
        read_counts(folder)
    assert said in str(error.value)
    assert "meta.json" in str(error.value)


def test_more_intervals_than_memory_holds_are_refused_before_they_are_made(folder: Path) -> None:
    set_meta(folder, "end", "2190-01-01T00:00:00Z")
    set_meta(folder, "fine_seconds", 60)
    with pytest.raises(BadCounts, match=r"intervals x 4 series are more than .* set fine_from later"):
        read_counts(folder)


EARLY, LATE = START - timedelta(hours=5), START + timedelta(hours=HOURS)


@pytest.mark.parametrize(
    ("column", "edit", "said"),
    [
        ("time", put(3, EARLY), "row 3: time 2023-12-31T19:00:00Z is before start in meta.json; leave the row out"),
        ("time", put(4, LATE), f"row 4: time {at(HOURS)} is not before end"),
        ("time", lambda column: column.cast(pa.int64()), "column time has the type int64; write UTC timestamps"),
        ("time", put(2, None), "row 2: time None stands for nothing"),
        ("count", put(7, -3), "row 7: count -3 is not a whole number"),
        ("count", put(8, 1.5, pa.float64()), "row 8: count 1.5 is not a whole number"),
        ("count", put(1, float("nan"), pa.float64()), "row 1: count nan is not a whole number"),
        ("count", put(1, float("inf"), pa.float64()), "row 1: count inf"),
        ("count", put(5, 10**15), "row 5: count 1000000000000000"),
        ("count", put(6, None), "row 6: count None stands for nothing"),
        ("count", lambda column: column.cast(pa.string()), "column count has the type string; write whole numbers"),
        ("need", put(9, "ZZ"), "row 9: need 'ZZ' is not a leaf of needs.csv; leave the row out or add the code"),
        ("area", put(2, "city"), "row 2: area 'city' is not a leaf of areas.csv"),
        ("area", put(2, None), "row 2: area None stands for nothing"),
        ("need", lambda column: pa.array(range(len(column))), "column need has the type int64; write codes"),
    ],
)
def test_the_first_row_that_cannot_be_is_named_with_its_value(
    folder: Path, column: str, edit: Callable[[pa.ChunkedArray], Any], said: str
) -> None:
    change(folder, column, edit)
    with pytest.raises(BadCounts) as error:
        read_counts(folder)
    assert said in str(error.value)
    assert "counts.parquet" in str(error.value)


def test_a_column_that_is_not_there_is_named_beside_those_that_are(folder: Path) -> None:
    table = pq.read_table(folder / "counts.parquet").rename_columns(["time", "area", "need", "kount"])
    pq.write_table(table, folder / "counts.parquet")
    with pytest.raises(BadCounts, match="the column count and has it not; it has time, area, need, kount"):
        read_counts(folder)


@pytest.mark.parametrize(
    ("file", "body", "said"),
    [
        ("meta.json", "[1]", "is not a JSON object"),
        ("meta.json", "{", "is not JSON"),
        ("counts.parquet", "PAR1 it is not", "cannot be read as Parquet"),
        ("needs.csv", "code,name\n", "needs.csv: the header lacks name_en, parent"),
        ("needs.csv", "code,parent,name_en\n", "needs.csv names no code"),
        ("areas.csv", "code,parent,name\n", "areas.csv names no code"),
        ("holidays.csv", "date,area,name\n24-12-25,,x\n", "holidays.csv line 2"),
        ("areas.geojson", "[]", "areas.geojson is not a GeoJSON"),
    ],
)
def test_a_file_that_is_something_else_is_named(folder: Path, file: str, body: str, said: str) -> None:
    (folder / file).write_text(body)
    with pytest.raises(BadCounts) as error:
        read_counts(folder)
    assert said in str(error.value)


@pytest.mark.parametrize("file", ["meta.json", "counts.parquet", "areas.csv", "needs.csv"])
def test_a_file_that_is_not_there_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BadCounts, match=file):
        read_counts(folder)


def test_rows_of_one_series_and_interval_are_added_up_and_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, before = pq.read_table(folder / "counts.parquet"), read_counts(folder)
    pq.write_table(pa.concat_tables([table, table.slice(0, 5)]), folder / "counts.parquet")
    after = read_counts(folder)
    assert (before.added_up, after.added_up) == (0, 5)
    assert after.hourly.sum() == before.hourly.sum() + sum(table["count"].to_pylist()[:5])
    out = str(tmp_path / "scores.parquet")
    assert run(["backtest", "--counts", str(folder), "--scores", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["added_up"] == 5


def test_columns_as_other_programs_write_them_are_the_same_counts(folder: Path) -> None:
    before = read_counts(folder)
    change(folder, "time", lambda column: column.cast(pa.timestamp("ns")))
    change(folder, "need", lambda column: column.dictionary_encode())
    change(folder, "area", lambda column: column.cast(pa.large_string()))
    change(folder, "count", lambda column: column.cast(pa.float32()))
    after = read_counts(folder)
    assert np.array_equal(before.hourly, after.hourly)
    assert np.array_equal(before.fine, after.fine)


def test_a_file_without_rows_is_a_time_in_which_nobody_called(folder: Path) -> None:
    pq.write_table(pa.table({name: [] for name in ("time", "area", "need", "count")}), folder / "counts.parquet")
    assert read_counts(folder).hourly.sum() == 0.0


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("option", ["--min-score", "--budget", "--false-alarms"])
def test_a_number_that_nothing_can_be_compared_with_is_wrong_use(
    folder: Path, tmp_path: Path, option: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.parquet"
    assert run(["backtest", "--counts", str(folder), "--scores", str(out), f"{option}={number}"]) == 2
    assert option in capsys.readouterr().err
    assert not out.exists()


def test_a_damaged_folder_is_status_2_and_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_meta(folder, "fine_from", REMOVED)
    assert run(["backtest", "--counts", str(folder), "--scores", str(folder / "out")]) == 2
    assert "meta.json lacks fine_from" in capsys.readouterr().err
    assert run(["backtest", "--compare", "--counts", str(folder)]) == 2
    assert "meta.json lacks fine_from" in capsys.readouterr().err


STEP = {"series": 0, "onset": 200, "end": 260}


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("test_from",), REMOVED, "the file lacks test_from"),
        (("test_from",), "soon", "test_from 'soon' is not a time with its offset"),
        (("test_from",), "2024-01-01T00:00:00", "is not a time with its offset"),
        (("end",), at(0), "test_from '2024-01-08T00:00:00Z' is not before `end`"),
        (("series",), {"need": "x"}, "series {'need': 'x'} is not a list"),
        (("series", 0), 5, "series[0] is 5; write an object"),
        (("series", 1, "need"), 7, "series[1].need 7 is not a string"),
        (("surges",), REMOVED, "the file lacks surges"),
        (("surges", 0, "onset"), at(260), "surges[0].onset '2024-01-11T20:00:00Z' is not before `end`"),
        (("surges", 0, "kind"), None, "surges[0].kind None is not a string"),
        (("surges", 0, "members"), [], "surges[0].members [] is empty"),
        (("surges", 0, "members", 0, "area"), "west", "surges[0].members[0].need 'BD-1800.2000' in west is no series"),
        (("surges", 0, "members", 0, "area"), REMOVED, "surges[0].members[0] lacks area"),
    ],
)
def test_what_cannot_be_in_a_truth_is_named_with_its_place(
    tmp_path: Path, place: tuple[str | int, ...], value: object, said: str
) -> None:
    folder = write_truth(tmp_path / "truth", STEP, hours=HOURS, test_from=168)
    body: Any = json.loads((folder / "truth.json").read_text())
    inner = body
    for one in place[:-1]:
        inner = inner[one]
    if value is REMOVED:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    (folder / "truth.json").write_text(json.dumps(body))
    with pytest.raises(BadTruth) as error:
        read_truth(folder, SERIES)
    assert said in str(error.value)
    assert "truth.json" in str(error.value)


def test_a_series_that_only_one_of_counts_and_truth_has_is_named(tmp_path: Path) -> None:
    folder = write_truth(tmp_path / "truth", hours=HOURS, test_from=168)
    with pytest.raises(BadTruth, match=r"only the truth has BH-1800\.8500 in south"):
        read_truth(folder, SERIES[:3])


def test_moments_may_have_any_offset(folder: Path) -> None:
    before = read_counts(folder)
    for key in ("start", "fine_from", "end"):
        moment = datetime.fromisoformat(json.loads((folder / "meta.json").read_text())[key])
        set_meta(folder, key, (moment.astimezone(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00"))
    assert read_counts(folder).start == before.start
