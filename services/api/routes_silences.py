"""`/v1/silences…`: what is hidden, until when, and by whom."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection

from schemas.topics import DAY_MS
from services.api.acting import Change
from services.api.asking import Asking, asking
from services.api.model import Silence, SilenceList, SilencePreview
from services.api.model_actions import CreateSilence
from services.api.problems import Problem, not_found
from services.api.read_alerts import one_alert
from services.api.services import Services
from services.api.silencing import SHOWN, covered, create, expire, list_silences, one_silence, shown
from services.api.view import Cover, cover_of
from services.runtime.access import Identity


def silence_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["silences"])
    person, asks = services.guard.person, asking(services)

    def told(connection: Connection, row: Any) -> dict[str, Any]:
        space = services.current_space()
        return shown(connection, row, space.book if space else None, services.views.now(connection))

    @router.get("/v1/silences", summary="Silences in force, or all of them, newest first")
    def get_silences(state: Literal["active", "all"] = "active", who: Identity = Depends(person)) -> SilenceList:
        scope = services.scope(who)
        with services.database.reading() as connection:
            now = services.views.now(connection)
            rows = list_silences(connection, scope, now, only_active=state == "active")
            return SilenceList.model_validate({"items": [told(connection, row) for row in rows]})

    @router.get("/v1/silences/preview", summary="What a silence would hide: open alerts now, and of the last week")
    def get_silence_preview(
        need: Annotated[str | None, Query(description="This need and all below it")] = None,
        area: Annotated[str | None, Query(description="This area and all below it")] = None,
        line: Literal["211", "311", "other"] | None = None,
        home_area: str | None = None,
        alert_id: Annotated[str | None, Query(description="This alert alone")] = None,
        who: Identity = Depends(person),
    ) -> SilencePreview:
        if not (need or area or line or alert_id):
            raise Problem(422, "name an alert, a need, an area or a line: a silence that hides everything is refused")
        scope = services.scope(who)
        home_area = home_area or scope.home_area
        with services.database.reading() as connection:
            if alert_id is not None:
                if one_alert(connection, alert_id, scope, services.views.read(connection)) is None:
                    raise not_found("alert")
                cover = Cover(alert=alert_id)
            else:
                cover = cover_of(services.book(), home_area=home_area, need=need, area=area, line=line)
            now = services.views.now(connection)
            hidden = covered(connection, cover, since=None)
            week = covered(connection, cover, since=now - 7 * DAY_MS)
        return SilencePreview(hides_open=len(hidden), hides_week=len(week), alerts=tuple(hidden[:SHOWN]))

    @router.post("/v1/silences", status_code=201, summary="Hide alerts that match all that is given, for a time")
    def create_silence(body: CreateSilence, ask: Asking = Depends(asks)) -> Silence:
        with services.actions.change(ask.asked) as change:
            silence = _newest_of(change) if change.is_repeat else create(change, body, services.book())
            row = one_silence(change.connection, silence, ask.asked.scope)
            return Silence.model_validate(told(change.connection, row))

    @router.delete("/v1/silences/{silence_id}", summary="Expire a silence now")
    def expire_silence(silence_id: str, ask: Asking = Depends(asks)) -> Silence:
        with services.actions.change(ask.asked) as change:
            row = one_silence(change.connection, silence_id, ask.asked.scope)
            if not change.is_repeat:
                if told(change.connection, row)["state"] == "expired":
                    raise Problem(409, "this silence is over already")
                expire(change, row, services.book())
                change.tell("unsilence", f"silence:{silence_id}", row.home_area, {}, 2)
            return Silence.model_validate(told(change.connection, one_silence_again(change, silence_id)))

    def one_silence_again(change: Change, silence_id: str) -> Any:
        return one_silence(change.connection, silence_id, change.asked.scope)

    def _newest_of(change: Change) -> str:
        """A repeat: the silence that the first request made."""
        rows = list_silences(change.connection, change.asked.scope, change.now, only_active=False)
        mine = next((row for row in rows if row.by == change.by), None)
        if mine is None:
            raise not_found("silence")
        return str(mine.id)

    return router
