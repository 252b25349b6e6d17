"""Feeds that stopped, from the alerts that told of it: counts of those hours lack what the feed would have brought."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from schemas.topics import DAY_MS
from services.api.fold_alerts import milliseconds
from services.api.read_series import Span
from services.api.scope import Scope
from services.api.tables import alerts

DAYS_BACK = 30
"""A feed that stopped longer before the span is no feed of it any more."""


class Silence(msgspec.Struct, frozen=True):
    """What an alert of the kind `silence` says of its feed."""

    started_at: datetime
    ended_at: datetime | None = None
    source: str | None = None
    """The contract lets an alert name none; then nothing can be said of a feed."""


def feed_silences(connection: Connection, scope: Scope, home_area: str, span: Span) -> list[Silence]:
    """Silences of the home area's feeds that touch the span, the earliest first; with `known_at` as they stood then."""
    a = alerts.c
    query = select(a.body).where(
        a.kind == "silence",
        a.home_area == home_area,
        a.raised_at < span.end,
        a.raised_at > span.start - DAYS_BACK * DAY_MS,
    )
    if span.known_at is not None:
        query = query.where(a.raised_at <= span.known_at)
    found = (_as_known(msgspec.json.decode(body, type=Silence), span.known_at) for body in connection.scalars(query))
    touching = [one for one in found if one.source and scope.sees_source(one.source) and _touches(one, span)]
    return sorted(touching, key=lambda one: (one.started_at, one.source or ""))


def _as_known(one: Silence, known_at: int | None) -> Silence:
    if known_at is None or one.ended_at is None or milliseconds(one.ended_at) <= known_at:
        return one
    return msgspec.structs.replace(one, ended_at=None)


def _touches(one: Silence, span: Span) -> bool:
    return milliseconds(one.started_at) < span.end and (one.ended_at is None or milliseconds(one.ended_at) > span.start)
