"""`/v1/sources` and `/v1/budget`: the feeds, and what was let through."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection, select

from schemas.output import HomeStatus, SourceStatus
from services.api.fold_series import DAY_MS
from services.api.fold_status import SLOT_MS
from services.api.model import BudgetList, SourceList
from services.api.read_alerts import raised_within
from services.api.services import Services
from services.api.standing import read_standing
from services.api.tables import source_counts
from services.api.times import zulu
from services.runtime.access import Identity

HOUR_MS = 3_600_000


def feed_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["feeds and budget"])
    person = services.guard.person

    @router.get("/v1/sources", summary="The feeds: last call, lag, rate, what was refused, state")
    def get_sources(who: Identity = Depends(person)) -> SourceList:
        with services.database.reading() as connection:
            homes = read_standing(connection).within(services.scope(who)).homes
            counts = _counts(connection)
        items = [
            _source(home, one, counts.get((home.home_area, one.source), [])) for home in homes for one in home.sources
        ]
        return SourceList.model_validate({"items": items})

    @router.get("/v1/budget", summary="Chance alerts a week by home area: what is accepted, and what came")
    def get_budget(
        preview: Annotated[float | None, Query(gt=0, le=1000, description="Another budget, to compare")] = None,
        who: Identity = Depends(person),
    ) -> BudgetList:
        with services.database.reading() as connection:
            homes = read_standing(connection).within(services.scope(who)).homes
            items = [_budget(connection, home, preview) for home in homes]
        return BudgetList.model_validate({"items": items})

    return router


def _counts(connection: Connection) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Calls so far of each feed at the end of each slot, oldest first."""
    counts: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in connection.execute(select(source_counts).order_by(source_counts.c.slot)):
        counts.setdefault((row.home_area, row.source), []).append((row.slot, row.calls))
    return counts


def _source(home: HomeStatus, one: SourceStatus, counts: list[tuple[int, int]]) -> dict[str, Any]:
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


def _budget(connection: Connection, home: HomeStatus, preview: float | None) -> dict[str, Any]:
    item: dict[str, Any] = {
        "home_area": home.home_area,
        "per_week": home.budget_per_week,
        "raised_week": home.raised_week,
        "held_back_week": home.held_back_week,
        "open_alerts": home.open_alerts,
    }
    if preview is None:
        return item
    raised = None
    if preview <= home.budget_per_week:
        week = home.log_time - 7 * DAY_MS
        raised = raised_within(connection, home.home_area, since=week, budget=preview)
    return item | {"preview": {"per_week": preview, "raised_week": raised}}
