"""`/v1/series`, `/v1/areas…`, `/v1/needs`: what was observed, where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from schemas.codes import CONTACTS
from schemas.topics import DAY_MS
from services.api import read_series
from services.api.fold_series import KNOWN_DAYS
from services.api.geojson import feature_collection
from services.api.model import AreaState, NeedList, Series
from services.api.problems import Problem, not_found
from services.api.read_series import HOUR_MS, Bucket, Span
from services.api.read_silences import feed_silences
from services.api.scope import Scope
from services.api.services import Services, Time, in_ms
from services.api.standing import Standing, home_state, home_state_then, read_standing
from services.api.times import zulu
from services.runtime.access import Identity

MAX_HOURS = 24 * 400
DEFAULT_HOURS = 24


def series_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["series"])
    person = services.guard.person

    @router.get("/v1/series", summary="Observed against expected with the band, zero hours included")
    def get_series(
        need: Annotated[str, Query(description="A need, `contacts` or `unmapped`", examples=["contacts"])],
        area: Annotated[str, Query(description="An area, or `HOME:unmapped`", examples=["metro"])],
        start: Annotated[Time | None, Query(description="Inclusive; a day before the end unless given")] = None,
        end: Annotated[Time | None, Query(description="Exclusive; log time unless given")] = None,
        bucket: Literal["hour", "day"] = "hour",
        known_at: Annotated[Time | None, Query(description="As it was known then, to five minutes")] = None,
        who: Identity = Depends(person),
    ) -> Series:
        wanted = SeriesWanted(need, area, start, end, bucket, known_at)
        with services.database.reading() as connection:
            return read_one(services, connection, services.scope(who), wanted)[0]

    @router.get("/v1/areas/state", summary="Each area over the last hours, for the map")
    def get_states(
        need: Annotated[str, Query(description="A need", examples=["contacts"])] = CONTACTS,
        hours: Annotated[int, Query(ge=1, le=168, description="How far back, with the running hour")] = DEFAULT_HOURS,
        known_at: Annotated[Time | None, Query(description="As it was known then, to five minutes")] = None,
        who: Identity = Depends(person),
    ) -> dict[str, AreaState]:
        book = services.book()
        if not (book.has_need(need) and services.scope(who).sees_need(need)):
            raise not_found("need")
        answer: dict[str, AreaState] = {}
        now = services.clock.now_ms()
        with services.database.reading() as connection:
            standing = read_standing(connection)
            lag = standing.lag_seconds(now, live=services.mode == "live")
            homes = {home.home_area: home for home in standing.homes}
            for home_area in book.reference.home_areas:
                if who.home_area not in (None, home_area):
                    continue
                log_time = _log_time(standing, home_area, now)
                at = None if known_at is None else _known_moment(known_at, hours, log_time)
                log_time = log_time if at is None else min(log_time, at)
                sums = read_series.area_sums(
                    connection, need=need, home_area=home_area, log_time=log_time, hours_back=hours, known_at=at
                )
                home = homes.get(home_area)
                if at is None:
                    state = home_state(home, lag)
                else:
                    expecting = read_series.was_expecting(
                        connection, home_area=home_area, log_time=log_time, hours_back=hours, known_at=at
                    )
                    state = home_state_then(connection, home, at, was_expecting=expecting)
                for area in sorted(book.areas_below(home_area)):
                    observed, expected = sums.get(area, (0, 0.0))
                    answer[area] = AreaState.model_validate(
                        {"observed": observed, "expected": round(expected, 4), "kappa": None, "state": state}
                    )
        return answer

    @router.get("/v1/needs", summary="The tree of needs, parents first")
    def get_needs(_: Identity = Depends(person)) -> NeedList:
        needs = services.book().reference.needs
        items = [
            {
                "code": need.code,
                "parent": need.parent or None,
                "name": {"en": need.name_en, "fr": need.name_fr, "es": need.name_es},
                "line": need.line,
                "lifeline": need.lifeline,
                "category": need.category,
                "sensitive": need.sensitive,
                "playbook": need.playbook,
                "cap_event": need.cap_event,
            }
            for need in needs
        ]
        return NeedList.model_validate({"items": items})

    @router.get(
        "/v1/areas",
        summary="The areas as GeoJSON, parents first",
        responses={200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}},
        response_class=Response,
    )
    def get_areas(if_none_match: Annotated[str | None, Header()] = None, who: Identity = Depends(person)) -> Response:
        space = services.current_space()
        name = f"{space.config.reference[:32] if space else ''}:{who.home_area or ''}"
        headers = {"ETag": f'"{name}"', "Cache-Control": "private, no-cache"}
        if if_none_match is not None and name in if_none_match:
            return Response(status_code=304, headers=headers)
        body = feature_collection(services.book(), who.home_area)
        return JSONResponse(body, media_type="application/geo+json", headers=headers)

    return router


@dataclass(frozen=True, slots=True)
class SeriesWanted:
    """What somebody asks for."""

    need: str
    area: str
    start: datetime | None = None
    end: datetime | None = None
    bucket: Literal["hour", "day"] = "hour"
    known_at: datetime | None = None


def read_one(
    services: Services, connection: Connection, scope: Scope, wanted: SeriesWanted
) -> tuple[Series, Sequence[Bucket]]:
    """One series as it is told, and its buckets; raises Problem 404 outside the scope, 422 for a span that is none."""
    book = services.book()
    home_area = book.home_area(wanted.area)
    if home_area is None or not scope.sees_home(home_area):
        raise not_found("area")
    if not (book.has_need(wanted.need) and scope.sees_need(wanted.need)):
        raise not_found("need")
    zone = book.zone(home_area)
    log_time = _log_time(read_standing(connection), home_area, services.clock.now_ms())
    span = _span(wanted.start, wanted.end, wanted.known_at, log_time)
    if wanted.bucket == "day":
        span = Span(*read_series.local_midnights(span.start, span.end, zone), span.known_at)
    found: Sequence[Bucket] = read_series.hours(
        connection, home_area=home_area, need=wanted.need, area=wanted.area, span=span, log_time=log_time, zone=zone
    )
    if wanted.bucket == "day":
        found = read_series.days(found, zone)
    series = Series.model_validate(
        {
            "need": wanted.need,
            "area": wanted.area,
            "home_area": home_area,
            "timezone": zone,
            "bucket": wanted.bucket,
            "points": [_point(one) for one in found],
            "silences": [
                {"source": one.source, "start": one.started_at, "end": one.ended_at}
                for one in feed_silences(connection, scope, home_area, span)
            ],
        }
    )
    return series, found


def _log_time(standing: Standing, home_area: str, otherwise: int) -> int:
    return next((home.log_time for home in standing.homes if home.home_area == home_area), otherwise)


def _span(start: datetime | None, end: datetime | None, known_at: datetime | None, log_time: int) -> Span:
    """What was asked for, in ms; raises Problem when it is empty, too long or no longer known."""
    end_ms = log_time + 1 if end is None else in_ms(end)
    start_ms = end_ms - DEFAULT_HOURS * HOUR_MS if start is None else in_ms(start)
    if start_ms >= end_ms:
        raise Problem(422, "start must lie before end")
    if end_ms - start_ms > MAX_HOURS * HOUR_MS:
        raise Problem(422, "a series is at most 400 days long: ask for less")
    if known_at is None:
        return Span(start_ms, end_ms)
    _check_is_known(start_ms, log_time)
    return Span(start_ms, end_ms, in_ms(known_at))


def _known_moment(known_at: datetime, hours: int, log_time: int) -> int:
    at = in_ms(known_at)
    _check_is_known(at - hours * HOUR_MS, log_time)
    return at


def _check_is_known(start: int, log_time: int) -> None:
    if start < log_time - KNOWN_DAYS * DAY_MS:
        raise Problem(422, f"what was known when is kept for {KNOWN_DAYS} days: ask without known_at, or for later")


def _point(one: Bucket) -> dict[str, Any]:
    return {
        "start": zulu(one.start),
        "observed": one.observed,
        "expected": one.expected,
        "band_low": one.band_low,
        "band_high": one.band_high,
        "open": one.open,
        "known": one.known,
    }
