"""Questions about alerts, to the database."""

import base64
import binascii
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from services.api.acting import action_shown
from services.api.feed import OPEN, select_alerts
from services.api.incidents import Sight
from services.api.paging import parse_place, place
from services.api.problems import Problem
from services.api.ranking import Facts, rank, rank_of
from services.api.scope import ALL, Scope
from services.api.tables import alert_actions, alert_people, alert_versions, alerts
from services.api.view import View

_facts = msgspec.json.Decoder(Facts)
Order = Literal["raised", "updated", "ended", "rank"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts; None: no condition."""

    scope: Scope = ALL
    statuses: Collection[str] | None = OPEN
    kinds: Collection[str] | None = None
    severities: Collection[str] | None = None
    needs: Collection[str] | None = None
    areas: Collection[str] | None = None
    assigned_to: str | None = None
    label: str | None = None
    hidden: bool | None = None
    """Whether a silence hides it."""
    since: int | None = None
    """Changed at or after, ms."""
    order: Order = "raised"
    limit: int = 100
    cursor: str | None = None


def list_alerts(connection: Connection, wanted: Wanted, view: View) -> tuple[list[dict[str, Any]], str | None]:
    """One page, newest first unless ranked, and the cursor of the next; raises Problem for a cursor that is none."""
    if wanted.order == "rank":
        return _ranked(connection, wanted, view)
    key = alerts.c.raised_at if wanted.order == "raised" else alerts.c.updated_at
    query = _filtered(select_alerts(), wanted).order_by(key.desc(), alerts.c.id.desc())
    if wanted.cursor is not None:
        at, last_id = parse_cursor(wanted.cursor)
        query = query.where(or_(key < at, and_(key == at, alerts.c.id < last_id)))
    items: list[dict[str, Any]] = []
    last: Any = None
    for row in connection.execute(query):
        shown = view.alert(row)
        if not _is_wanted(shown, wanted):
            continue
        if len(items) == wanted.limit:
            return items, cursor(last.raised_at if wanted.order == "raised" else last.updated_at, last.id)
        items.append(shown)
        last = row
    return items, None


def _ranked(connection: Connection, wanted: Wanted, view: View) -> tuple[list[dict[str, Any]], str | None]:
    begin = parse_place(wanted.cursor)
    query = _filtered(select_alerts(), wanted).order_by(alerts.c.raised_at.desc(), alerts.c.id)
    found = [shown for row in connection.execute(query) if _is_wanted(shown := view.alert(row), wanted)]
    found.sort(key=rank_of)
    following = begin + wanted.limit
    return found[begin:following], place(following) if len(found) > following else None


def one_alert(connection: Connection, alert_id: str, scope: Scope, view: View) -> dict[str, Any] | None:
    """The newest version of an alert; None when there is none within the scope."""
    row = connection.execute(scope.among(select_alerts().where(alerts.c.id == alert_id))).first()
    shown = None if row is None else view.alert(row)
    return shown if shown is not None and scope.sees_source(shown.get("source")) else None


def history(connection: Connection, alert_id: str) -> dict[str, Any]:
    """Every version of an alert and every action on it, oldest first; a note taken back has lost its text."""
    versions = connection.scalars(
        select(alert_versions.c.body).where(alert_versions.c.alert_id == alert_id).order_by(alert_versions.c.version)
    )
    actions = [action_shown(row) for row in _actions(connection, [alert_id])]
    gone = {one["body"].get("note") for one in actions if one["type"] == "unnotes"}
    for one in actions:
        one["taken_back"] = one["type"] == "notes" and one["human_version"] in gone
        if one["taken_back"]:
            one["body"] = {}
    return {"versions": [msgspec.json.decode(body) for body in versions], "actions": actions}


def _actions(connection: Connection, alert_ids: Sequence[str], until: int | None = None) -> Sequence[Any]:
    a = alert_actions.c
    query = select(alert_actions).where(a.alert_id.in_(alert_ids)).order_by(a.alert_id, a.human_version)
    return connection.execute(query if until is None else query.where(a.at <= until)).all()


def sights(
    connection: Connection, *, since: int, scope: Scope, group: Callable[[str | None], str | None], view: View
) -> list[Sight]:
    """What decides about incidents, of every alert raised since (ms)."""
    a = alerts.c
    columns = (a.id, a.home_area, a.need, a.area, a.status, a.severity, a.raised_at, a.updated_at, a.body)
    people = alerts.outerjoin(alert_people, a.id == alert_people.c.alert_id)
    query = select(*columns, alert_people.c.acknowledged_at).select_from(people).where(a.raised_at >= since)
    rows = ((row, _facts.decode(row.body)) for row in connection.execute(scope.among(query)))
    return [
        Sight(
            row.id,
            row.home_area,
            row.need,
            group(row.need),
            row.status,
            row.severity,
            row.raised_at,
            row.updated_at,
            facts.started_at,
            tuple(view.events(row)),
            row.acknowledged_at is not None,
            bool(view.hiding(row.id, row.home_area, row.need, row.area)),
            rank(facts),
        )
        for row, facts in rows
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


def _filtered(query: Any, wanted: Wanted) -> Any:
    columns: Sequence[tuple[Any, Collection[str] | None]] = (
        (alerts.c.status, wanted.statuses),
        (alerts.c.kind, wanted.kinds),
        (alerts.c.severity, wanted.severities),
        (alerts.c.need, wanted.needs),
        (alerts.c.area, wanted.areas),
    )
    for column, values in columns:
        if values is not None:
            query = query.where(column.in_(sorted(values)))
    if wanted.assigned_to is not None:
        query = query.where(alert_people.c.assigned_to == wanted.assigned_to)
    if wanted.label is not None:
        query = query.where(alert_people.c.label == wanted.label)
    if wanted.since is not None:
        query = query.where(alerts.c.updated_at >= wanted.since)
    return wanted.scope.among(query)


def _is_wanted(shown: dict[str, Any], wanted: Wanted) -> bool:
    """What SQL does not know: the name of a silent feed, and silences."""
    is_hidden = shown["silenced_until"] is not None
    return wanted.scope.sees_source(shown.get("source")) and wanted.hidden in (None, is_hidden)
