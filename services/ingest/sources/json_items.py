"""The items of a JSON array (or of objects one after another), cut apart without reading the whole."""

import re
from collections.abc import Iterator

from services.ingest.sources.errors import BadExport
from services.ingest.sources.texts import MAX_LINE, TOO_LONG

MAX_DEPTH = 100
_OUTSIDE = re.compile(r'["\[\]{},]')
_INSIDE = re.compile(r'["\\]')
_NOT_JSON = "the file is not JSON: its brackets do not match"


class _Cutter:
    """Follows depth and strings over chunks; `base` is the depth at which items stand (1 in an array)."""

    def __init__(self) -> None:
        self.base = -1
        self.depth = 0
        self.done = False
        self._in_string = False
        self._escaped = False
        self._parts: list[str] = []
        self._size = 0

    def feed(self, chunk: str) -> Iterator[str]:
        """Items that end in this chunk."""
        place = start = 0
        if self.base < 0:
            place = start = self._begin(chunk)
            if self.base < 0:
                return
        while place < len(chunk):
            if self._escaped:
                self._escaped, place = False, place + 1
                continue
            found = (_INSIDE if self._in_string else _OUTSIDE).search(chunk, place)
            if found is None:
                break
            place = found.end()
            if self._step(found.group()):
                end = place if self.base == 0 else place - 1
                yield from self._item(chunk[start:end])
                start = place
        if self.done and chunk[start:].strip():
            raise BadExport("the file goes on after the end of its JSON array")
        self._keep(chunk[start:])

    def finish(self) -> None:
        """Raises BadExport when the text ends inside."""
        if self.base < 0:
            raise BadExport("the file is empty")
        if self.depth or self._in_string or (self.base == 1 and not self.done):
            raise BadExport("the JSON ends in the middle; copy or download it again")
        if self.base == 0 and self._size:
            raise BadExport(_NOT_JSON)

    def _begin(self, chunk: str) -> int:
        text = chunk.lstrip("\ufeff \t\r\n")
        if text:
            if text[0] not in "[{":
                raise BadExport("the file is not a JSON array or object")
            self.base = 1 if text[0] == "[" else 0
            self.depth = self.base
        return len(chunk) - len(text) + max(self.base, 0)

    def _step(self, token: str) -> bool:
        """Whether an item ends at this token."""
        if token == "\\":
            self._escaped = True
        elif token == '"':
            self._in_string = not self._in_string
        elif self.done:
            raise BadExport("the file goes on after the end of its JSON array")
        elif token in "[{":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise BadExport(f"the JSON is nested deeper than {MAX_DEPTH} levels")
        elif token in "]}":
            self.depth -= 1
            self.done = self.base == 1 and self.depth == 0
            if self.depth < 0 or (self.done and token == "}"):
                raise BadExport(_NOT_JSON)
            return self.depth == 0
        else:
            return self.depth == self.base == 1
        return False

    def _keep(self, text: str) -> None:
        if self.base == 0 and self.depth == 0 and not self._in_string:
            text = text.strip()
        self._size += len(text)
        if self._size <= MAX_LINE:
            self._parts.append(text)
        else:
            self._parts.clear()

    def _item(self, last: str) -> Iterator[str]:
        self._keep(last)
        item, size = "".join(self._parts), self._size
        self._parts, self._size = [], 0
        if size > MAX_LINE:
            yield TOO_LONG
        elif item.strip():
            yield item


def json_items(chunks: Iterator[str]) -> Iterator[str]:
    """The texts of the items; one beyond `MAX_LINE` is stood in for by `TOO_LONG`.

    Raises:
        BadExport: not an array or objects, brackets that do not match, or an end in the middle (after all items).

    >>> list(json_items(iter(['[{"a": "]"', '}, 2]'])))
    ['{"a": "]"}', ' 2']
    """
    cutter = _Cutter()
    for chunk in chunks:
        yield from cutter.feed(chunk)
    cutter.finish()
