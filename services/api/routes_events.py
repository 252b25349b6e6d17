"""`/v1/declared-events…`: declare, change, end, take back; and the board of one."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import Connection

from schemas.codes import CONTACTS
from services.api import board, declaring
from services.api.acting import Change
from services.api.asking import Asking, asking
from services.api.board import Stretch
from services.api.codebook import Codebook
from services.api.fold_alerts import milliseconds
from services.api.model_actions import Declare, Nothing
from services.api.model_events import Board, DeclaredEvent, DeclaredEventList
from services.api.problems import Problem
from services.api.scope import Scope
from services.api.services import Services
from services.api.times import zulu
from services.runtime.access import Identity

AREAS_SHOWN = 50


def event_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["declared events"])
    person, asks = services.guard.person, asking(services)

    def told(connection: Connection, row: Any, scope: Scope) -> dict[str, Any]:
        return declaring.shown(connection, row, scope, services.book(), services.views.now(connection))

    def answer(change: Change, event_id: str, response: Response) -> DeclaredEvent:
        row = declaring.one_event(change.connection, event_id, change.asked.scope, services.book())
        response.headers["ETag"] = f'"{row.version}"'
        return DeclaredEvent.model_validate(told(change.connection, row, change.asked.scope))

    def found(change: Change, ask: Asking, event_id: str) -> Any:
        row = declaring.one_event(change.connection, event_id, ask.asked.scope, services.book())
        if ask.expected is not None and ask.expected != row.version and not change.is_repeat:
            raise Problem(
                409,
                "somebody was quicker: look at the event as it now is and decide again",
                event=told(change.connection, row, ask.asked.scope),
            )
        return row

    @router.get("/v1/declared-events", summary="Declared events, the latest first")
    def get_declared_events(
        state: Literal["open", "all"] = "open", who: Identity = Depends(person)
    ) -> DeclaredEventList:
        scope, book = services.scope(who), services.book()
        with services.database.reading() as connection:
            items = [told(connection, row, scope) for row in declaring.list_events(connection, scope, book)]
        kept = [one for one in items if state == "all" or one["state"] in declaring.OPEN]
        return DeclaredEventList.model_validate({"items": kept})

    @router.get("/v1/declared-events/{event_id}", summary="One declared event")
    def get_declared_event(event_id: str, response: Response, who: Identity = Depends(person)) -> DeclaredEvent:
        scope = services.scope(who)
        with services.database.reading() as connection:
            row = declaring.one_event(connection, event_id, scope, services.book())
            response.headers["ETag"] = f'"{row.version}"'
            return DeclaredEvent.model_validate(told(connection, row, scope))

    @router.post("/v1/declared-events", status_code=201, summary="Declare an event: what is normal leaves it out")
    def declare_event(body: Declare, response: Response, ask: Asking = Depends(asks)) -> DeclaredEvent:
        with services.actions.change(ask.asked) as change:
            event_id = _mine(change, services.book()) if change.is_repeat else None
            return answer(change, event_id or declaring.declare(change, body, services.book()), response)

    @router.put("/v1/declared-events/{event_id}", summary="Change an event")
    def change_event(event_id: str, body: Declare, response: Response, ask: Asking = Depends(asks)) -> DeclaredEvent:
        with services.actions.change(ask.asked) as change:
            row = found(change, ask, event_id)
            if not change.is_repeat:
                declaring.replace_event(change, row, body, services.book())
            return answer(change, event_id, response)

    @router.post("/v1/declared-events/{event_id}/end", summary="It is over now")
    def end_event(
        event_id: str, response: Response, _: Nothing | None = None, ask: Asking = Depends(asks)
    ) -> DeclaredEvent:
        with services.actions.change(ask.asked) as change:
            row = found(change, ask, event_id)
            if not change.is_repeat:
                declaring.finish(change, row, services.book())
            return answer(change, event_id, response)

    @router.delete("/v1/declared-events/{event_id}", summary="It was declared by mistake")
    def withdraw_event(event_id: str, response: Response, ask: Asking = Depends(asks)) -> DeclaredEvent:
        with services.actions.change(ask.asked) as change:
            row = found(change, ask, event_id)
            if not change.is_repeat:
                declaring.withdraw(change, row, services.book())
            return answer(change, event_id, response)

    @router.get("/v1/declared-events/{event_id}/board", summary="Each need against normal and the period before")
    def get_board(
        event_id: str,
        period: Annotated[int | None, Query(ge=0, le=59, description="Its place; the running one if not given")] = None,
        who: Identity = Depends(person),
    ) -> Board:
        scope, book = services.scope(who), services.book()
        with services.database.reading() as connection:
            row = declaring.one_event(connection, event_id, scope, book)
            now = services.views.now(connection)
            event = told(connection, row, scope)
            this, before = _stretches(row, event["periods"], period, now)
            areas = [one for one in book.topmost(event["areas"]) if scope.sees_home(book.home_area(one))]
            needs = [one for one in board.board_needs(book, event["needs"]) if scope.sees_need(one)]
            homes = sorted({home for one in areas if (home := book.home_area(one))})
            cells = board.sums(connection, this, needs=needs, areas=areas, zone_home=homes)
            earlier = board.sums(connection, before, needs=needs, areas=areas, zone_home=homes) if before else None
        return Board.model_validate(
            {
                "event": event,
                "period": _stretch(this),
                "previous": _stretch(before) if before else None,
                **_tables(cells, earlier, needs, areas, book),
            }
        )

    return router


def _mine(change: Change, book: Codebook) -> str | None:
    """A repeat: the event that the first request declared."""
    rows = declaring.list_events(change.connection, change.asked.scope, book)
    mine = [row for row in rows if row.by == change.by]
    return str(max(mine, key=lambda row: row.declared_at).id) if mine else None


def _stretches(row: Any, periods: list[dict[str, str]], wanted: int | None, now: int) -> tuple[Stretch, Stretch | None]:
    """The period that is shown and the one before it; an event without periods is one."""
    end = min(now, row.end) if row.end is not None else now
    if not periods:
        return Stretch("", row.start, max(end, row.start)), None
    found = [Stretch(one["name"], _ms(one["start"]), _ms(one["end"])) for one in periods]
    if wanted is None:
        running = [index for index, one in enumerate(found) if one.start <= now]
        wanted = running[-1] if running else 0
    if wanted >= len(found):
        raise Problem(404, "the event has no such period")
    return found[wanted], found[wanted - 1] if wanted else None


def _ms(text: str) -> int:
    return milliseconds(msgspec.convert(text, type=datetime))


def _stretch(one: Stretch) -> dict[str, Any]:
    return {"name": one.name, "start": zulu(one.start), "end": zulu(one.end)}


def _tables(
    cells: board.Cells, earlier: board.Cells | None, needs: list[str], areas: list[str], book: Codebook
) -> dict[str, Any]:
    found = board.of_needs(cells, needs)
    past = board.of_needs(earlier, needs) if earlier is not None else None
    rows = [
        {
            "need": need,
            "need_name": book.need_name(need),
            **one.shown(),
            "previous_observed": past[need].observed if past else None,
            "previous_expected": round(past[need].expected, 2) if past else None,
            "unmet_share": None,
            "wait_seconds": None,
        }
        for need, one in found.items()
    ]
    lifelines = board.of_lifelines(found, book)
    of_area = board.of_areas(cells, areas[:AREAS_SHOWN], CONTACTS)
    return {
        "rows": rows,
        "lifelines": [{"lifeline": name, **one.shown()} for name, one in sorted(lifelines.items())],
        "areas": [{"area": area, "area_name": book.area_name(area), **one.shown()} for area, one in of_area.items()],
    }
