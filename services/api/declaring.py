"""Declared events: what a coordinator knows is going on; the detector leaves them out of what is normal."""

import secrets
from datetime import UTC
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from schemas.controls import EventBody
from schemas.topics import DAY_MS
from services.api.acting import Change
from services.api.codebook import Codebook
from services.api.fold_alerts import milliseconds
from services.api.model_actions import Declare
from services.api.outbox import put_control
from services.api.problems import Problem, not_found
from services.api.scope import Scope
from services.api.tables import alerts
from services.api.tables_people import declared_events
from services.api.times import zulu, zulu_or_none
from services.api.view import Occasion, event_cover

BACK_DAYS = 14
"""So far back can an event be declared: the detector keeps what it would have to learn anew."""
OPEN = frozenset({"planned", "running"})


def declare(change: Change, body: Declare, book: Codebook) -> str:
    """A new event; returns its id. Raises Problem."""
    _check(change, body, book)
    event = f"e_{secrets.token_hex(8)}"
    row = {
        "id": event,
        "version": 1,
        "withdrawn": False,
        "by": change.by,
        "declared_at": change.now,
        "updated_at": change.now,
        **_columns(body),
    }
    change.connection.execute(insert(declared_events).values(row))
    _tell(change, event, "declare", book)
    return event


def replace_event(change: Change, row: Any, body: Declare, book: Codebook) -> None:
    """The event as it is to be from now on. Raises Problem."""
    _check(change, body, book)
    _send_again(change, row, book)
    _update(change, row, _columns(body))
    _tell(change, row.id, "change_event", book)


def finish(change: Change, row: Any, book: Codebook) -> None:
    """It is over now."""
    if row.end is not None and row.end <= change.now:
        raise Problem(409, "this event is over already")
    if row.start >= change.now:
        raise Problem(409, "this event has not begun: withdraw it instead")
    _update(change, row, {"end": change.now})
    _tell(change, row.id, "end_event", book)


def withdraw(change: Change, row: Any, book: Codebook) -> None:
    """It was declared by mistake."""
    if row.withdrawn:
        raise Problem(409, "this event has been withdrawn already")
    _send_again(change, row, book)
    _update(change, row, {"withdrawn": True})
    _tell(change, row.id, "withdraw_event", book)


def one_event(connection: Connection, event: str, scope: Scope, book: Codebook) -> Any:
    """A row; raises Problem 404."""
    row = connection.execute(select(declared_events).where(declared_events.c.id == event)).first()
    if row is None or not in_scope(row, scope, book):
        raise not_found("event")
    return row


def list_events(connection: Connection, scope: Scope, book: Codebook) -> list[Any]:
    """Rows, the latest start first."""
    query = select(declared_events).order_by(declared_events.c.start.desc(), declared_events.c.id).limit(1000)
    return [row for row in connection.execute(query) if in_scope(row, scope, book)]


def in_scope(row: Any, scope: Scope, book: Codebook) -> bool:
    """Whether one of its areas, and one of its needs, may be seen."""
    body = msgspec.json.decode(row.body)
    seen_need = not body["needs"] or any(scope.sees_need(code) for code in body["needs"])
    return seen_need and any(scope.sees_home(book.home_area(code)) for code in body["areas"])


def state_of(row: Any, now: int) -> str:
    """planned, running, over or withdrawn.

    >>> from types import SimpleNamespace as Row
    >>> state_of(Row(withdrawn=False, start=5, end=None), 4), state_of(Row(withdrawn=False, start=5, end=9), 9)
    ('planned', 'over')
    """
    if row.withdrawn:
        return "withdrawn"
    if now < row.start:
        return "planned"
    return "over" if row.end is not None and row.end <= now else "running"


def shown(connection: Connection, row: Any, scope: Scope, book: Codebook, now: int) -> dict[str, Any]:
    """An event as it is told."""
    body = msgspec.json.decode(row.body)
    occasion = occasion_of(row, book)
    a = alerts.c
    query = select(a.id, a.home_area, a.need, a.area, a.status, a.raised_at, a.updated_at).where(
        a.updated_at >= row.start
    )
    found = [] if row.withdrawn else connection.execute(scope.among(query).order_by(a.raised_at)).all()
    return {
        "id": row.id,
        "version": row.version,
        **body,
        "start": zulu(row.start),
        "end": zulu_or_none(row.end),
        "by": row.by,
        "declared_at": zulu(row.declared_at),
        "updated_at": zulu(row.updated_at),
        "state": state_of(row, now),
        "alerts": [one.id for one in found if occasion.has(one)],
    }


def occasion_of(row: Any, book: Codebook) -> Occasion:
    """What its alerts are."""
    body = msgspec.json.decode(row.body)
    return Occasion(row.id, row.start, row.end, event_cover(book, body["areas"], body["needs"]))


def _check(change: Change, body: Declare, book: Codebook) -> None:
    scope = change.asked.scope
    for code in body.areas:
        if not (book.has_area(code) and scope.sees_home(book.home_area(code))):
            raise not_found("area")
    for code in body.needs:
        if not (code in book.reference.need_by_code and scope.sees_need(code)):
            raise not_found("need")
    if scope.needs is not None and not body.needs:
        raise Problem(422, "your key sees some needs only: name the needs of the event")
    if milliseconds(body.start) < change.now - BACK_DAYS * DAY_MS:
        raise Problem(422, f"an event starts at most {BACK_DAYS} days back: older hours have been learned for good")


def _columns(body: Declare) -> dict[str, Any]:
    kept = {
        "name": body.name,
        "hazard": body.hazard,
        "areas": body.areas,
        "needs": body.needs,
        "periods": [
            {
                "name": one.name,
                "start": zulu(milliseconds(one.start.astimezone(UTC))),
                "end": zulu(milliseconds(one.end.astimezone(UTC))),
            }
            for one in sorted(body.periods, key=lambda period: period.start)
        ],
    }
    return {
        "start": milliseconds(body.start),
        "end": None if body.end is None else milliseconds(body.end),
        "body": msgspec.json.encode(kept).decode(),
    }


def _update(change: Change, row: Any, values: dict[str, Any]) -> None:
    change.connection.execute(
        update(declared_events)
        .where(declared_events.c.id == row.id)
        .values(version=row.version + 1, updated_at=change.now, **values)
    )


def as_told(row: Any) -> EventBody:
    """What the detector is told of a row."""
    body = msgspec.json.decode(row.body)
    areas, needs = tuple(body["areas"]), tuple(body["needs"])
    return EventBody(row.id, body["name"], row.start, areas, needs, row.end, body["hazard"], row.withdrawn)


def _tell(change: Change, event: str, action: str, book: Codebook) -> None:
    """To the detector, every partition of it; to pages; into the audit."""
    row = change.connection.execute(select(declared_events).where(declared_events.c.id == event)).one()
    body = msgspec.json.decode(row.body)
    reference = f"event:{row.id}"
    put_control(change.connection, "event", as_told(row), issuer=change.by, home_area=None, reference=reference)
    homes = {book.home_area(code) for code in body["areas"]}
    home_area = homes.pop() if len(homes) == 1 else None
    change.tell(action, reference, home_area, body | {"start": row.start, "end": row.end}, row.version)
    change.announce("events")
    _send_again(change, row, book)


def _send_again(change: Change, row: Any, book: Codebook) -> None:
    change.send_again(occasion_of(row, book).cover)
