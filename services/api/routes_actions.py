"""`/v1/alerts/{id}/…`: acknowledge, assign, note, label, silence, end, and taking each back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from schemas.controls import EndBody, LabelBody
from services.api.acting import Change
from services.api.asking import Asking, asking
from services.api.human import Human
from services.api.model import AlertAnswer
from services.api.model_actions import AddNote, Assign, EndAlert, Nothing, SetLabel, SilenceAlert
from services.api.outbox import put_control, take_back
from services.api.people import may_act_on
from services.api.problems import Problem
from services.api.services import Services
from services.api.silencing import expire, hide_from, made_from

CONFLICT: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such alert, or not within the scope"},
    409: {"description": "Somebody was quicker: `alert` is the alert as it is, `actions` what was done meanwhile"},
    422: {"description": "Not valid"},
}


def action_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["actions"], prefix="/v1/alerts/{alert_id}", responses=CONFLICT)
    asks = asking(services)

    def done(answer: tuple[dict[str, Any], bool], response: Response) -> AlertAnswer:
        alert, is_repeat = answer
        response.headers["ETag"] = f'"{alert["human_version"]}"'
        if is_repeat:
            response.headers["Idempotency-Replayed"] = "true"
        return AlertAnswer.model_validate(alert, extra="ignore")

    def act(ask: Asking, response: Response, alert_id: str, kind: str, body: Any = None, **more: Any) -> AlertAnswer:
        said = {} if body is None else body
        return done(services.actions.act(ask.asked, alert_id, kind, said, expected=ask.expected, **more), response)

    @router.post("/acknowledge", summary="I have seen it and look after it")
    def acknowledge(
        alert_id: str, response: Response, _: Nothing | None = None, ask: Asking = Depends(asks)
    ) -> AlertAnswer:
        return act(ask, response, alert_id, "acknowledge")

    @router.delete("/acknowledge", summary="Take the acknowledgement back")
    def unacknowledge(alert_id: str, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        return act(ask, response, alert_id, "unacknowledge")

    @router.post("/assign", summary="Give it to somebody")
    def assign(alert_id: str, body: Assign, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        def check(change: Change, row: Any, _: Human) -> None:
            if not may_act_on(services, body.to, row):
                raise Problem(422, "nobody of that name can act on this alert: see /v1/people")

        return act(ask, response, alert_id, "assign", {"to": body.to}, then=check)

    @router.delete("/assign", summary="It is nobody's")
    def unassign(alert_id: str, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        return act(ask, response, alert_id, "unassign")

    @router.post("/notes", summary="Write a note; it speaks of the alert, never of a caller")
    def add_note(alert_id: str, body: AddNote, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        return act(ask, response, alert_id, "notes", {"text": body.text})

    @router.delete("/notes", summary="Take a note back: one's own, or any for an admin")
    def take_note_back(
        alert_id: str,
        response: Response,
        note: Annotated[int | None, Query(description="Its id; one's newest unless given")] = None,
        ask: Asking = Depends(asks),
    ) -> AlertAnswer:
        body: dict[str, Any] = {}

        def find(change: Change, row: Any, human: Human) -> None:
            body["note"] = _note_of(human, note, change.by, is_admin=ask.asked.who.role == "admin")

        return act(ask, response, alert_id, "unnotes", body, then=find)

    @router.post("/label", summary="Say what it was; the detector learns from it")
    def set_label(alert_id: str, body: SetLabel, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        def control(change: Change, row: Any, _: Human) -> None:
            _control(change, row, "label", LabelBody(row.id, body.label))

        said = {"label": body.label} | ({} if body.comment is None else {"comment": body.comment})
        return act(ask, response, alert_id, "label", said, then=control)

    @router.delete("/label", summary="Take the label back")
    def take_label_back(alert_id: str, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        def control(change: Change, row: Any, _: Human) -> None:
            _control(change, row, "label", LabelBody(row.id, None))

        return act(ask, response, alert_id, "unlabel", then=control)

    @router.post("/silence", summary="Hide it, or what is like it, for a time; the detector goes on")
    def silence_alert(
        alert_id: str, body: SilenceAlert, response: Response, ask: Asking = Depends(asks)
    ) -> AlertAnswer:
        said: dict[str, Any] = {"scope": body.scope, "until": body.until.isoformat(), "reason": body.reason}

        def hide(change: Change, row: Any, _: Human) -> None:
            said["silence"] = hide_from(change, row, body, services.book())

        return act(ask, response, alert_id, "silence", said, then=hide)

    @router.delete("/silence", summary="Expire every silence that was made from this alert")
    def unsilence_alert(alert_id: str, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        said: dict[str, Any] = {}

        def show(change: Change, row: Any, _: Human) -> None:
            found = made_from(change, row.id)
            if not found:
                raise Problem(409, "no silence in force was made from this alert: see /v1/silences")
            said["silences"] = [one.id for one in found]
            for one in found:
                expire(change, one, services.book(), besides=row.id)

        return act(ask, response, alert_id, "unsilence", said, then=show)

    @router.post("/end", summary="It is over; the same rise is not raised again before it was calm")
    def end_alert(alert_id: str, body: EndAlert, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        def control(change: Change, row: Any, human: Human) -> None:
            if row.status == "ended" or human.end_requested is not None:
                raise Problem(409, "it has ended already", alert=change.view().alert(row), actions=[])
            _control(change, row, "end", EndBody(row.id))

        return act(ask, response, alert_id, "end", {"reason": body.reason}, then=control)

    @router.delete("/end", summary="It is not over; where the rise is still on, it is raised as a new alert")
    def unend_alert(alert_id: str, response: Response, ask: Asking = Depends(asks)) -> AlertAnswer:
        def control(change: Change, row: Any, _: Human) -> None:
            if not take_back(change.connection, f"end:{row.id}"):
                _control(change, row, "end", EndBody(row.id, undo=True))

        return act(ask, response, alert_id, "unend", then=control)

    return router


def _control(change: Change, row: Any, kind: str, body: LabelBody | EndBody) -> None:
    put_control(change.connection, kind, body, issuer=change.by, home_area=row.home_area, reference=f"{kind}:{row.id}")


def _note_of(human: Human, number: int | None, by: str, *, is_admin: bool) -> int:
    """The note that is meant; raises Problem when there is none that this person may take back."""
    if number is None:
        number = max((note["id"] for note in human.notes if note["by"] == by), default=0)
    note = human.note(number)
    if note is None:
        raise Problem(404, "there is no such note of yours; it may have been taken back already")
    if note["by"] != by and not is_admin:
        raise Problem(403, "only who wrote a note, or an admin, takes it back")
    return number
