"""Exploring: many series at once, CSV, what rose and fell, similar alerts, precision and lead time."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from schemas.topics import DAY_MS
from services.api import comparing
from services.api.comparing import Mover
from services.api.model_explore import Movers, PastAlertList, Quality, SeriesList
from services.api.problems import Problem, not_found
from services.api.read_alerts import one_alert
from services.api.routes_series import SeriesWanted, read_one
from services.api.series_csv import may_leave, series_csv
from services.api.services import Services, Time
from services.api.standing import read_standing
from services.api.times import zulu
from services.runtime.access import Identity

MOST_SERIES = 48
Codes = Annotated[str, Query(description="Codes with commas between them", max_length=4000)]


def explore_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["explore"])
    person = services.guard.person

    @router.get("/v1/series/many", summary="Each of some needs in each of some areas, at most 48 series")
    def get_many_series(
        needs: Codes,
        areas: Codes,
        start: Time | None = None,
        end: Time | None = None,
        bucket: Literal["hour", "day"] = "hour",
        who: Identity = Depends(person),
    ) -> SeriesList:
        pairs = [(need, area) for need in _codes(needs) for area in _codes(areas)]
        if not 0 < len(pairs) <= MOST_SERIES:
            raise Problem(422, f"name needs and areas that make 1 to {MOST_SERIES} series")
        scope = services.scope(who)
        with services.database.reading() as connection:
            items = [
                read_one(services, connection, scope, SeriesWanted(need, area, start, end, bucket))[0]
                for need, area in pairs
            ]
        return SeriesList(items=tuple(items))

    @router.get(
        "/v1/series.csv",
        summary="A series as CSV; for others without cells under five",
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    def get_series_csv(
        need: str,
        area: str,
        start: Time | None = None,
        end: Time | None = None,
        bucket: Literal["hour", "day"] = "hour",
        audience: Annotated[
            Literal["us", "others"], Query(description="others: cells under 5 are left out")
        ] = "others",
        who: Identity = Depends(person),
    ) -> Response:
        with services.database.reading() as connection:
            wanted = SeriesWanted(need, area, start, end, bucket)
            _, found = read_one(services, connection, services.scope(who), wanted)
        if audience == "others" and not may_leave(services.book(), need, area):
            raise Problem(403, "this need is sensitive: for others it is told for a county and larger")
        text = series_csv(found, need, area, for_others=audience == "others")
        name = "".join(one if one.isalnum() or one in "-." else "-" for one in f"{need}_{area}")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/v1/movers", summary="What rose and fell most surely over the last days")
    def get_movers(
        area: Annotated[str | None, Query(description="This area and all below it")] = None,
        days: Annotated[int, Query(ge=1, le=90)] = 7,
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
        who: Identity = Depends(person),
    ) -> Movers:
        scope, book = services.scope(who), services.book()
        if area is not None and not (book.has_area(area) and scope.sees_home(book.home_area(area))):
            raise not_found("area")
        found: list[Mover] = []
        with services.database.reading() as connection:
            until = services.views.now(connection)
            for home in read_standing(connection).within(scope).homes:
                if area is None or book.home_area(area) == home.home_area:
                    found += comparing.movers(
                        connection,
                        home_area=home.home_area,
                        areas=book.areas_below(area) if area else None,
                        since=until - days * DAY_MS,
                        until=until,
                        scope=scope,
                    )
        return Movers.model_validate(
            {
                "since": zulu(until - days * DAY_MS),
                "until": zulu(until),
                "risers": [_mover(one, services) for one in comparing.top(found, up=True, limit=limit)],
                "fallers": [_mover(one, services) for one in comparing.top(found, up=False, limit=limit)],
            }
        )

    @router.get("/v1/alerts/{alert_id}/similar", summary="Past alerts like this one, and what people called them")
    def get_similar(
        alert_id: str, limit: Annotated[int, Query(ge=1, le=50)] = 10, who: Identity = Depends(person)
    ) -> PastAlertList:
        scope = services.scope(who)
        with services.database.reading() as connection:
            alert = one_alert(connection, alert_id, scope, services.views.read(connection))
            if alert is None:
                raise not_found("alert")
            items = comparing.similar(connection, alert, scope, services.book(), limit)
        return PastAlertList.model_validate({"items": items})

    @router.get("/v1/quality", summary="Running precision and lead time, from what people said of alerts")
    def get_quality(days: Annotated[int, Query(ge=1, le=800)] = 90, who: Identity = Depends(person)) -> Quality:
        with services.database.reading() as connection:
            since = comparing.days_back(services.views.now(connection), days)
            found = comparing.quality(connection, since=since, scope=services.scope(who))
        return Quality.model_validate({"since": zulu(since), "home_areas": found})

    return router


def _codes(text: str) -> list[str]:
    return list(dict.fromkeys(code for code in text.split(",") if code))


def _mover(one: Mover, services: Services) -> dict[str, Any]:
    book = services.book()
    return {
        "need": one.need,
        "need_name": book.need_name(one.need),
        "area": one.area,
        "area_name": book.area_name(one.area),
        "observed": one.observed,
        "expected": round(one.expected, 2),
        "ratio": round(one.observed / one.expected, 2) if one.expected > 0 else None,
        "value": round(one.value, 4),
    }
