"""Alerts into rows: a higher version replaces, an equal or lower one changes nothing, every version is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from schemas.alert import Alert
from services.api.database import upsert
from services.api.tables import alert_feed, alert_versions, alerts


@dataclass(frozen=True, slots=True)
class Change:
    """One alert of which there is news."""

    alert: Alert
    feed_seq: int
    is_new: bool


def write(connection: Connection, batch: Sequence[Alert]) -> tuple[Change, ...]:
    """Store alerts; returns those that became newer, in the order of their last version, each with its `feed_seq`."""
    if not batch:
        return ()
    _keep_versions(connection, batch)
    known = _known_versions(connection, {alert.id for alert in batch})
    newest: dict[str, Alert] = {}
    for alert in batch:
        if alert.version > (newest[alert.id].version if alert.id in newest else known.get(alert.id, 0)):
            newest.pop(alert.id, None)
            newest[alert.id] = alert
    if not newest:
        return ()
    first = take_places(connection, len(newest))
    changes = tuple(
        Change(alert, first + index, is_new=alert.id not in known) for index, alert in enumerate(newest.values())
    )
    statement = upsert(connection, alerts)
    columns = {column.name: statement.excluded[column.name] for column in alerts.c if column.name != "id"}
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_=columns, where=alerts.c.version < statement.excluded.version
    )
    connection.execute(statement, [_row(change) for change in changes])
    return changes


def milliseconds(time: datetime) -> int:
    """Unix milliseconds of a time with offset, exactly."""
    whole = int(time.replace(microsecond=0).timestamp())
    return whole * 1000 + time.microsecond // 1000


def _keep_versions(connection: Connection, batch: Sequence[Alert]) -> None:
    rows = [
        {
            "alert_id": alert.id,
            "version": alert.version,
            "updated_at": milliseconds(alert.updated_at),
            "body": alert.model_dump_json(),
        }
        for alert in batch
    ]
    connection.execute(upsert(connection, alert_versions).on_conflict_do_nothing(), rows)


def _known_versions(connection: Connection, ids: set[str]) -> dict[str, int]:
    found = connection.execute(select(alerts.c.id, alerts.c.version).where(alerts.c.id.in_(sorted(ids))))
    return {row.id: row.version for row in found}


def take_places(connection: Connection, count: int) -> int:
    """The first of `count` places in the feed; their order is the order of commits, for the row stays locked."""
    last = connection.scalar(
        update(alert_feed)
        .where(alert_feed.c.id == 1)
        .values(last=alert_feed.c.last + count)
        .returning(alert_feed.c.last)
    )
    if last is None:
        raise LookupError("the database has no feed row: it was not prepared")
    return int(last) - count + 1


def _row(change: Change) -> dict[str, object]:
    alert = change.alert
    return {
        "id": alert.id,
        "version": alert.version,
        "kind": alert.kind,
        "status": alert.status,
        "severity": alert.severity,
        "home_area": alert.home_area,
        "need": alert.need,
        "area": alert.area,
        "raised_at": milliseconds(alert.raised_at),
        "updated_at": milliseconds(alert.updated_at),
        "budget_needed": alert.budget_needed,
        "feed_seq": change.feed_seq,
        "body": alert.model_dump_json(),
    }
