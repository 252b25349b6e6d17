"""The fold of the outputs: records of one partition and its offset become rows in one transaction, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DataError

from schemas.alert import Alert
from schemas.output import HomeStatus, PartitionStatus, Rejected, SeriesRecord
from schemas.topics import Topic
from services.api import fold_alerts, fold_rejected, fold_series, fold_status
from services.api.database import Database, upsert
from services.api.decode import BadRecord, decode
from services.api.fold_alerts import Change
from services.api.tables import offsets, refusals


class OffsetMoved(RuntimeError):
    """Another process folded this partition meanwhile; nothing was written here."""

    def __init__(self, stored: int) -> None:
        super().__init__(f"another process has folded this partition up to offset {stored}")
        self.stored = stored


@dataclass(frozen=True, slots=True)
class Place:
    """One partition of one topic of the contract; `name` is the topic's full name in its space."""

    topic: Topic
    name: str
    partition: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read."""

    offset: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Folded:
    """What a transaction did."""

    records: int
    refused: int
    changes: tuple[Change, ...] = ()
    """Alerts that are new or of a higher version."""


@dataclass
class _Batch:
    alerts: list[Alert] = field(default_factory=list)
    series: list[SeriesRecord] = field(default_factory=list)
    status: list[HomeStatus | PartitionStatus] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, record: Alert | SeriesRecord | HomeStatus | PartitionStatus | Rejected) -> None:
        if isinstance(record, Alert):
            self.alerts.append(record)
        elif isinstance(record, SeriesRecord):
            self.series.append(record)
        elif isinstance(record, Rejected):
            self.rejected.append(record)
        else:
            self.status.append(record)


class Fold:
    """Writes records into a database.

    Several processes may fold the same partitions into one PostgreSQL: the offset row is compared and set, so each
    record counts once, and the slower one gets `OffsetMoved`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nodes = fold_series.Nodes()

    def position(self, place: Place) -> int | None:
        """The offset that comes next; None when the partition was never folded. Raises DatabaseAway."""
        with self._database.reading() as connection:
            return _position(connection, place)

    def begin(self, place: Place, offset: int) -> int:
        """Note where a partition begins, unless somebody has; returns what stands there now. Raises DatabaseAway."""
        row = {"topic": place.name, "partition": place.partition, "next_offset": offset}
        with self._database.writing() as connection:
            connection.execute(upsert(connection, offsets).values(row).on_conflict_do_nothing())
            position = _position(connection, place)
        return offset if position is None else position

    def apply(self, place: Place, records: Sequence[Stored], expected: int) -> Folded:
        """Write records and move the offset from `expected` behind the last of them.

        A record that is not of the contract is stepped over and noted for `calls.rejected.v1`.

        Raises:
            OffsetMoved: the offset in the database is not `expected`.
            DatabaseAway: nothing was written; the same call is to be made again.
        """
        try:
            with self._database.writing() as connection:
                folded = self._write(connection, place, records, expected)
        except (
            DataError,
            OverflowError,
        ):  # NUL in a text, a number beyond 64 bits: of this record, not of the database
            if len(records) > 1:
                return self._one_by_one(place, records, expected)
            with self._database.writing() as connection:
                folded = _refuse(connection, place, records[0], expected)
        self._nodes.keep()
        return folded

    def _one_by_one(self, place: Place, records: Sequence[Stored], expected: int) -> Folded:
        """A batch with something that the database does not take: the rest of it is still written."""
        parts = []
        for record in records:
            parts.append(self.apply(place, [record], expected))
            expected = record.offset + 1
        return Folded(
            len(records), sum(part.refused for part in parts), tuple(one for part in parts for one in part.changes)
        )

    def _write(self, connection: Connection, place: Place, records: Sequence[Stored], expected: int) -> Folded:
        self._nodes.forget()
        _advance(connection, place, expected, records[-1].offset + 1)
        batch, bad = _Batch(), []
        for record in records:
            if record.value is None:
                continue
            try:
                batch.add(decode(place.topic, record.value))
            except BadRecord as error:
                bad.append((record.offset, str(error)))
        _note_refusals(connection, place, bad)
        fold_status.write(connection, batch.status)
        fold_rejected.write(connection, batch.rejected)
        fold_series.write(connection, batch.series, self._nodes)
        changes = fold_alerts.write(connection, batch.alerts)
        return Folded(len(records), len(bad), changes)


def _position(connection: Connection, place: Place) -> int | None:
    query = select(offsets.c.next_offset).where(offsets.c.topic == place.name, offsets.c.partition == place.partition)
    position: int | None = connection.scalar(query)
    return position


def _advance(connection: Connection, place: Place, expected: int, following: int) -> None:
    """Compare and set; holds the row's lock until the transaction ends."""
    moved = connection.execute(
        update(offsets)
        .where(offsets.c.topic == place.name, offsets.c.partition == place.partition, offsets.c.next_offset == expected)
        .values(next_offset=following)
    )
    if moved.rowcount != 1:
        raise OffsetMoved(_position(connection, place) or 0)


def _refuse(connection: Connection, place: Place, record: Stored, expected: int) -> Folded:
    _advance(connection, place, expected, record.offset + 1)
    _note_refusals(connection, place, [(record.offset, "holds a value that the database cannot store")])
    return Folded(1, 1)


def _note_refusals(connection: Connection, place: Place, bad: Sequence[tuple[int, str]]) -> None:
    if bad:
        rows = [
            {"topic": place.name, "partition": place.partition, "offset": offset, "reason": reason}
            for offset, reason in bad
        ]
        connection.execute(upsert(connection, refusals).on_conflict_do_nothing(), rows)
