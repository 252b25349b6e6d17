"""`/v1/budget`: chance alerts a week, what they let through, what they held back, and what another number would do."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection, func, select

from schemas.controls import BudgetBody
from schemas.output import HeldBack, HomeStatus
from schemas.topics import DAY_MS
from services.api.asking import Asking, asking
from services.api.codebook import Codebook
from services.api.database import upsert
from services.api.model_actions import PutBudget
from services.api.model_feeds import Budget, BudgetList
from services.api.outbox import put_control
from services.api.problems import Problem, not_found
from services.api.scope import Scope
from services.api.services import Services
from services.api.standing import read_standing
from services.api.tables import alert_people, alerts
from services.api.tables_people import budgets
from services.api.times import zulu, zulu_or_none
from services.runtime.access import Identity

WEEK_MS = 7 * DAY_MS
FOLLOWED_FACTOR = 5
"""The detector follows what needs up to five times the budget."""


def budget_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["budget"])
    asks = asking(services)

    def book() -> Codebook | None:
        space = services.current_space()
        return space.book if space else None

    @router.get("/v1/budget", summary="Chance alerts a week by home area: what is accepted, and what came")
    def get_budget(
        preview: Annotated[float | None, Query(gt=0, le=1000, description="Another budget, to compare")] = None,
        who: Identity = Depends(services.guard.person),
    ) -> BudgetList:
        scope = services.scope(who)
        with services.database.reading() as connection:
            homes = read_standing(connection).within(scope).homes
            items = [_budget(connection, home, preview, scope, book()) for home in homes]
        return BudgetList.model_validate({"items": items})

    @router.put("/v1/budget", summary="Ask for another number of chance alerts a week; the detector follows")
    def put_budget(body: PutBudget, ask: Asking = Depends(asks)) -> Budget:
        scope = ask.asked.scope
        if scope.needs is not None:
            raise Problem(403, "a budget is of a whole home area; your key sees some of its needs only")
        with services.actions.change(ask.asked) as change:
            homes = read_standing(change.connection).within(scope).homes
            home = next((one for one in homes if one.home_area == body.home_area), None)
            if home is None:
                raise not_found("home area")
            if not change.is_repeat:
                row = {"per_week": body.per_week, "by": change.by, "at": change.now}
                statement = upsert(change.connection, budgets).values(home_area=body.home_area, **row)
                change.connection.execute(statement.on_conflict_do_update(index_elements=["home_area"], set_=row))
                control = BudgetBody(body.per_week)
                reference = f"budget:{body.home_area}"
                put_control(
                    change.connection,
                    "budget",
                    control,
                    issuer=change.by,
                    home_area=body.home_area,
                    reference=reference,
                )
                change.tell("budget", reference, body.home_area, {"per_week": body.per_week}, change.now)
                change.announce("budget")
            return Budget.model_validate(_budget(change.connection, home, None, scope, book()))

    return router


def _budget(
    connection: Connection, home: HomeStatus, preview: float | None, scope: Scope, book: Codebook | None
) -> dict[str, Any]:
    held = None if home.held_back is None else [one for one in home.held_back if scope.sees_need(one.need)]
    return {
        "home_area": home.home_area,
        "per_week": home.budget_per_week,
        "asked": _asked(connection, home),
        "raised_week": home.raised_week,
        "held_back_week": home.held_back_week,
        "open_alerts": home.open_alerts,
        "false_alarms_week": _false_alarms(connection, home),
        "held_back": None if held is None else [held_back(one, book) for one in held],
        "preview": None if preview is None else _preview(connection, home, preview, held, book),
    }


def _asked(connection: Connection, home: HomeStatus) -> dict[str, Any] | None:
    row = connection.execute(select(budgets).where(budgets.c.home_area == home.home_area)).first()
    if row is None or row.per_week == home.budget_per_week:
        return None
    return {"per_week": row.per_week, "by": row.by, "at": zulu(row.at)}


def _false_alarms(connection: Connection, home: HomeStatus) -> int:
    query = (
        select(func.count())
        .select_from(alerts.join(alert_people, alert_people.c.alert_id == alerts.c.id))
        .where(
            alerts.c.home_area == home.home_area,
            alerts.c.raised_at > home.log_time - WEEK_MS,
            alert_people.c.label == "false_alarm",
        )
    )
    return int(connection.scalar(query) or 0)


def held_back(one: HeldBack, book: Codebook | None) -> dict[str, Any]:
    """A rise that was followed and not raised, as it is told."""
    return {
        "need": one.need,
        "need_name": book.need_name(one.need) if book else None,
        "area": one.area,
        "area_name": book.area_name(one.area) if book else one.area,
        "noticed_at": zulu(one.noticed_at),
        "ended_at": zulu_or_none(one.ended_at),
        "observed": one.observed,
        "expected": one.expected,
        "ratio": round(one.observed / one.expected, 2) if one.expected > 0 else None,
        "score": one.score,
        "budget_needed": one.budget_needed,
    }


def _preview(
    connection: Connection, home: HomeStatus, per_week: float, held: Sequence[HeldBack] | None, book: Codebook | None
) -> dict[str, Any]:
    """Raised means that budget_needed is at most the budget, so another budget is another filter."""
    a = alerts.c
    query = select(a.id, a.budget_needed).where(
        a.home_area == home.home_area, a.raised_at > home.log_time - WEEK_MS, a.kind.notin_(("silence", "trigger"))
    )
    rows = connection.execute(query.order_by(a.raised_at.desc())).all()
    without = [row.id for row in rows if row.budget_needed > per_week]
    also = None if held is None else [one for one in held if one.budget_needed <= per_week]
    is_smaller = per_week <= home.budget_per_week
    return {
        "per_week": per_week,
        "raised_week": len(rows) - len(without) + len(also or ()) if is_smaller or also is not None else None,
        "also": None if also is None else [held_back(one, book) for one in also],
        "without": without,
        "complete": is_smaller or (also is not None and per_week <= FOLLOWED_FACTOR * home.budget_per_week),
    }
