"""Series points into rows: what is known now, and what was known in each five minutes of log time."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from schemas.output import SeriesRecord
from services.api.database import upsert
from services.api.stores import days_of
from services.api.tables import nodes, point_versions, points

SLOT_MS = 5 * 60_000
"""Of several versions of a bucket known within one slot of log time the last is kept."""
KNOWN_DAYS = days_of("point_versions")
"""For this long after a bucket began, what was known when can be asked."""
NAMES_A_QUERY = 300

NodeKey = tuple[str, str, str]
"""Home area, need, area."""


class Nodes:
    """Numbers of nodes; what a transaction learns counts only once `keep` says that it was committed."""

    def __init__(self) -> None:
        self._known: dict[NodeKey, int] = {}
        self._new: dict[NodeKey, int] = {}

    def keep(self) -> None:
        """The transaction was committed."""
        self._known |= self._new
        self._new = {}

    def forget(self) -> None:
        """A new transaction begins."""
        self._new = {}

    def number(self, connection: Connection, keys: Iterable[NodeKey]) -> dict[NodeKey, int]:
        """Numbers of nodes, new ones included."""
        wanted = set(keys)
        missing = sorted(wanted - self._known.keys() - self._new.keys())
        if missing:
            rows = [{"home_area": home, "need": need, "area": area} for home, need, area in missing]
            connection.execute(upsert(connection, nodes).on_conflict_do_nothing(), rows)
        for home in sorted({key[0] for key in missing}):
            needs = sorted({key[1] for key in missing if key[0] == home})
            for begin in range(0, len(needs), NAMES_A_QUERY):
                query = select(nodes).where(
                    nodes.c.home_area == home, nodes.c.need.in_(needs[begin : begin + NAMES_A_QUERY])
                )
                self._new |= {(row.home_area, row.need, row.area): row.id for row in connection.execute(query)}
        return {key: self._known[key] if key in self._known else self._new[key] for key in wanted}


def write(connection: Connection, records: Sequence[SeriesRecord], known: Nodes) -> None:
    """Store points; one that was known earlier never replaces one known later."""
    numbers = known.number(
        connection, ((record.home_area, point.need, point.area) for record in records for point in record.points)
    )
    current: dict[tuple[int, int], dict[str, object]] = {}
    slots: dict[tuple[int, int, int], dict[str, object]] = {}
    for record in sorted(records, key=lambda record: record.known_at):
        slot = record.known_at // SLOT_MS
        for point in record.points:
            node = numbers[record.home_area, point.need, point.area]
            row: dict[str, object] = {
                "node": node,
                "start": point.start,
                "known_at": record.known_at,
                "observed": point.observed,
                "expected": point.expected,
                "band_low": point.band_low,
                "band_high": point.band_high,
                "open": point.open,
            }
            current[node, point.start] = row
            slots[node, point.start, slot] = {**row, "slot": slot}
    if current:
        _upsert(connection, "points", list(current.values()))
        _upsert(connection, "point_versions", list(slots.values()))


def _upsert(connection: Connection, name: str, rows: list[dict[str, object]]) -> None:
    table = points if name == "points" else point_versions
    statement = upsert(connection, table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    statement = statement.on_conflict_do_update(
        index_elements=keys, set_=values, where=table.c.known_at <= statement.excluded.known_at
    )
    connection.execute(statement, rows)
