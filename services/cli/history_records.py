"""Hourly counts cut into history records of the log, each small enough for one."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from schemas.log_record import VERSION, History, HistoryCell

HOUR_MS = 3_600_000
RECORD_BYTES = 768 * 1024
_encoder = msgspec.json.Encoder()


def history_records(
    source: str, cells: Iterable[HistoryCell], start: int, end: int, limit: int = RECORD_BYTES
) -> Iterator[History]:
    """History records of one home area and source that lie edge to edge over a whole period.

    A record replaces what the source had in its period, so together they replace the period, quiet hours too, and the
    same counts always give the same records. Only an hour that is by itself too big makes a record above the limit.

    Args:
        cells: in any order, within the period.
        start, end: Unix hours, end exclusive.
        limit: bytes of one record's cells.

    >>> cells = [HistoryCell("BD", "tx", 11, "211", 2)]
    >>> [(one.start, one.end, len(one.cells)) for one in history_records("crm", cells, 10, 12)]
    [(36000000, 43200000, 1)]
    """
    if start >= end:
        return
    ordered = sorted(cells, key=lambda cell: (cell.hour, cell.area, cell.need, cell.line))
    held: list[HistoryCell] = []
    size, since = 0, start
    for hour, group in groupby(ordered, key=lambda cell: cell.hour):
        these = list(group)
        weight = sum(len(_encoder.encode(cell)) + 1 for cell in these)
        if held and size + weight > limit:
            yield _record(source, since, hour, held)
            held, size, since = [], 0, hour
        held += these
        size += weight
    yield _record(source, since, end, held)


def _record(source: str, start: int, end: int, cells: list[HistoryCell]) -> History:
    return History(v=VERSION, source=source, start=start * HOUR_MS, end=end * HOUR_MS, cells=tuple(cells))
