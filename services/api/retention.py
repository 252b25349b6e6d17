"""Deletes what is older than `stores.py` says, a bounded number of rows at a time."""

from collections.abc import Callable
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, func, or_, select

from schemas.topics import DAY_MS
from services.api.fold_rejected import HOUR_MS
from services.api.fold_status import SLOT_MS
from services.api.stores import days_of
from services.api.tables import (
    alert_actions,
    alert_people,
    alert_versions,
    alerts,
    home_status,
    point_versions,
    points,
    sessions,
    source_counts,
)
from services.api.tables_people import audit, declared_events, rejections, requests, silences

ALERTS_AT_ONCE = 500
"""Ended alerts taken out in one transaction, with all that was said of them."""
CLOCKS_APART_MS = 60_000
"""The database looks at the age of the audit's rows by its own clock, and would refuse what is too young by it."""

Old = Callable[[int], ColumnElement[bool]]
"""Condition of rows that are older than a moment, ms."""

BY_WALL: MappingProxyType[Table, Old] = MappingProxyType(
    {
        sessions: lambda before: sessions.c.expires_at < before + days_of("sessions") * DAY_MS,
        requests: lambda before: requests.c.at < before,
        audit: lambda before: audit.c.at < before - CLOCKS_APART_MS,
        rejections: lambda before: rejections.c.hour < before // HOUR_MS,
    }
)
"""Table to what is too old in it, by the wall clock. A session ends by itself a week after its login."""

BY_LOG_TIME: MappingProxyType[Table, Old] = MappingProxyType(
    {
        points: lambda before: points.c.start < before,
        point_versions: lambda before: point_versions.c.start < before,
        source_counts: lambda before: source_counts.c.slot < before // SLOT_MS,
        silences: lambda before: silences.c.until < before,
        declared_events: lambda before: and_(
            or_(declared_events.c.end < before, declared_events.c.withdrawn), declared_events.c.updated_at < before
        ),
    }
)
"""The same, by the log's own time, which in a replay is another year's."""

OF_ALERTS = (alert_versions, alert_people, alert_actions)
"""What goes with its alert."""

DELETED = (*BY_WALL, *BY_LOG_TIME, alerts, *OF_ALERTS)
"""Every table with days."""


def apply(connection: Connection, now_ms: int) -> dict[str, int]:
    """Delete what is too old; returns rows by table.

    Args:
        now_ms: wall clock.
    """
    gone = {table.name: _delete(connection, table, old, now_ms) for table, old in BY_WALL.items()}
    log_time = connection.scalar(select(func.min(home_status.c.log_time)))
    if log_time is not None:
        gone |= {table.name: _delete(connection, table, old, log_time) for table, old in BY_LOG_TIME.items()}
        gone |= _delete_alerts(connection, log_time)
    return {name: rows for name, rows in gone.items() if rows}


def _delete(connection: Connection, table: Table, old: Old, now_ms: int) -> int:
    return connection.execute(delete(table).where(old(now_ms - days_of(table.name) * DAY_MS))).rowcount


def _delete_alerts(connection: Connection, log_time: int) -> dict[str, int]:
    ended = _ended_before(log_time - days_of("alerts") * DAY_MS)
    ids = list(connection.scalars(ended))
    if not ids:
        return {}
    gone = {
        table.name: connection.execute(delete(table).where(table.c.alert_id.in_(ids))).rowcount for table in OF_ALERTS
    }
    return gone | {alerts.name: connection.execute(delete(alerts).where(alerts.c.id.in_(ids))).rowcount}


def _ended_before(before: int) -> Select[tuple[str]]:
    return select(alerts.c.id).where(alerts.c.status == "ended", alerts.c.updated_at < before).limit(ALERTS_AT_ONCE)
