"""Request bodies: bounded, unpacked, and read strictly."""

import json
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from schemas.codec import Refusal
from services.ingest.problems import Problem

MAX_DEPTH = 8
MAX_ITEMS, MAX_JSON_BYTES = 1_000, 1024 * 1024
MAX_LINES, MAX_STREAM_BYTES = 50_000, 16 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
DRAIN_BYTES = 64 * 1024 * 1024
JSON_TYPES = frozenset({"application/json", "text/json"})
NDJSON_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})

Item = tuple[int, object]
"""Index and a JSON value, or a Refusal in its place."""


class MalformedItem(Refusal):
    """An item that is not even JSON as it is taken here; a body of nothing else is malformed as a whole."""

    def __init__(self, reason: str) -> None:
        super().__init__("$", reason)


@dataclass(frozen=True, slots=True)
class MediaType:
    """Content type without its parameters, and whether the body is packed with gzip."""

    name: str
    gzip: bool


def media_type(content_type: str, content_encoding: str) -> MediaType:
    """What the headers say of the body.

    Raises:
        Problem: 415 for another character set than UTF-8 or another packing than gzip.
    """
    name, *parameters = (part.strip() for part in content_type.lower().split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key == "charset" and value.strip('"') not in ("utf-8", "utf8", "us-ascii"):
            raise Problem(415, "Only UTF-8 is taken; leave the charset out or set it to utf-8.")
    packing = content_encoding.strip().lower()
    if packing not in ("", "identity", "gzip", "x-gzip"):
        raise Problem(415, "Of packed bodies only gzip is taken.", headers={"Accept-Encoding": "gzip"})
    return MediaType(name or "application/json", packing.endswith("gzip"))


async def bounded(stream: AsyncIterator[bytes], *, gzip: bool, limit: int) -> AsyncIterator[bytes]:
    """The unpacked body in pieces, at most `limit` bytes in all.

    Raises:
        Problem: 413 beyond the limit, before or after unpacking; 400 when gzip is broken or ends too early.
    """
    taken = 0
    unpacker = _Gunzip() if gzip else None
    packed = 0
    async for chunk in stream:
        packed += len(chunk)
        pieces = unpacker.feed(chunk) if unpacker else iter((chunk,))
        for piece in pieces:
            taken += len(piece)
            if taken > limit or packed > limit:
                await _drain(stream)
                raise Problem(413, f"The body may have at most {limit} bytes after unpacking; send it in parts.")
            if piece:
                yield piece
    if unpacker is not None:
        unpacker.finish()


async def _drain(stream: AsyncIterator[bytes]) -> None:
    """Read what is still on its way, within reason, so that the client gets to see the answer."""
    left = DRAIN_BYTES
    async for chunk in stream:
        left -= len(chunk)
        if left < 0:
            return


class _Gunzip:
    """Unpacks gzip in pieces of at most 64 KiB, so that a small body cannot become a large one unseen."""

    PIECE = 64 * 1024

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes that this input unpacks to; members that follow one another are one body."""
        while data:
            if self._stream.eof:
                self._stream = zlib.decompressobj(wbits=31)
            try:
                yield self._stream.decompress(data, self.PIECE)
            except zlib.error:
                raise Problem(400, "The body is not gzip.") from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def finish(self) -> None:
        """Raises Problem 400 when the last member is not complete."""
        if not self._stream.eof:
            raise Problem(400, "The gzip body ends too early.")


class _Malformed(ValueError):
    """A JSON text that is not taken although Python would."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Malformed("holds a key twice in one object")
    return value


def _constant(_: str) -> NoReturn:
    raise _Malformed("holds NaN or Infinity, which JSON does not have")


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant).decode


def read_json(data: bytes) -> Any:
    """A JSON value, read strictly.

    Raises:
        Problem: 400: not UTF-8, not JSON, a key twice, NaN, nested without end.
    """
    try:
        return _decode(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Problem(400, "The body is not UTF-8.") from None
    except _Malformed as error:
        raise Problem(400, f"The body {error}.") from None
    except RecursionError:
        raise Problem(400, f"The body is nested more than {MAX_DEPTH} deep.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON (line {error.lineno}, column {error.colno}).") from None
    except ValueError:
        raise Problem(400, "The body holds a number that is too long.") from None


def too_deep(value: object) -> bool:
    """Whether a value has more than 8 levels of objects and arrays.

    >>> too_deep([[[[[[[[1]]]]]]]]), too_deep([[[[[[[[[1]]]]]]]]])
    (False, True)
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [inner for one in level for inner in _inside(one)]
    return True


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def items_of(value: object) -> list[object]:
    """The items of a body: of an array its elements, of an object itself.

    Raises:
        Problem: 400 for neither, for an empty array and for too many levels, 413 for more than 1,000 items.
    """
    if too_deep(value):
        raise Problem(400, f"The body is nested more than {MAX_DEPTH} deep.")
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise Problem(400, "The body is neither a JSON object nor an array of them.")
    if not value:
        raise Problem(400, "The body holds no call.")
    if len(value) > MAX_ITEMS:
        raise Problem(413, f"An array may hold at most {MAX_ITEMS} calls; send more as NDJSON.")
    return value


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[Item]]:
    """NDJSON: lists of items as they come; empty lines do not count. A line that is not JSON is a Refusal.

    Raises:
        Problem: 413 for too many lines or one that is too long.
    """
    count = 0
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise Problem(413, f"A line may have at most {MAX_LINE_BYTES} bytes.")
        items = list(_numbered(whole, count))
        count += len(items)
        if items:
            yield items
    last = list(_numbered([rest], count))
    if last:
        yield last


def _numbered(lines: list[bytes], start: int) -> Iterator[Item]:
    index = start
    for line in lines:
        if not line.strip():
            continue
        if index >= MAX_LINES:
            raise Problem(413, f"A body may hold at most {MAX_LINES} lines; the first {MAX_LINES} were looked at.")
        yield index, _line(line)
        index += 1


def _line(line: bytes) -> object:
    try:
        return read_json(line)
    except Problem as problem:
        return MalformedItem(problem.detail.replace("The body", "").strip(" ."))
