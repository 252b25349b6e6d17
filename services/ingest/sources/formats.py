"""Texts into rows: CSV of any dialect, NDJSON, JSON; a bad row is named and never stops the good ones."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, Protocol

import msgspec

from services.ingest.sources.errors import BadExport, BadRow
from services.ingest.sources.json_items import json_items
from services.ingest.sources.spec import Columns
from services.ingest.sources.spec import Csv as Dialect
from services.ingest.sources.texts import MAX_LINE, TOO_LONG, is_clean, lines

Kind = Literal["csv", "ndjson", "json"]
MAX_CELL = 2000
_DELIMITERS = ",;\t|"
_decode = msgspec.json.Decoder().decode


class Row(Protocol):
    """One row, whatever the format."""

    def text(self, columns: Columns) -> str:
        """The first text that is not empty under these names, without outer spaces; "" if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row of a CSV file; `places`: columns to positions, shared by all rows."""

    cells: list[str]
    places: Mapping[Columns, tuple[int, ...]]

    def text(self, columns: Columns) -> str:
        """See `Row`."""
        for place in self.places[columns]:
            if place < len(self.cells) and (found := self.cells[place].strip()):
                return _short(found, columns)
        return ""


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One JSON object; names ignore case, a dot leads into an object."""

    values: Mapping[str, Any]
    """Under folded names."""
    raw: Mapping[str, Any]

    def text(self, columns: Columns) -> str:
        """See `Row`."""
        for column in columns:
            if found := self._one(column.strip().casefold(), column):
                return _short(found, columns)
        return ""

    def _one(self, name: str, column: str) -> str:
        value: Any = self.values.get(name)
        if value is None and "." in column:
            value = self.raw
            for step in column.split("."):
                value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return repr(value)
        raise BadRow(column, "is a list or an object where a text is needed")


def kind_of(file_name: str, content_type: str, first: str) -> Kind:
    """The format, by content type, file name, or else the first character.

    >>> kind_of("calls.NDJSON.gz", "", ""), kind_of("", "text/csv; charset=utf-8", ""), kind_of("x", "", " [1")
    ('ndjson', 'csv', 'json')
    """
    kinds: dict[str, Kind] = {
        "text/csv": "csv", "text/tab-separated-values": "csv",
        "application/x-ndjson": "ndjson", "application/ndjson": "ndjson", "application/jsonl": "ndjson",
        "application/json": "json",
    }  # fmt: skip
    known = kinds.get(content_type.partition(";")[0].strip().lower())
    if known:
        return known
    ends: dict[str, Kind] = {"csv": "csv", "tsv": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json"}
    known = ends.get(file_name.lower().removesuffix(".gz").rpartition(".")[2])
    if known:
        return known
    start = first.lstrip()[:1]
    return "json" if start == "[" else "ndjson" if start == "{" else "csv"


def csv_rows(
    chunks: Iterator[str], dialect: Dialect, cells: list[tuple[str, Columns, bool]]
) -> Iterator[CsvRow | BadRow]:
    """Rows of a CSV file below its header.

    Args:
        chunks: its text.
        dialect: delimiter (None: the one that finds most columns) and quote.
        cells: the columns that are read, as `Spec.cells` gives them.

    Raises:
        BadExport: no header, or one that lacks columns; names what for and what was looked for.
    """
    numbered = lines(chunks)
    header_line = next((line for line in numbered if line.strip("\ufeff \t\r\n")), "").lstrip("\ufeff")
    if not header_line:
        raise BadExport("the file is empty")
    delimiter = dialect.delimiter or _delimiter(header_line, dialect.quote, cells)
    table = _table(chain([header_line], numbered), delimiter, dialect.quote)
    places = _places(next(table, []), cells)
    for row in table:
        yield CsvRow(row, places) if isinstance(row, list) else row


def json_rows(chunks: Iterator[str], kind: Kind) -> Iterator[JsonRow | BadRow]:
    """Objects of an NDJSON or JSON text.

    Raises:
        BadExport: a JSON array that is not one.
    """
    for item in lines(chunks) if kind == "ndjson" else json_items(chunks):
        if item is TOO_LONG:
            yield BadRow("$", f"is longer than {MAX_LINE} characters")
        elif item.strip("\ufeff \t\r\n"):
            yield _json_row(item.lstrip("\ufeff"))


def _json_row(item: str) -> JsonRow | BadRow:
    if not is_clean(item):
        return BadRow("$", "is not in the encoding of the file")
    try:
        values = _decode(item)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return BadRow("$", "is not JSON")
    except RecursionError:
        return BadRow("$", "is nested too deep")
    if not isinstance(values, dict):
        return BadRow("$", "is not a JSON object")
    return JsonRow({name.strip().casefold(): value for name, value in values.items()}, values)


def _table(numbered: Iterable[str], delimiter: str, quote: str) -> Iterator[Any]:
    """Rows as lists; a row that the csv module refuses, or that is not clean, as BadRow; empty ones are left out."""
    reader = csv.reader(numbered, delimiter=delimiter, quotechar=quote)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield BadRow("$", "is not a CSV row: a quote is open, or a cell is too long")
            continue
        if row and row[0] == TOO_LONG:
            yield BadRow("$", f"is longer than {MAX_LINE} characters")
        elif not is_clean("".join(row)):
            yield BadRow("$", "is not in the encoding of the file")
        elif any(row):
            yield row


def _short(text: str, columns: Columns) -> str:
    if len(text) > MAX_CELL:
        raise BadRow(columns[0], f"is longer than {MAX_CELL} characters")
    return text


def _names(line: str, delimiter: str, quote: str) -> list[str]:
    return [cell.strip().casefold() for cell in next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])]


def _delimiter(line: str, quote: str, cells: list[tuple[str, Columns, bool]]) -> str:
    wanted = {name.strip().casefold() for _, columns, _ in cells for name in columns}

    def fit(delimiter: str) -> int:
        try:
            return len(wanted.intersection(_names(line, delimiter, quote)))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=fit)


def _places(header: Any, cells: list[tuple[str, Columns, bool]]) -> dict[Columns, tuple[int, ...]]:
    if not isinstance(header, list):
        raise BadExport("the first line is not a CSV header")
    names: dict[str, int] = {}
    for place, name in enumerate(header):
        names.setdefault(name.strip().casefold(), place)
    places: dict[Columns, tuple[int, ...]] = {}
    missing: dict[str, None] = {}
    for purpose, columns, optional in cells:
        found = [names[one.strip().casefold()] for one in columns if one.strip().casefold() in names]
        places[columns] = tuple(found)
        if not found and not optional:
            missing[f"{' or '.join(map(repr, columns))} (for {purpose})"] = None
    if missing:
        raise BadExport(f"the header lacks {', '.join(missing)}; is this an export of this source?")
    return places
