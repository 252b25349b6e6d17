"""Fold the database again: forget what came from the log, keep what people did."""

import msgspec
from sqlalchemy import Connection, delete, func, or_, select, update

from schemas.controls import BudgetBody
from services.api.database import Database
from services.api.declaring import as_told
from services.api.feed import OPEN
from services.api.fold_alerts import take_places
from services.api.outbox import put_control
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
from services.api.tables_people import budgets, declared_events, rejections

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

    Alerts that were open end, because nobody is left who follows them; what rises still is raised anew. Budgets and
    declared events that are not over wait in the outbox, for the new log to hear of them.

    Returns:
        Alerts ended.

    Raises:
        DatabaseAway: nothing was changed.
    """
    with database.writing() as connection:
        _tell_again(connection)
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


def _tell_again(connection: Connection) -> None:
    """What people asked for and still holds: the new log has no control for it."""
    for row in connection.execute(select(budgets).order_by(budgets.c.home_area)).all():
        put_control(
            connection,
            "budget",
            BudgetBody(row.per_week),
            issuer=row.by,
            home_area=row.home_area,
            reference=f"budget:{row.home_area}",
        )
    log_time = connection.scalar(select(func.max(home_status.c.log_time))) or 0
    e = declared_events.c
    holds = (e.withdrawn.is_(False), or_(e.end.is_(None), e.end > log_time))
    for row in connection.execute(select(declared_events).where(*holds).order_by(e.start, e.id)).all():
        put_control(connection, "event", as_told(row), issuer=row.by, home_area=None, reference=f"event:{row.id}")
