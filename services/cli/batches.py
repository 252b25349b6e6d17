"""Rows in order of arrival into batches for ingest: one source each, stamped with the replay's own clock. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.ingest.sources.mapping import MappedRow

LARGEST = 1000
TOGETHER_MS = 60_000
"""With several sources, calls of one batch lie no further apart: batches of different sources overlap by this."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Batch:
    """Calls of one source and a stretch of log time."""

    source: str
    first_ms: int
    last_ms: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)
    end_row: int = 0
    """Rows of the file that are done with once this batch (and those before it) is taken."""


class Stamps:
    """`logged_at` of each call: its own, else its time; never going back."""

    def __init__(self) -> None:
        self.now_ms = 0

    def stamp(self, row: MappedRow) -> int:
        """Unix milliseconds.

        >>> stamps = Stamps()
        >>> late = MappedRow(1, call={"time": "1970-01-01T00:00:01Z"})
        >>> stamps.stamp(MappedRow(0, call={}, logged_at=5000)), stamps.stamp(late)
        (5000, 5000)
        """
        given = row.logged_at if row.logged_at is not None else (row.call or {})["time"]
        at = given if isinstance(given, int) else (datetime.fromisoformat(given) - _EPOCH) // _MILLISECOND
        self.now_ms = max(self.now_ms, at)
        return self.now_ms


def batches(rows: Iterable[MappedRow], *, span_ms: int, largest: int = LARGEST) -> Iterator[Batch]:
    """Batches in order of their first calls.

    Args:
        rows: those with calls.
        span_ms: the longest stretch of log time in one batch, when there is one source only.
        largest: calls of a batch.
    """
    stamps = Stamps()
    open_batches: dict[str, Batch] = {}
    sources: set[str] = set()
    for row in rows:
        if row.call is None:
            continue
        at, source = stamps.stamp(row), str(row.call["source"])
        sources.add(source)
        span = span_ms if len(sources) == 1 else min(span_ms, TOGETHER_MS)
        first = min((one.first_ms for one in open_batches.values()), default=at)
        full = source in open_batches and len(open_batches[source].calls) >= largest
        if full or at - first >= span or (source not in open_batches and open_batches and at - first >= TOGETHER_MS):
            yield from _closed(open_batches)
        batch = open_batches.setdefault(source, Batch(source, at))
        batch.calls.append({**row.call, "logged_at": at})
        batch.last_ms = at
        batch.end_row = row.index + 1
    yield from _closed(open_batches)


def _closed(open_batches: dict[str, Batch]) -> Iterator[Batch]:
    """All open batches, which are open no more."""
    done = list(open_batches.values())
    open_batches.clear()
    yield from done
