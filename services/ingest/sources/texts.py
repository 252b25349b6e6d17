"""Bytes into lines, in bounded memory: gzip, byte order marks, encodings, every kind of line end."""

import codecs
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from services.ingest.sources.errors import BadExport

CHUNK = 1 << 16
MAX_LINE = 1 << 20
"""Characters of one line, and of one item of a JSON array."""

TOO_LONG = "\x00too long"
"""Stands in for a line or item beyond `MAX_LINE`."""

_END = re.compile(r"\r\n|\n|\r")
_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive (or a spreadsheet); unpack it, or save it as CSV",
    b"PAR1": "a Parquet file; save it as CSV",
    b"%PDF": "a PDF; export CSV or JSON",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save it as CSV",
}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def text_chunks(stream: BinaryIO, encoding: str = "utf-8") -> Iterator[str]:
    """The text of a stream, piece by piece; gzip is recognised, a byte order mark decides the encoding.

    Bytes that are not of the encoding become lone surrogates (see `is_clean`), so one bad line spoils no other.

    Raises:
        BadExport: empty, not text, or a gzip stream that is cut or damaged (after all that came before it).
    """
    pieces = _plain(stream)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 4:
            break
    if not head:
        raise BadExport("the file is empty")
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise BadExport(f"the file is {what}")
    for mark, marked in _MARKS:
        if head.startswith(mark):
            head, encoding = head[len(mark) :], marked
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if encoding == "utf-8" else "replace")
    yield decoder.decode(head)
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", True)


def is_clean(text: str) -> bool:
    """Whether a text was wholly of its encoding."""
    return text.isascii() or not any("\udc80" <= char <= "\udcff" or char == "\ufffd" for char in text)


def lines(chunks: Iterator[str]) -> Iterator[str]:
    """Lines with their ends, whichever they are; an over-long one is skipped and stood in for by `TOO_LONG`."""
    rest, skipping = "", False
    for chunk in chunks:
        text = rest + chunk
        start = 0
        for found in _END.finditer(text):
            if found.end() == len(text) and text[-1] == "\r":
                break  # a line feed may follow in the next chunk
            line = text[start : found.end()]
            yield TOO_LONG if skipping or len(line) > MAX_LINE else line
            start, skipping = found.end(), False
        rest = text[start:]
        if len(rest) > MAX_LINE:
            rest, skipping = rest[-1:] if rest[-1] == "\r" else "", True
    if rest or skipping:
        yield TOO_LONG if skipping else rest


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes without gzip, if there is any."""
    first = stream.read(CHUNK)
    if first[:1] == b"\x1f" and len(first) < 2:
        first += stream.read(1)
    return _gunzip(stream, first) if first.startswith(b"\x1f\x8b") else _raw(stream, first)


def _raw(stream: BinaryIO, first: bytes) -> Iterator[bytes]:
    while first:
        yield first
        first = stream.read(CHUNK)


def _gunzip(stream: BinaryIO, data: bytes) -> Iterator[bytes]:
    """All members of a gzip stream; zeros after the last one are padding."""
    member = zlib.decompressobj(wbits=31)
    while True:
        try:
            piece = member.decompress(data, CHUNK)
        except zlib.error:
            raise BadExport("the gzip file is damaged; copy or download it again") from None
        if piece:
            yield piece
        if member.eof:
            data = member.unused_data.lstrip(b"\0") or stream.read(CHUNK).lstrip(b"\0")
            if not data:
                return
            member = zlib.decompressobj(wbits=31)
        else:
            data = member.unconsumed_tail or stream.read(CHUNK)
            if not data and not piece:
                raise BadExport("the gzip file ends in the middle; copy or download it again")
