"""`/v1/alerts…`, `/v1/incidents`: what is rising."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schemas.alert import Kind, Severity, Status
from schemas.controls import Label
from services.api.feed import OPEN
from services.api.hub import TooManyStreams
from services.api.incidents import Gathering, gather
from services.api.model import AlertAnswer, AlertList, History, IncidentList
from services.api.paging import parse_place, place
from services.api.problems import Problem, not_found
from services.api.read_alerts import Order, Wanted, history, list_alerts, newest_raised, one_alert, sights
from services.api.read_known import known_alert, known_alerts
from services.api.scope import Scope
from services.api.services import Services, Time, in_ms
from services.api.stream import AlertStream, missed
from services.api.times import zulu
from services.runtime.access import Identity

INCIDENT_DAYS = 90
"""Alerts older than this, seen from the newest, are in no incident."""
STATUSES = frozenset(get_args(Status))
KINDS = frozenset(get_args(Kind))
SEVERITIES = frozenset(get_args(Severity))
LOAD_MS = 600_000
Limit = Annotated[int, Query(ge=1, le=500, description="Items a page")]
StatusFilter = Annotated[
    str, Query(description="open (rising and easing), all, or statuses with commas", examples=["open"])
]


def alert_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["alerts"])
    person = services.guard.person

    @router.get("/v1/alerts", summary="Alerts, newest first; open ones unless asked otherwise")
    def get_alerts(
        status: StatusFilter = "open",
        kind: Annotated[str | None, Query(description="Kinds, with commas", examples=["surge"])] = None,
        severity: Annotated[str | None, Query(description="Severities, with commas")] = None,
        need: Annotated[str | None, Query(description="This need and all below it")] = None,
        area: Annotated[str | None, Query(description="This area and all below it")] = None,
        assigned_to: Annotated[str | None, Query(description="A name, or `me`", max_length=80)] = None,
        label: Annotated[Label | None, Query(description="What people said it was")] = None,
        silenced: Annotated[Literal["show", "hide", "only"], Query(description="Alerts that a silence hides")] = "show",
        since: Annotated[Time | None, Query(description="Changed at or after")] = None,
        known_at: Annotated[Time | None, Query(description="As it was known then; no cursor")] = None,
        order: Annotated[
            Order | None,
            Query(description="raised, unless only ended ones are asked for; rank: the most serious first"),
        ] = None,
        limit: Limit = 100,
        cursor: str | None = None,
        who: Identity = Depends(person),
    ) -> AlertList:
        book = services.book() if need or area else None
        statuses = _statuses(status)
        wanted = Wanted(
            scope=services.scope(who),
            statuses=statuses,
            kinds=_among(kind, KINDS, "kind"),
            severities=_among(severity, SEVERITIES, "severity"),
            needs=book.needs_below(need) if book and need else None,
            areas=book.areas_below(area) if book and area else None,
            assigned_to=who.name if assigned_to == "me" else assigned_to,
            label=label,
            hidden={"show": None, "hide": False, "only": True}[silenced],
            since=None if since is None else in_ms(since),
            order=order or ("ended" if statuses == frozenset({"ended"}) else "raised"),
            limit=limit,
            cursor=cursor,
        )
        with services.database.reading() as connection:
            if known_at is None:
                items, following = list_alerts(connection, wanted, services.views.read(connection))
            else:
                at = in_ms(known_at)
                items, following = known_alerts(connection, wanted, services.views.read(connection, at), at), None
        return AlertList(
            items=tuple(AlertAnswer.model_validate(item, extra="ignore") for item in items), next=following
        )

    @router.get(
        "/v1/alerts/stream",
        summary="Server-sent events: hello, then open alerts or what came after Last-Event-ID, then changes",
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    async def get_stream(
        request: Request,
        last_event_id: Annotated[str | None, Header()] = None,
        who: Identity = Depends(person),
    ) -> Response:
        scope = services.scope(who)
        try:
            client = services.hub.open(scope)
        except TooManyStreams:
            raise Problem(503, "this server has as many open pages as it can serve", {"Retry-After": "10"}) from None
        try:
            start = await run_in_threadpool(missed, services.database, services.views, scope, last_event_id)
        except BaseException:
            services.hub.close(client)
            raise
        services.hub.begin(client, start.position, start.news)
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
    def get_alert(
        alert_id: str,
        response: Response,
        known_at: Annotated[Time | None, Query(description="As it was known then")] = None,
        who: Identity = Depends(person),
    ) -> AlertAnswer:
        found = _alert(services, alert_id, who, None if known_at is None else in_ms(known_at))
        response.headers["ETag"] = f'"{found["human_version"]}"'
        return AlertAnswer.model_validate(found, extra="ignore")

    @router.get("/v1/alerts/{alert_id}/history", summary="Every version of an alert, and every action on it")
    def get_history(alert_id: str, who: Identity = Depends(person)) -> History:
        _alert(services, alert_id, who)
        with services.database.reading() as connection:
            return History.model_validate(history(connection, alert_id), extra="ignore")

    @router.get("/v1/incidents", summary="Alerts that belong together, newest first")
    def get_incidents(
        status: StatusFilter = "open",
        since: Annotated[Time | None, Query(description="Changed at or after")] = None,
        order: Annotated[
            Literal["raised", "rank"], Query(description="rank: by the most serious open alert of each")
        ] = "raised",
        limit: Limit = 100,
        cursor: str | None = None,
        who: Identity = Depends(person),
    ) -> IncidentList:
        statuses, after = _statuses(status), None if since is None else in_ms(since)
        begin = parse_place(cursor)
        everything, now = _gatherings(services, services.scope(who))
        found = [
            one
            for one in everything
            if (statuses is None or one.status in statuses) and (after is None or one.updated_at >= after)
        ]
        if order == "rank":
            found.sort(key=lambda one: one.best)
        page = found[begin : begin + limit]
        following = place(begin + limit) if len(found) > begin + limit else None
        return IncidentList.model_validate(
            {"items": [_incident(one) for one in page], "next": following, "load": _load(everything, now)}
        )

    return router


def _alert(services: Services, alert_id: str, who: Identity, at: int | None = None) -> dict[str, Any]:
    with services.database.reading() as connection:
        view = services.views.read(connection, at)
        if at is None:
            found = one_alert(connection, alert_id, services.scope(who), view)
        else:
            found = known_alert(connection, alert_id, services.scope(who), view, at)
    if found is None:
        raise not_found("alert")
    return found


def _gatherings(services: Services, scope: Scope) -> tuple[tuple[Gathering, ...], int]:
    group = services.book().group
    with services.database.reading() as connection:
        view = services.views.read(connection)
        newest = newest_raised(connection)
        since = (newest or 0) - INCIDENT_DAYS * 86_400_000
        return gather(sights(connection, since=since, scope=scope, group=group, view=view)), view.now


def _load(found: tuple[Gathering, ...], now: int) -> dict[str, int]:
    """How much came in the last ten minutes: more than about ten alerts is a flood."""
    since = now - LOAD_MS
    raised = [member.raised_at >= since for one in found for member in one.members]
    return {"alerts_10_min": sum(raised), "incidents_10_min": sum(one.raised_at >= since for one in found)}


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
        "first": one.first,
        "events": sorted({event for member in one.members for event in member.events}),
        "counts": {
            "open": sum(member.status in OPEN for member in one.members),
            "acknowledged": sum(member.acknowledged for member in one.members),
            "silenced": sum(member.silenced for member in one.members),
        },
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
