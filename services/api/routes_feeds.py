"""`/v1/sources`: the feeds, and what of theirs was refused."""

from typing import Any

from fastapi import APIRouter, Depends
from sqlalchemy import Connection, func, select

from schemas.output import HomeStatus, SourceStatus
from schemas.topics import DAY_MS
from services.api.fold_status import SLOT_MS
from services.api.model_feeds import SourceList
from services.api.services import Services
from services.api.standing import read_standing
from services.api.tables import source_counts
from services.api.tables_people import rejections
from services.api.times import zulu
from services.runtime.access import Identity

HOUR_MS = 3_600_000
REASONS_SHOWN = 20


def feed_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["feeds"])
    person = services.guard.person

    @router.get("/v1/sources", summary="The feeds: last call, lag, rate, what was refused, state")
    def get_sources(who: Identity = Depends(person)) -> SourceList:
        with services.database.reading() as connection:
            homes = read_standing(connection).within(services.scope(who)).homes
            counts = _counts(connection)
            now = max((home.log_time for home in homes), default=services.clock.now_ms())
            refused = _refused(connection, since=now - 7 * DAY_MS)
        items = [
            _source(home, one, counts.get((home.home_area, one.source), []), refused.get(one.source, []))
            for home in homes
            for one in home.sources
        ]
        return SourceList.model_validate({"items": items})

    return router


def _counts(connection: Connection) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Calls so far of each feed at the end of each slot, oldest first."""
    counts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in connection.execute(select(source_counts).order_by(source_counts.c.slot)):
        counts.setdefault((row.home_area, row.source), []).append((row.slot, row.calls))
    return counts


def _refused(connection: Connection, *, since: int) -> dict[str, list[dict[str, Any]]]:
    """Why records of each source were refused since (ms), the most frequent first."""
    r = rejections.c
    query = (
        select(r.source, r.reason, r.field, func.sum(r.count).label("times"), func.max(r.last_at).label("last_at"))
        .where(r.hour >= since // HOUR_MS)
        .group_by(r.source, r.reason, r.field)
        .order_by(func.sum(r.count).desc(), r.reason, r.field)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        one = {"reason": row.reason, "field": row.field or None, "count": int(row.times), "last_at": zulu(row.last_at)}
        found.setdefault(row.source, []).append(one)
    return found


def _source(
    home: HomeStatus, one: SourceStatus, counts: list[tuple[int, int]], refused: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "source": one.source,
        "home_area": home.home_area,
        "state": one.state,
        "last_call": None if one.last_call is None else zulu(one.last_call),
        "last_logged": None if one.last_logged is None else zulu(one.last_logged),
        "lag_seconds": None if one.last_call is None else max(0, home.log_time - one.last_call) / 1000,
        "median_delay_seconds": one.median_delay_seconds,
        "calls": one.calls,
        "rate_per_hour": rate_per_hour(counts),
        "duplicates": one.duplicates,
        "late": one.late,
        "rejected": one.refused,
        "unknown_codes": one.unknown_codes,
        "batch": one.batch,
        "rejected_week": sum(why["count"] for why in refused),
        "rejected_reasons": refused[:REASONS_SHOWN],
    }


def rate_per_hour(counts: list[tuple[int, int]]) -> float | None:
    """Calls an hour between the newest count and the oldest of the hour before it; None for fewer than two.

    >>> rate_per_hour([(0, 100), (6, 130), (12, 160)])
    60.0
    """
    if not counts:
        return None
    slot, calls = counts[-1]
    before = next(((s, c) for s, c in counts if slot - HOUR_MS // SLOT_MS <= s < slot), None)
    if before is None:
        return None
    return round(max(0, calls - before[1]) / ((slot - before[0]) * SLOT_MS / HOUR_MS), 2)
