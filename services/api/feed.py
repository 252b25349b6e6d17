"""The feed of changed alerts: rows in the order of `feed_seq`, ready to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, Row, Select, select

from services.api.tables import alert_feed, alert_people, alerts
from services.runtime.clock import from_ms

OPEN = ("rising", "easing")
MAX_RESUME = 1000
"""A client that missed more changes than this starts afresh."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One alert as it now stands, and the place of its newest change in the feed."""

    seq: int
    home_area: str
    data: bytes
    """JSON of the alert with its human side."""


def zulu(milliseconds: int) -> str:
    """RFC 3339 with `Z`.

    >>> zulu(0), zulu(1500)
    ('1970-01-01T00:00:00Z', '1970-01-01T00:00:01.500000Z')
    """
    return from_ms(milliseconds).isoformat().replace("+00:00", "Z")


def select_alerts() -> Select[tuple[object, ...]]:
    """Alerts with what people said about them."""
    people = [column for column in alert_people.c if column.name != "alert_id"]
    return select(alerts, *people).select_from(alerts.outerjoin(alert_people, alerts.c.id == alert_people.c.alert_id))


def merged(row: Row[tuple[object, ...]]) -> dict[str, object]:
    """The JSON object of a row of `select_alerts`."""
    body: dict[str, object] = msgspec.json.decode(row.body)
    acknowledged = None
    if row.acknowledged_at is not None:
        acknowledged = {"by": row.acknowledged_by, "at": zulu(row.acknowledged_at)}
    return body | {
        "human_version": row.human_version or 0,
        "acknowledged": acknowledged,
        "assigned_to": row.assigned_to,
        "label": row.label,
        "silenced_until": None if row.silenced_until is None else zulu(row.silenced_until),
    }


def bounds(connection: Connection) -> tuple[int, int]:
    """First and last place of the feed: positions outside are not of this database."""
    row = connection.execute(select(alert_feed.c.first, alert_feed.c.last)).one()
    return row.first, row.last


def changes_after(
    connection: Connection, seq: int, home_area: str | None = None, *, limit: int = MAX_RESUME + 1
) -> Sequence[FeedItem]:
    """The first alerts, in order, whose newest change came after `seq`."""
    query = select_alerts().where(alerts.c.feed_seq > seq).order_by(alerts.c.feed_seq).limit(limit)
    return _items(connection, query, home_area)


def open_alerts(connection: Connection, home_area: str | None = None) -> Sequence[FeedItem]:
    """Alerts that rise or ease, in the order of their newest change."""
    query = select_alerts().where(alerts.c.status.in_(OPEN)).order_by(alerts.c.feed_seq)
    return _items(connection, query, home_area)


def _items(connection: Connection, query: Select[tuple[object, ...]], home_area: str | None) -> Sequence[FeedItem]:
    if home_area is not None:
        query = query.where(alerts.c.home_area == home_area)
    return [
        FeedItem(row.feed_seq, row.home_area, msgspec.json.encode(merged(row))) for row in connection.execute(query)
    ]
