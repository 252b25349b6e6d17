"""A named mapping: a stream of bytes in, call events and named problems out. Nothing else is read or written."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from schemas.codec import Refusal, convert_call_event, convert_stamped_call
from schemas.codes import SOURCE_PATTERN
from services.ingest.sources.errors import BadExport, BadMapping, BadRow
from services.ingest.sources.formats import JsonRow, Row, csv_rows, json_rows, kind_of
from services.ingest.sources.interpret import Interpreter, Label
from services.ingest.sources.spec import Csv, Home, Spec
from services.ingest.sources.texts import text_chunks

CALL_EVENT = "call-event"
SHIPPED = Path(__file__).with_name("shipped")


@dataclass(frozen=True)
class Problem:
    """Why a row gives no call; without its values."""

    field: str
    reason: str


@dataclass(frozen=True)
class MappedRow:
    """One row of an export: a call that `CallEvent` accepts as it is, or a problem."""

    index: int
    """Place among the rows, from 0, header and blank lines not counted."""
    call: dict[str, Any] | None = None
    """Plain JSON values."""
    problem: Problem | None = None
    logged_at: str | int | None = None
    """When it reached the log, RFC 3339 or ms: only rows of `call-event` may say so."""

    def item(self) -> dict[str, Any] | None:
        """The call as ingest takes it outside the live space, `logged_at` beside its fields."""
        if self.call is None or self.logged_at is None:
            return self.call
        return {**self.call, "logged_at": self.logged_at}


@dataclass(frozen=True)
class Labels:
    """What a row says of trees and places: enough to derive reference files from an export."""

    needs: tuple[tuple[Label, ...], ...]
    area: tuple[Label, ...]
    point: tuple[float, float] | None
    time: str
    line: str


class Mapping:
    """One source's way from its own rows to call events.

    >>> import io
    >>> line = b'{"id":"1","source":"crm","time":"2026-01-05T10:00:00Z","line":"211","needs":["BD"]}'
    >>> [row.call["needs"] for row in load_mapping("call-event").read(io.BytesIO(line))]
    [['BD']]
    """

    def __init__(self, name: str, spec: Spec | None) -> None:
        self.name = name
        self._spec = spec
        """None: rows are call events already."""

    @property
    def home(self) -> Home | None:
        """The home area that the mapping names, if it does."""
        return self._spec.home if self._spec else None

    def read(self, stream: BinaryIO, *, file_name: str = "", content_type: str = "") -> Iterator[MappedRow]:
        """The rows of an export, in order.

        Args:
            stream: CSV, NDJSON or JSON, plain or gzip, at any position; only `read(n)` is called.
            file_name, content_type: say which format; without them the first character does.

        Raises:
            BadExport: nothing can be read from here on: empty, cut, damaged, other header, not JSON. The rows
                before it have been yielded; the message says how many.
        """
        interpret = self._interpreter()
        for index, row in self._rows(stream, file_name, content_type):
            try:
                if isinstance(row, BadRow):
                    raise row
                mapped = interpret(row, index)
            except BadRow as error:
                mapped = MappedRow(index, problem=Problem(error.field, error.reason))
            if mapped is not None:
                yield mapped

    def labels(self, stream: BinaryIO, *, file_name: str = "", content_type: str = "") -> Iterator[Labels]:
        """What each good row says of trees and places, with the texts of the export.

        Raises:
            BadExport: as `read`; also when the mapping is `call-event`, whose rows name no texts.
        """
        if self._spec is None:
            raise BadExport("call-event files name codes only; reference files cannot be made from them")
        interpreter = Interpreter(self._spec, self.name)
        for _, row in self._rows(stream, file_name, content_type):
            if isinstance(row, BadRow):
                continue
            try:
                call = interpreter.call(row)
                if call is not None:
                    needs = tuple(interpreter.need_paths(row))
                    yield Labels(needs, interpreter.place(row).path, interpreter.point(row), call["time"], call["line"])
            except BadRow:
                continue

    def _rows(self, stream: BinaryIO, file_name: str, content_type: str) -> Iterator[tuple[int, Row | BadRow]]:
        count = 0
        try:
            for count, row in enumerate(self._parsed(stream, file_name, content_type), 1):
                yield count - 1, row
        except BadExport as error:
            raise BadExport(f"{error} (rows read before: {count})" if count else str(error)) from None

    def _parsed(self, stream: BinaryIO, file_name: str, content_type: str) -> Iterator[Row | BadRow]:
        dialect = self._spec.csv if self._spec else Csv()
        chunks = text_chunks(stream, dialect.encoding)
        first = next((chunk for chunk in chunks if chunk), "")
        kind = kind_of(file_name, content_type, first) if self._spec else "ndjson"
        if self._spec is None and first.lstrip("\ufeff \t\r\n")[:1] == "[":
            kind = "json"
        if not first.strip("\ufeff \t\r\n"):
            chunks = _not_blank(chunks)
        everything = chain([first], chunks)
        if kind == "csv" and self._spec:
            return csv_rows(everything, dialect, self._spec.cells())
        return json_rows(everything, "json" if kind == "json" else "ndjson")

    def _interpreter(self) -> Callable[[Any, int], MappedRow | None]:
        if self._spec is None:
            return _identity
        return partial(_mapped, Interpreter(self._spec, self.name))


def load_mapping(name: str, folder: Path | None = None) -> Mapping:
    """The mapping of a name: `call-event`, REFERENCE/sources/NAME.toml, or one that ships.

    Args:
        name: of the mapping and the source.
        folder: the reference folder.

    Raises:
        BadMapping: the name is none, no such file, or the file is wrong (each wrong entry is named).
    """
    return Mapping(name, None) if name == CALL_EVENT else Mapping(name, _spec(name, folder))


def shipped_mappings() -> tuple[str, ...]:
    """Names of the mappings that need no file."""
    return (CALL_EVENT, *sorted(path.stem for path in SHIPPED.glob("*.toml")))


def parse_mapping(text: str, where: str) -> Spec:
    """A mapping file.

    Raises:
        BadMapping: naming `where` and each wrong entry.
    """
    try:
        return Spec.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(f"{where} is not TOML: {error}") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadMapping(f"{where}: {wrong}") from None


def _spec(name: str, folder: Path | None) -> Spec:
    if not _is_name(name):
        raise BadMapping("a source's name is lower-case letters, digits and hyphens, at most 63")
    own = [folder / "sources" / f"{name}.toml"] if folder else []
    for path in (*own, SHIPPED / f"{name}.toml"):
        if path.is_file():
            try:
                return parse_mapping(path.read_text(encoding="utf-8"), path.name)
            except UnicodeDecodeError:
                raise BadMapping(f"{path.name} is not UTF-8") from None
    known = ", ".join(shipped_mappings())
    raise BadMapping(f"there is no mapping {name!r}: put sources/{name}.toml into the reference folder, or use {known}")


def _is_name(name: str) -> bool:
    return re.fullmatch(SOURCE_PATTERN, name) is not None


def _not_blank(chunks: Iterator[str]) -> Iterator[str]:
    """The chunks, of which one at least must hold more than blanks."""
    blank = True
    for chunk in chunks:
        blank = blank and not chunk.strip("\ufeff \t\r\n")
        yield chunk
    if blank:
        raise BadExport("the file is empty")


def _identity(row: JsonRow, index: int) -> MappedRow:
    call = dict(row.raw)
    try:
        convert_stamped_call(call)
    except Refusal as error:
        return MappedRow(index, problem=Problem(error.field, error.reason))
    logged_at = call.pop("logged_at", None)
    return MappedRow(index, call=call, logged_at=logged_at)


def _mapped(interpreter: Interpreter, row: Row, index: int) -> MappedRow | None:
    call = interpreter.call(row)
    if call is None:
        return None
    try:
        convert_call_event(call)
    except Refusal as error:
        return MappedRow(index, problem=Problem(error.field, error.reason))
    return MappedRow(index, call=call)
