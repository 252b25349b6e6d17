"""Questions about alerts, to the database."""

import base64
import binascii
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, or_, select

from services.api.feed import OPEN, merged, select_alerts, zulu
from services.api.incidents import Sight
from services.api.problems import Problem
from services.api.tables import alert_actions, alert_versions, alerts


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts; None: no condition."""

    statuses: Collection[str] | None = OPEN
    kinds: Collection[str] | None = None
    needs: Collection[str] | None = None
    areas: Collection[str] | None = None
    home_area: str | None = None
    since: int | None = None
    """Changed at or after, ms."""
    limit: int = 100
    cursor: str | None = None


def list_alerts(connection: Connection, wanted: Wanted) -> tuple[list[dict[str, Any]], str | None]:
    """One page, the newest raised first, and the cursor of the next; raises Problem for a cursor that is none."""
    query = _filtered(select_alerts(), wanted).order_by(alerts.c.raised_at.desc(), alerts.c.id.desc())
    if wanted.cursor is not None:
        raised_at, last_id = parse_cursor(wanted.cursor)
        query = query.where(
            or_(alerts.c.raised_at < raised_at, and_(alerts.c.raised_at == raised_at, alerts.c.id < last_id))
        )
    rows = connection.execute(query.limit(wanted.limit + 1)).all()
    page = rows[: wanted.limit]
    following = cursor(page[-1].raised_at, page[-1].id) if len(rows) > wanted.limit else None
    return [merged(row) for row in page], following


def one_alert(connection: Connection, alert_id: str, home_area: str | None) -> dict[str, Any] | None:
    """The newest version of an alert; None when there is none within the scope."""
    query = select_alerts().where(alerts.c.id == alert_id)
    if home_area is not None:
        query = query.where(alerts.c.home_area == home_area)
    row = connection.execute(query).first()
    return None if row is None else merged(row)


def history(connection: Connection, alert_id: str) -> dict[str, Any]:
    """Every version of an alert and every action on it, oldest first."""
    versions = connection.scalars(
        select(alert_versions.c.body).where(alert_versions.c.alert_id == alert_id).order_by(alert_versions.c.version)
    )
    actions = connection.execute(
        select(alert_actions).where(alert_actions.c.alert_id == alert_id).order_by(alert_actions.c.human_version)
    )
    return {
        "versions": [msgspec.json.decode(body) for body in versions],
        "actions": [
            {
                "type": row.type,
                "at": zulu(row.at),
                "by": row.by,
                "human_version": row.human_version,
                "body": msgspec.json.decode(row.body),
            }
            for row in actions
        ],
    }


def sights(
    connection: Connection, *, since: int, home_area: str | None, group: Callable[[str | None], str | None]
) -> list[Sight]:
    """What decides about incidents, of every alert raised since (ms)."""
    query = select(
        alerts.c.id,
        alerts.c.home_area,
        alerts.c.need,
        alerts.c.status,
        alerts.c.severity,
        alerts.c.raised_at,
        alerts.c.updated_at,
    ).where(alerts.c.raised_at >= since)
    if home_area is not None:
        query = query.where(alerts.c.home_area == home_area)
    return [
        Sight(row.id, row.home_area, row.need, group(row.need), row.status, row.severity, row.raised_at, row.updated_at)
        for row in connection.execute(query)
    ]


def newest_raised(connection: Connection) -> int | None:
    """When the newest alert was raised, ms."""
    newest: int | None = connection.scalar(select(func.max(alerts.c.raised_at)))
    return newest


def open_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """Open alerts by home area and severity."""
    query = (
        select(alerts.c.home_area, alerts.c.severity, func.count())
        .where(alerts.c.status.in_(OPEN))
        .group_by(alerts.c.home_area, alerts.c.severity)
    )
    return {(home, severity): count for home, severity, count in connection.execute(query)}


def raised_within(connection: Connection, home_area: str, *, since: int, budget: float) -> int:
    """Alerts raised since (ms) whose need of budget is at most `budget`."""
    query = select(func.count()).where(
        alerts.c.home_area == home_area, alerts.c.raised_at >= since, alerts.c.budget_needed <= budget
    )
    return int(connection.scalar(query) or 0)


def cursor(raised_at: int, last_id: str) -> str:
    """Opaque to clients.

    >>> parse_cursor(cursor(5, "a:b"))
    (5, 'a:b')
    """
    return base64.urlsafe_b64encode(f"{raised_at}:{last_id}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> tuple[int, str]:
    """Raises Problem when it is not one of ours."""
    try:
        raised_at, colon, last_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        if colon and raised_at.isdecimal() and len(raised_at) < 19:
            return int(raised_at), last_id
    except (binascii.Error, ValueError):
        pass
    raise Problem(422, "the cursor is not one that this API gave: take it from `next`")


def _filtered(query: Select[tuple[object, ...]], wanted: Wanted) -> Select[tuple[object, ...]]:
    columns: Sequence[tuple[Any, Collection[str] | None]] = (
        (alerts.c.status, wanted.statuses),
        (alerts.c.kind, wanted.kinds),
        (alerts.c.need, wanted.needs),
        (alerts.c.area, wanted.areas),
    )
    for column, values in columns:
        if values is not None:
            query = query.where(column.in_(sorted(values)))
    if wanted.home_area is not None:
        query = query.where(alerts.c.home_area == wanted.home_area)
    if wanted.since is not None:
        query = query.where(alerts.c.updated_at >= wanted.since)
    return query
