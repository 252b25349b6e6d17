"""A folder of counts or a truth with anything broken in it: scores or a sentence, never another error."""

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detector.backtest.counts import Counts, score_counts
from services.detector.backtest.counts_folder import BadCounts, read_counts
from services.detector.backtest.rows import collect
from services.detector.backtest.truth import BadTruth, read_truth
from tests.backtest_world import SERIES, at, calls, write_folder, write_truth

EXAMPLES = 60
Damage = Callable[[Path], None]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([at(0), at(1), at(100.5), at(-1), "2024-01-01", "UTC", "9999-12-31T23:59:59Z", "", 300, 3600, -5]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
columns = st.sampled_from(["time", "area", "need", "count"])
kinds = st.sampled_from(
    [pa.int64(), pa.float64(), pa.string(), pa.binary(), pa.date32(), pa.timestamp("us"), pa.null()]
)


def meta(key: str, value: object) -> Damage:
    def damage(folder: Path) -> None:
        body = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps(body | {key: value}))

    return damage


def cast(column: str, kind: pa.DataType) -> Damage:
    """A column of another type, as far as there is a way to it."""

    def damage(folder: Path) -> None:
        table = pq.read_table(folder / "counts.parquet")
        place = table.schema.get_field_index(column)
        try:
            other = pa.nulls(len(table)) if kind == pa.null() else table[column].cast(kind, safe=False)
        except pa.ArrowException:
            other = pa.array([[1]] * len(table))
        pq.write_table(table.set_column(place, column, other), folder / "counts.parquet")

    return damage


def without(column: str) -> Damage:
    def damage(folder: Path) -> None:
        table = pq.read_table(folder / "counts.parquet")
        pq.write_table(table.drop_columns([column]), folder / "counts.parquet")

    return damage


def number(row: int, value: float) -> Damage:
    def damage(folder: Path) -> None:
        table = pq.read_table(folder / "counts.parquet")
        count = table["count"].to_numpy().astype(np.float64)
        count[row % len(count)] = value
        place = table.schema.get_field_index("count")
        pq.write_table(table.set_column(place, "count", pa.array(count)), folder / "counts.parquet")

    return damage


def file_bytes(name: str, keep: float, junk: bytes) -> Damage:
    """A file that ends early, or has something else in its middle."""

    def damage(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        cut = int(keep * len(whole))
        (folder / name).write_bytes(whole[:cut] + junk + (whole[cut + len(junk) :] if junk else b""))

    return damage


damages = st.one_of(
    st.builds(meta, st.sampled_from(["start", "end", "fine_from", "fine_seconds", "timezone"]), values),
    st.builds(cast, columns, kinds),
    st.builds(without, columns),
    st.builds(number, st.integers(0, 500), st.floats()),
    st.builds(
        file_bytes,
        st.sampled_from(["counts.parquet", "meta.json", "areas.csv", "needs.csv", "holidays.csv"]),
        st.floats(0.0, 1.0),
        st.binary(max_size=6),
    ),
)


@settings(max_examples=EXAMPLES)
@given(st.lists(damages, min_size=1, max_size=2))
def test_a_damaged_folder_gives_scores_or_a_sentence(several: list[Damage]) -> None:
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = Path(place, "counts")
        shutil.copytree(_whole(), folder)
        try:
            for damage in several:
                damage(folder)
        except (OSError, pa.ArrowException, ValueError, KeyError, AttributeError, TypeError):
            pass  # the first damage left nothing for the second
        counts, said = _read(folder)
        if counts is None:
            assert str(folder) in said
        elif counts.hourly.shape[1] + counts.fine.shape[1] // counts.steps <= 400:
            assert np.isfinite(collect(score_counts(counts, fine=False), 0.0).score).all()


@settings(max_examples=EXAMPLES)
@given(
    st.lists(
        st.sampled_from(["series", "surges", "test_from", "end", 0, "members", "need", "onset", "kind"]), max_size=4
    ),
    values,
)
def test_a_damaged_truth_is_read_or_gives_a_sentence(path: list[str | int], value: object) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = write_truth(Path(place, "truth"), {"series": 1, "onset": 5, "end": 9}, hours=168, test_from=0)
        body: Any = json.loads((folder / "truth.json").read_text())
        inner = body
        try:
            for one in path[:-1]:
                inner = inner[one]
            inner[path[-1] if path else "series"] = value
        except (KeyError, IndexError, TypeError):
            pass
        (folder / "truth.json").write_text(json.dumps(body))
        said = ""
        try:
            weeks = read_truth(folder, SERIES).weeks
        except BadTruth as error:
            weeks, said = 1.0, str(error)
        assert weeks > 0
        assert not said or "truth.json" in said


def _read(folder: Path) -> tuple[Counts | None, str]:
    try:
        return read_counts(folder), ""
    except BadCounts as error:
        return None, str(error)


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def _whole() -> Path:
    """A folder without fault, made once."""
    if not _FOLDERS:
        _FOLDERS.append(tempfile.TemporaryDirectory())
        write_folder(Path(_FOLDERS[0].name, "counts"), calls(1))
    return Path(_FOLDERS[0].name, "counts")
