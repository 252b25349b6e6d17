"""Reading a `--counts` folder (contracts.md §5): every file is checked, and what is wrong is said by name and row."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.reference import Reference
from schemas.reference_files import BadReference, read_reference
from services.detector.backtest.counts import HOUR_SECONDS, Counts
from services.detector.domain.bank import Floats
from services.detector.domain.calendar import Calendar

COLUMNS = ("time", "area", "need", "count")
MOMENTS = ("start", "fine_from", "end")
FIRST_YEAR, LAST_YEAR = 1900, 2200
MOST_CALLS = 1_000_000_000
"""In one row."""
MOST_CELLS = 200_000_000
"""Series x intervals of a folder: eight bytes each."""


class BadCounts(ValueError):
    """A folder that does not follow the counts format; the message names file, column or key, row and value."""


@dataclass(frozen=True)
class Meta:
    """meta.json; moments are Unix seconds."""

    start: int
    fine_from: int
    end: int
    fine_seconds: int
    timezone: str


def read_counts(folder: Path) -> Counts:
    """The counts of a folder as arrays; series are all pairs of leaf need and leaf area.

    A row counts for the interval that its time lies in; rows of one series in one interval are added up, and
    `Counts.added_up` says how many there were.

    Raises:
        BadCounts: a file is missing, or says what cannot be; the message says what, where and what to do.
    """
    meta, reference = _meta(folder / "meta.json"), _reference(folder)
    needs = _leaves([(need.code, need.parent) for need in reference.needs])
    areas = _leaves([(area.code, area.parent) for area in reference.areas])
    for name, codes in (("needs.csv", needs), ("areas.csv", areas)):
        if not codes:
            raise BadCounts(f"{folder / name} names no code; give at least one")
    size, hours = len(needs) * len(areas), (meta.fine_from - meta.start) // HOUR_SECONDS
    steps = (meta.end - meta.fine_from) // meta.fine_seconds
    if size * (hours + steps) > MOST_CELLS:
        raise BadCounts(
            f"{folder / 'meta.json'}: {hours + steps:,} intervals x {size:,} series are more than {MOST_CELLS:,}; "
            "set fine_from later, or cut the folder into shorter ones"
        )
    rows = _Table(folder / "counts.parquet")
    series = rows.codes("need", needs, "needs.csv") * len(areas) + rows.codes("area", areas, "areas.csv")
    seconds, count = rows.seconds(meta), rows.calls()
    early = seconds < meta.fine_from
    hourly = _grid(series[early], (seconds[early] - meta.start) // HOUR_SECONDS, count[early], (size, hours))
    place = (seconds[~early] - meta.fine_from) // meta.fine_seconds
    fine = _grid(series[~early], place, count[~early], (size, steps))
    return Counts(
        needs=needs,
        areas=areas,
        need_of=np.repeat(np.arange(len(needs)), len(areas)),
        start=meta.start,
        hourly=hourly.calls,
        fine=fine.calls,
        fine_hour=hours,
        steps=HOUR_SECONDS // meta.fine_seconds,
        calendar=Calendar(meta.timezone, home_holidays(reference, reference.home_areas[0])),
        added_up=hourly.added_up + fine.added_up,
    )


def home_holidays(reference: Reference, home: str) -> dict[date, str]:
    """Holidays that hold in the whole home area."""
    return {date.fromisoformat(row.date): row.name for row in reference.holidays if row.area in ("", home)}


def _meta(path: Path) -> Meta:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadCounts(f"{path.parent} is not a folder of counts: meta.json: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadCounts(f"{path} is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise BadCounts(f"{path} is not a JSON object with {', '.join(MOMENTS)}, fine_seconds and timezone")
    missing = [key for key in (*MOMENTS, "fine_seconds", "timezone") if key not in raw]
    if missing:
        raise BadCounts(f"{path} lacks {', '.join(missing)}; add what is missing")
    start, fine_from, end = (_moment(path, key, raw[key]) for key in MOMENTS)
    meta = Meta(start, fine_from, end, _step(path, raw["fine_seconds"]), _zone(path, raw["timezone"]))
    if not meta.start <= meta.fine_from <= meta.end or meta.start == meta.end:
        raise BadCounts(f"{path}: start, fine_from and end are not in this order: {_told(raw)}")
    if (meta.fine_from - meta.start) % HOUR_SECONDS or (meta.end - meta.fine_from) % HOUR_SECONDS:
        raise BadCounts(f"{path}: start, fine_from and end do not lie whole hours apart: {_told(raw)}")
    return meta


def _told(raw: dict[str, Any]) -> str:
    return ", ".join(f"{key} {raw[key]}" for key in MOMENTS)


def _moment(path: Path, key: str, value: object) -> int:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise BadCounts(f"{path}: {key} is {_short(value)}; write a time with its offset, such as 2025-01-06T06:00:00Z")
    seconds = moment.timestamp()
    if seconds != int(seconds):
        raise BadCounts(f"{path}: {key} is {_short(value)}; write a time without fractions of a second")
    return int(seconds)


def _step(path: Path, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= HOUR_SECONDS or HOUR_SECONDS % value:
        raise BadCounts(f"{path}: fine_seconds is {_short(value)}; write seconds that divide an hour, such as 300")
    return value


def _zone(path: Path, name: object) -> str:
    try:
        if isinstance(name, str) and ZoneInfo(name).key:
            return name
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone either
        pass
    raise BadCounts(f"{path}: timezone is {_short(name)}; write a zone such as America/Chicago")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _reference(folder: Path) -> Reference:
    try:
        return read_reference(folder)
    except BadReference as error:
        raise BadCounts(f"{folder}: {error}") from None
    except OSError as error:
        raise BadCounts(f"{error.filename}: {error.strerror}; give a file that can be read") from None


def _leaves(rows: list[tuple[str, str]]) -> list[str]:
    inner = {parent for _, parent in rows}
    return [code for code, _ in rows if code not in inner]


class _Table:
    """counts.parquet, column by column."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                names = list(file.schema_arrow.names)
                for column in COLUMNS:
                    if names.count(column) != 1:
                        why = "twice" if column in names else f"not; it has {', '.join(names) or 'none'}"
                        raise BadCounts(f"{path} has to have the column {column} and has it {why}")
                self._table = file.read(columns=list(COLUMNS))
        except FileNotFoundError:
            raise BadCounts(f"{path.parent} is not a folder of counts: counts.parquet is not there") from None
        except (OSError, pa.ArrowException) as error:
            raise BadCounts(f"{path} cannot be read as Parquet: {_line(error)}; write it again") from None

    def codes(self, column: str, names: list[str], file: str) -> NDArray[np.int64]:
        """Place of each row's code in `names`, the leaves of a reference file."""
        values = self._column(column)
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if not len(values):
            return np.zeros(0, np.int64)
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise self._wrong_type(column, kind, "codes as strings")
        found = pc.index_in(values.cast(pa.string()), pa.array(names, pa.string()))
        if found.null_count:
            row = int(np.flatnonzero(found.is_null().to_numpy())[0])
            raise self._wrong(column, row, f"is not a leaf of {file}; leave the row out or add the code there")
        places: NDArray[np.int64] = found.to_numpy().astype(np.int64)
        return places

    def seconds(self, meta: Meta) -> NDArray[np.int64]:
        """Unix seconds, within what meta.json says; a time without a zone is UTC."""
        values = self._column("time")
        if not len(values):
            return np.zeros(0, np.int64)
        if not pa.types.is_timestamp(values.type):
            raise self._wrong_type("time", values.type, "UTC timestamps")
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[values.type.unit]
        seconds: NDArray[np.int64] = values.cast(pa.int64()).to_numpy() // per_second
        for outside, where, key in (
            (seconds < meta.start, "is before start", "start"),
            (seconds >= meta.end, "is not before end", "end"),
        ):
            if outside.any():
                why = f"{where} in meta.json; leave the row out or correct {key}"
                raise self._wrong("time", int(outside.argmax()), why)
        return seconds

    def calls(self) -> Floats:
        """Calls of each row: whole numbers from 0 on."""
        values = self._column("count")
        if not len(values):
            return np.zeros(0)
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise self._wrong_type("count", values.type, "whole numbers")
        calls: Floats = values.to_numpy().astype(np.float64)
        bad = ~(np.isfinite(calls) & (calls >= 0) & (calls <= MOST_CALLS) & (calls == np.floor(calls)))
        if bad.any():
            what = f"is not a whole number from 0 to {MOST_CALLS:,}; correct the row or leave it out"
            raise self._wrong("count", int(bad.argmax()), what)
        return calls

    def _column(self, name: str) -> pa.ChunkedArray:
        column = self._table[name]
        if column.null_count:
            raise self._wrong(
                name, int(np.flatnonzero(column.is_null().to_numpy())[0]), "stands for nothing; write a value"
            )
        return column

    def _wrong(self, column: str, row: int, why: str) -> BadCounts:
        """The error for one value; rows are counted from 1."""
        return BadCounts(f"{self._path}, row {row + 1:,}: {column} {_shown(self._table[column][row])} {why}")

    def _wrong_type(self, column: str, kind: pa.DataType, wanted: str) -> BadCounts:
        return BadCounts(f"{self._path}: the column {column} has the type {kind}; write {wanted}")


def _shown(value: pa.Scalar) -> str:
    if value.is_valid and pa.types.is_timestamp(value.type):
        seconds = value.value // {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[value.type.unit]
        try:
            return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (ValueError, OverflowError, OSError):
            return f"{value.value} {value.type.unit}"
    return _short(value.as_py())


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


@dataclass(frozen=True)
class _Grid:
    calls: Floats
    """[series, interval]."""
    added_up: int
    """Rows that were not the only ones of their series and interval, less one of each."""


def _grid(series: NDArray[np.int64], place: NDArray[np.int64], count: Floats, shape: tuple[int, int]) -> _Grid:
    rows, columns = shape
    cell = series * columns + place
    calls: Floats = np.bincount(cell, count, minlength=rows * columns).astype(np.float64)
    return _Grid(calls.reshape(rows, columns), len(cell) - len(np.unique(cell)))
