"""The feed of changed alerts: rows in the order of `feed_seq`, ready to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, Select, select

from services.api.database import upsert
from services.api.scope import ALL, Scope
from services.api.tables import alert_feed, alert_people, alerts
from services.api.tables_people import news
from services.api.view import View

OPEN = ("rising", "easing")
MAX_RESUME = 1000
"""A client that missed more changes than this starts afresh."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One alert as it now stands, and the place of its newest change in the feed."""

    seq: int
    home_area: str
    need: str | None
    source: str | None
    data: bytes
    """JSON of the alert with its human side."""


def select_alerts() -> Select[tuple[object, ...]]:
    """Alerts with what people said about them."""
    people = [column for column in alert_people.c if column.name != "alert_id"]
    return select(alerts, *people).select_from(alerts.outerjoin(alert_people, alerts.c.id == alert_people.c.alert_id))


def bounds(connection: Connection) -> tuple[int, int]:
    """First and last place of the feed: positions outside are not of this database."""
    row = connection.execute(select(alert_feed.c.first, alert_feed.c.last)).one()
    return row.first, row.last


def read_news(connection: Connection) -> dict[str, int]:
    """How often each list beside the alerts has changed."""
    return {row.name: row.seq for row in connection.execute(select(news))}


def announce(connection: Connection, name: str) -> None:
    """Pages read this list again."""
    statement = upsert(connection, news).values(name=name, seq=1)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seq": news.c.seq + 1}))


def changes_after(
    connection: Connection, seq: int, view: View, scope: Scope = ALL, *, limit: int = MAX_RESUME + 1
) -> Sequence[FeedItem]:
    """The first alerts, in order, whose newest change came after `seq`."""
    query = select_alerts().where(alerts.c.feed_seq > seq).order_by(alerts.c.feed_seq).limit(limit)
    return _items(connection, query, view, scope)


def open_alerts(connection: Connection, view: View, scope: Scope = ALL) -> Sequence[FeedItem]:
    """Alerts that rise or ease, in the order of their newest change."""
    query = select_alerts().where(alerts.c.status.in_(OPEN)).order_by(alerts.c.feed_seq)
    return _items(connection, query, view, scope)


def _items(connection: Connection, query: Select[tuple[object, ...]], view: View, scope: Scope) -> Sequence[FeedItem]:
    items = []
    for row in connection.execute(scope.among(query)):
        shown = view.alert(row)
        if scope.sees(row.home_area, row.need, source := shown.get("source")):
            items.append(FeedItem(row.feed_seq, row.home_area, row.need, source, msgspec.json.encode(shown)))
    return items
