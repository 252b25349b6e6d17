"""Fold the database again: forget what came from the log, keep what people did."""

import msgspec
from sqlalchemy import delete, func, select, update

from services.api.database import Database
from services.api.feed import OPEN
from services.api.fold_alerts import take_places
from services.api.tables import (
    alert_versions,
    alerts,
    home_status,
    nodes,
    offsets,
    partition_status,
    point_versions,
    points,
    refusals,
    source_counts,
)
from services.api.tables_people import rejections

FOLDED = (
    alert_versions,
    alerts,
    home_status,
    nodes,
    offsets,
    partition_status,
    point_versions,
    points,
    refusals,
    rejections,
    source_counts,
)
"""Tables that the log fills. The place in the feed goes on counting, so that open pages get everything anew."""


def refold(database: Database) -> dict[str, int]:
    """Forget everything folded and where the fold stands, in one transaction; the next start of the API folds again.

    Acknowledgements, labels, notes, silences and sessions stay. What the topics no longer hold is gone afterwards:
    series older than their retention, and versions of alerts that compaction took. No API may run meanwhile.

    Returns:
        Rows forgotten, by table.

    Raises:
        DatabaseAway: nothing was forgotten.
    """
    forgotten: dict[str, int] = {}
    with database.writing() as connection:
        for table in FOLDED:
            forgotten[table.name] = connection.scalar(select(func.count()).select_from(table)) or 0
            connection.execute(delete(table))
    return forgotten


LOG_LOST = "the log was lost"


def begin_new_log(database: Database) -> int:
    """Kafka's log is gone and an empty one takes its place: fold from its start, keep what is known.

    Alerts that were open end, because nobody is left who follows them; what rises still is raised anew.

    Returns:
        Alerts ended.

    Raises:
        DatabaseAway: nothing was changed.
    """
    with database.writing() as connection:
        for table in (offsets, refusals, home_status, partition_status, source_counts):
            connection.execute(delete(table))
        rows = connection.execute(select(alerts.c.id, alerts.c.body).where(alerts.c.status.in_(OPEN))).all()
        first = take_places(connection, len(rows)) if rows else 0
        for place, row in enumerate(rows, start=first):
            told = msgspec.json.decode(row.body)
            told |= {"status": "ended", "ended_at": told["updated_at"], "ended_by": LOG_LOST}
            connection.execute(
                update(alerts)
                .where(alerts.c.id == row.id)
                .values(status="ended", body=msgspec.json.encode(told).decode(), feed_seq=place)
            )
    return len(rows)
