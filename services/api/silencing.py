"""Silences: they hide alerts on the page, and never touch what the detector does."""

import secrets
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from schemas.topics import DAY_MS
from services.api.acting import Change
from services.api.codebook import Codebook
from services.api.feed import OPEN
from services.api.model_actions import CreateSilence, SilenceAlert
from services.api.problems import Problem, not_found
from services.api.scope import Scope
from services.api.services import in_ms
from services.api.tables import alerts
from services.api.tables_people import silences
from services.api.times import zulu, zulu_or_none
from services.api.view import Cover, silence_cover

LONGEST_DAYS = 7
SHOWN = 50


def hide_from(change: Change, row: Any, body: SilenceAlert, book: Codebook) -> str:
    """A silence made from an alert; returns its id."""
    fields: dict[str, Any] = {"scope": body.scope, "from_alert": row.id, "home_area": row.home_area}
    if change.asked.scope.needs is not None and body.scope in ("area", "line"):
        raise Problem(422, "your key sees some needs only: silence the alert or its need")
    if body.scope == "need":
        if row.need is None:
            raise Problem(422, "this alert has no need: silence the alert itself, or its area")
        fields["need"] = row.need
    elif body.scope == "area":
        fields["area"] = row.area
    elif body.scope == "line":
        need = book.reference.need_by_code.get(row.need or "")
        if need is None or need.line not in ("211", "311", "other"):
            raise Problem(422, "the line of this need is not known: silence the need, the area or the alert itself")
        fields["line"] = need.line
    return _create(change, fields, in_ms(body.until), body.reason, book, besides=row.id)


def create(change: Change, body: CreateSilence, book: Codebook) -> str:
    """A silence of its own; returns its id."""
    _check_codes(body, change.asked.scope, book)
    home_area = body.home_area or change.asked.scope.home_area
    fields = {"scope": "custom", "home_area": home_area, "need": body.need, "area": body.area, "line": body.line}
    silence = _create(change, fields, in_ms(body.until), body.reason, book)
    change.tell("silence", f"silence:{silence}", home_area, body.model_dump(mode="json"), 1)
    return silence


def expire(change: Change, row: Any, book: Codebook, *, besides: str | None = None) -> None:
    """End a silence now."""
    change.connection.execute(
        update(silences).where(silences.c.id == row.id).values(ended_at=change.now, ended_by=change.by)
    )
    change.announce("silences")
    change.send_again(silence_cover(book, row), besides=besides)


def one_silence(connection: Connection, silence: str, scope: Scope) -> Any:
    """A row; raises Problem 404."""
    row = connection.execute(select(silences).where(silences.c.id == silence)).first()
    if row is None or not in_scope(row, scope):
        raise not_found("silence")
    return row


def made_from(change: Change, alert_id: str) -> list[Any]:
    """Silences in force that were made from an alert."""
    query = select(silences).where(silences.c.from_alert == alert_id, *_in_force(change.now))
    return list(change.connection.execute(query))


def list_silences(connection: Connection, scope: Scope, now: int, *, only_active: bool) -> list[Any]:
    """Rows, newest first."""
    query = select(silences).order_by(silences.c.created_at.desc(), silences.c.id).limit(1000)
    if only_active:
        query = query.where(*_in_force(now))
    return [row for row in connection.execute(query) if in_scope(row, scope)]


def in_scope(row: Any, scope: Scope) -> bool:
    """Whether somebody may see a silence."""
    return scope.sees_home(row.home_area) and scope.sees_need(row.need)


def shown(connection: Connection, row: Any, book: Codebook | None, now: int) -> dict[str, Any]:
    """A silence as it is told."""
    is_active = row.created_at <= now < row.until and (row.ended_at is None or row.ended_at > now)
    hidden = covered(connection, silence_cover(book, row), since=None) if is_active else []
    return {
        "id": row.id,
        "scope": row.scope,
        "alert_id": row.from_alert,
        "home_area": row.home_area,
        "need": row.need,
        "area": row.area,
        "line": row.line,
        "until": zulu(row.until),
        "reason": row.reason,
        "by": row.by,
        "created_at": zulu(row.created_at),
        "ended_at": zulu_or_none(row.ended_at),
        "ended_by": row.ended_by,
        "state": "active" if is_active else "expired",
        "hides_open": len(hidden),
    }


def covered(connection: Connection, cover: Cover, *, since: int | None) -> list[str]:
    """Alerts that a silence covers: the open ones, or those raised since (ms), newest first."""
    a = alerts.c
    wanted = a.status.in_(OPEN) if since is None else a.raised_at >= since
    query = select(a.id, a.home_area, a.need, a.area).where(wanted).order_by(a.raised_at.desc())
    return [row.id for row in connection.execute(query) if cover.has(row.id, row.home_area, row.need, row.area)]


def _create(
    change: Change, fields: dict[str, Any], until: int, reason: str, book: Codebook, *, besides: str | None = None
) -> str:
    if not change.now < until <= change.now + LONGEST_DAYS * DAY_MS:
        raise Problem(422, f"a silence ends within {LONGEST_DAYS} days; make a new one when it is over")
    row = {"id": f"s_{secrets.token_hex(8)}", "until": until, "reason": reason, "by": change.by}
    row |= {"created_at": change.now, **fields}
    change.connection.execute(insert(silences).values(row))
    change.announce("silences")
    stored = change.connection.execute(select(silences).where(silences.c.id == row["id"])).one()
    change.send_again(silence_cover(book, stored), besides=besides)
    return str(row["id"])


def _check_codes(body: CreateSilence, scope: Scope, book: Codebook) -> None:
    if body.need is not None and not (book.has_need(body.need) and scope.sees_need(body.need)):
        raise not_found("need")
    for area in (body.area, body.home_area):
        if area is not None and not (book.has_area(area) and scope.sees_home(book.home_area(area))):
            raise not_found("area")
    if scope.needs is not None and body.need is None:
        raise Problem(422, "your key sees some needs only: name the need that is to be silenced")


def _in_force(now: int) -> tuple[Any, ...]:
    s = silences.c
    return s.created_at <= now, s.until > now, or_(s.ended_at.is_(None), s.ended_at > now)
