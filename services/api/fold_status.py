"""Status into rows: the newest word of each home area and partition, and counts from which rates are computed."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete

from schemas.output import HomeStatus, PartitionStatus
from services.api.database import upsert
from services.api.tables import home_status, partition_status, source_counts

SLOT_MS = 5 * 60_000
KEPT_MS = 2 * 3_600_000


def write(connection: Connection, records: Sequence[HomeStatus | PartitionStatus]) -> None:
    """Store status; an older word never replaces a newer one."""
    homes: dict[str, HomeStatus] = {}
    for record in records:
        if isinstance(record, PartitionStatus):
            _write_partition(connection, record)
        elif record.home_area not in homes or homes[record.home_area].log_time <= record.log_time:
            homes[record.home_area] = record
    for home in homes.values():
        _write_home(connection, home)


def _write_partition(connection: Connection, status: PartitionStatus) -> None:
    statement = upsert(connection, partition_status).values(
        partition=status.partition, written_at=status.written_at, body=msgspec.json.encode(status).decode()
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["partition"],
            set_={"written_at": statement.excluded.written_at, "body": statement.excluded.body},
            where=partition_status.c.written_at <= statement.excluded.written_at,
        )
    )


def _write_home(connection: Connection, status: HomeStatus) -> None:
    statement = upsert(connection, home_status).values(
        home_area=status.home_area, log_time=status.log_time, body=msgspec.json.encode(status).decode()
    )
    written = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["home_area"],
            set_={"log_time": statement.excluded.log_time, "body": statement.excluded.body},
            where=home_status.c.log_time <= statement.excluded.log_time,
        )
    )
    if written.rowcount and status.sources:
        _count_sources(connection, status)


def _count_sources(connection: Connection, status: HomeStatus) -> None:
    slot = status.log_time // SLOT_MS
    statement = upsert(connection, source_counts)
    statement = statement.on_conflict_do_update(
        index_elements=["home_area", "source", "slot"], set_={"calls": statement.excluded.calls}
    )
    rows = [
        {"home_area": status.home_area, "source": one.source, "slot": slot, "calls": one.calls}
        for one in status.sources
    ]
    connection.execute(statement, rows)
    connection.execute(
        delete(source_counts).where(
            source_counts.c.home_area == status.home_area, source_counts.c.slot < slot - KEPT_MS // SLOT_MS
        )
    )
