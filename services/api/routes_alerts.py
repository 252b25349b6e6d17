"""`/v1/alerts…`, `/v1/incidents`, `/v1/silences`: what is rising."""

import base64
import binascii
from collections.abc import Collection
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schemas.alert import Kind, Status
from services.api.feed import OPEN, zulu
from services.api.incidents import Gathering, gather
from services.api.model import AlertAnswer, AlertList, History, IncidentList, SilenceList
from services.api.problems import Problem, not_found
from services.api.read_alerts import Wanted, history, list_alerts, newest_raised, one_alert, sights
from services.api.services import Services, Time, in_ms
from services.api.stream import AlertStream, missed
from services.runtime.access import Identity

INCIDENT_DAYS = 90
"""Alerts older than this, seen from the newest, are in no incident."""
STATUSES = frozenset(get_args(Status))
KINDS = frozenset(get_args(Kind))
Limit = Annotated[int, Query(ge=1, le=500, description="Items a page")]
StatusFilter = Annotated[
    str, Query(description="open (rising and easing), all, or statuses with commas", examples=["open"])
]


def alert_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["alerts"])
    reader = services.guard.reader

    @router.get("/v1/alerts", summary="Alerts, newest first; open ones unless asked otherwise")
    def get_alerts(
        status: StatusFilter = "open",
        kind: Annotated[str | None, Query(description="Kinds, with commas", examples=["surge"])] = None,
        need: Annotated[str | None, Query(description="This need and all below it")] = None,
        area: Annotated[str | None, Query(description="This area and all below it")] = None,
        since: Annotated[Time | None, Query(description="Changed at or after")] = None,
        limit: Limit = 100,
        cursor: str | None = None,
        who: Identity = Depends(reader),
    ) -> AlertList:
        book = services.book() if need or area else None
        wanted = Wanted(
            statuses=_statuses(status),
            kinds=_among(kind, KINDS, "kind"),
            needs=book.needs_below(need) if book and need else None,
            areas=book.areas_below(area) if book and area else None,
            home_area=who.home_area,
            since=None if since is None else in_ms(since),
            limit=limit,
            cursor=cursor,
        )
        with services.database.reading() as connection:
            items, following = list_alerts(connection, wanted)
        return AlertList(items=tuple(AlertAnswer.model_validate(item) for item in items), next=following)

    @router.get(
        "/v1/alerts/stream",
        summary="Server-sent events: hello, then open alerts or what came after Last-Event-ID, then changes",
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    async def get_stream(
        request: Request,
        last_event_id: Annotated[str | None, Header()] = None,
        who: Identity = Depends(reader),
    ) -> Response:
        client = services.hub.open(who.home_area)
        try:
            start = await run_in_threadpool(missed, services.database, who.home_area, last_event_id)
        except BaseException:
            services.hub.close(client)
            raise
        services.hub.begin(client, start.position)
        hello = {
            "version": services.version,
            "build": services.build,
            "now": zulu(services.clock.now_ms()),
            "mode": services.mode,
        }
        return AlertStream(
            services.hub, client, start, hello=hello, is_allowed=lambda: services.guard.still_reads(request)
        )

    @router.get("/v1/alerts/{alert_id}", summary="One alert")
    def get_alert(alert_id: str, who: Identity = Depends(reader)) -> AlertAnswer:
        return AlertAnswer.model_validate(_alert(services, alert_id, who))

    @router.get("/v1/alerts/{alert_id}/history", summary="Every version of an alert, and every action on it")
    def get_history(alert_id: str, who: Identity = Depends(reader)) -> History:
        _alert(services, alert_id, who)
        with services.database.reading() as connection:
            return History.model_validate(history(connection, alert_id))

    @router.get("/v1/incidents", summary="Alerts that belong together, newest first")
    def get_incidents(
        status: StatusFilter = "open",
        since: Annotated[Time | None, Query(description="Changed at or after")] = None,
        limit: Limit = 100,
        cursor: str | None = None,
        who: Identity = Depends(reader),
    ) -> IncidentList:
        statuses, after = _statuses(status), None if since is None else in_ms(since)
        begin = 0 if cursor is None else _parse_place(cursor)
        found = [
            one
            for one in _gatherings(services, who.home_area)
            if (statuses is None or one.status in statuses) and (after is None or one.updated_at >= after)
        ]
        page = found[begin : begin + limit]
        following = _place(begin + limit) if len(found) > begin + limit else None
        return IncidentList.model_validate({"items": [_incident(one) for one in page], "next": following})

    @router.get("/v1/silences", summary="Silences in force")
    def get_silences(_: Identity = Depends(reader)) -> SilenceList:
        return SilenceList(items=())

    return router


def _alert(services: Services, alert_id: str, who: Identity) -> dict[str, Any]:
    with services.database.reading() as connection:
        found = one_alert(connection, alert_id, who.home_area)
    if found is None:
        raise not_found("alert")
    return found


def _gatherings(services: Services, home_area: str | None) -> tuple[Gathering, ...]:
    group = services.book().group
    with services.database.reading() as connection:
        newest = newest_raised(connection)
        since = (newest or 0) - INCIDENT_DAYS * 86_400_000
        return gather(sights(connection, since=since, home_area=home_area, group=group))


def _incident(one: Gathering) -> dict[str, object]:
    return {
        "id": one.id,
        "status": one.status,
        "severity": one.severity,
        "raised_at": zulu(one.raised_at),
        "updated_at": zulu(one.updated_at),
        "home_areas": sorted({member.home_area for member in one.members}),
        "needs": sorted({member.need for member in one.members if member.need is not None}),
        "alerts": [member.id for member in one.members],
    }


def _statuses(text: str) -> Collection[str] | None:
    return None if text == "all" else OPEN if text == "open" else _among(text, STATUSES, "status")


def _among(text: str | None, allowed: frozenset[str], name: str) -> Collection[str] | None:
    if text is None:
        return None
    values = frozenset(text.split(","))
    if not values <= allowed:
        raise Problem(422, f"{name} takes {', '.join(sorted(allowed))}, several with commas between them")
    return values


def _place(index: int) -> str:
    return base64.urlsafe_b64encode(str(index).encode()).decode().rstrip("=")


def _parse_place(text: str) -> int:
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    if not decoded.isdecimal() or len(decoded) > 9:
        raise Problem(422, "the cursor is not one that this API gave: take it from `next`")
    return int(decoded)
