"""What a control from people does to a home area, and why one is refused."""

from schemas.controls import (
    BadBody,
    Body,
    BudgetBody,
    EndBody,
    EventBody,
    LabelBody,
    RetractBody,
    body_of,
)
from schemas.log_record import Control
from schemas.output import Rejected
from services.detector.domain.home import Home
from services.detector.domain.outputs import Output
from services.detector.domain.relearn import declare, label, retract

OF_ONE_HOME = ("label", "budget", "retract")


def refusal(control: Control) -> Rejected | None:
    """Why a control is not obeyed: its body does not fit, or it does not say which home area it means."""
    if control.type in OF_ONE_HOME and control.home_area is None:
        return Rejected(1, f"bad_{control.type}", field="home_area")
    try:
        body_of(control.type, control.body)
    except BadBody as error:
        return Rejected(1, f"bad_{control.type}", field=error.field)
    return None


def obey(home: Home, body: Body, replaced: EventBody | None, by: str, now: int) -> list[Output]:
    """Do what a control says, at its time.

    Args:
        home: a home area that it concerns.
        body: what it says.
        replaced: for an event that was declared before: how it was.
        by: who said it.
        now: log time, ms.
    """
    match body:
        case LabelBody():
            return label(home, body, by, now)
        case EventBody():
            declare(home, replaced, body, now)
        case RetractBody():
            return retract(home, body, now)
        case BudgetBody():
            home.watch.budget_per_week = body.per_week
        case EndBody():
            if body.undo:
                home.reopen(body.alert_id, now)
            else:
                home.end({"alert_id": body.alert_id}, by, now)
    return []
