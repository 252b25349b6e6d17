"""The made-up API's people: who asks, actions on alerts, silences, by the contract's words."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Body, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from tests.browser.mock_world import is_area_below, is_need_below, zulu

Json = dict[str, Any]
LABELS = ("real_surge", "expected_event", "data_problem", "false_alarm", "new_normal")
CALLER = re.compile(r"\d{3}[- .]?\d{4}|@|https?:")
REFUSED = "Notes speak of the alert, never of a caller: leave out phone numbers, e-mail, street and web addresses."


class People:
    """Who there is, what they did, and what is silenced. `tell(alert)` sends a changed alert to every stream."""

    def __init__(self, alerts: dict[str, Json], tell: Callable[[Json], None], now: Callable[[], datetime]) -> None:
        self.alerts, self.tell, self.now = alerts, tell, now
        self.name = "A. Test"
        self.role = "coordinator"
        self.map_tiles: Json | None = None
        self.known = ["A. Test", "M. Ortiz", "J. Roy"]
        self.actions: dict[str, list[Json]] = {}
        self.silences: dict[str, Json] = {}
        self.changed: Callable[[str], None] = lambda what: None
        self.delay: Callable[[], Any] | None = None
        """Awaited before an action is answered."""
        self.headers: list[dict[str, str]] = []
        """Of every request that changed something."""

    def who(self, request: Request) -> str:
        """The person of a request: the cookie `who`, else the usual one."""
        return request.cookies.get("who", self.name)

    def me(self, request: Request) -> Json:
        """GET /v1/me."""
        can = ["act", "declare", "budget"] if self.role != "viewer" else []
        name = self.who(request)
        return {"name": name, "role": self.role, "home_area": None, "needs": [], "sources": [],
                "expires_at": None, "can": can, "map_tiles": self.map_tiles}  # fmt: skip

    def people(self) -> Json:
        """GET /v1/people."""
        return {"items": [{"name": name, "role": "coordinator"} for name in self.known], "next": None}

    def history(self, alert_id: str) -> list[Json]:
        """Actions on an alert, oldest first."""
        return self.actions.get(alert_id, [])

    def routes(self) -> APIRouter:
        """All of them, for the app."""
        router = APIRouter()
        router.get("/v1/me")(self.me)
        router.get("/v1/people")(self.people)
        router.get("/v1/silences")(self._silences)
        router.get("/v1/silences/preview")(self._preview)
        router.delete("/v1/silences/{silence_id}")(self._end_silence)
        router.post("/v1/alerts/{alert_id}/{action}")(self._do)
        router.delete("/v1/alerts/{alert_id}/{action}")(self._undo)
        return router

    async def _do(self, alert_id: str, action: str, request: Request, body: Json = Body({})) -> Response:
        if self.delay:
            await self.delay()
        alert, name = self._checked(alert_id, request), self.who(request)
        if isinstance(alert, Response):
            return alert
        at = zulu(self.now())
        for text in (body.get("text"), body.get("reason"), body.get("comment")):
            if text and CALLER.search(text):
                return problem(422, REFUSED)
        change: Json
        if action == "acknowledge":
            change = {"acknowledged": {"by": name, "at": at}}
        elif action == "assign":
            if body["to"] not in self.known:
                return problem(422, f"{body['to']} is not somebody who can take this alert")
            change = {"assigned_to": body["to"]}
        elif action == "notes":
            number = 1 + max((note["id"] for note in alert["notes"]), default=0)
            change = {"notes": [*alert["notes"], {"id": number, "by": name, "at": at, "text": body["text"]}]}
        elif action == "label":
            assert body["label"] in LABELS
            change = {"label": body["label"], "labelled": {"by": name, "at": at, "comment": body.get("comment")}}
        elif action == "end":
            change = {"end_requested": {"by": name, "at": at, "reason": body["reason"]}}
        else:
            return self._silence(alert, name, body)
        return self._changed(alert, change, action, name, body)

    async def _undo(self, alert_id: str, action: str, request: Request, note: int | None = None) -> Response:
        alert, name = self._checked(alert_id, request), self.who(request)
        if isinstance(alert, Response):
            return alert
        changes: dict[str, Json] = {
            "acknowledge": {"acknowledged": None},
            "assign": {"assigned_to": None},
            "label": {"label": None, "labelled": None},
            "end": {"end_requested": None},
            "notes": {"notes": [one for one in alert["notes"] if one["id"] != note]},
            "silence": {"silenced_until": None, "silenced_by": []},
        }
        if action == "silence":
            for silence in self.silences.values():
                if silence["alert_id"] == alert_id:
                    silence["state"] = "expired"
            self._apply_silences()
            self.changed("silences")
        return self._changed(self.alerts[alert_id], changes[action], f"un{action}", name, {})

    def _checked(self, alert_id: str, request: Request) -> Json | Response:
        self.headers.append(dict(request.headers))
        if request.headers.get("x-requested-with") != "groundswell":
            return problem(403, "the header X-Requested-With is missing")
        if self.role == "viewer":
            return problem(403, "this needs the role coordinator or admin")
        if alert_id not in self.alerts:
            raise HTTPException(404, "No such alert.")
        alert = self.alerts[alert_id]
        expected = request.headers.get("if-match")
        if expected is not None and expected != f'"{alert["human_version"]}"':
            seen = int(expected.strip('"'))
            unseen = [one for one in self.history(alert_id) if one["human_version"] > seen]
            return problem(409, f"{unseen[-1]['by']} was quicker", alert=alert, actions=unseen)
        return alert

    def _changed(self, alert: Json, change: Json, kind: str, by: str, body: Json) -> Response:
        version = alert["human_version"] + 1
        changed = alert | change | {"human_version": version}
        log = self.actions.setdefault(alert["id"], [])
        log.append({"id": len(log) + 1, "type": kind, "at": zulu(self.now()), "by": by, "human_version": version,
                    "body": body, "taken_back": False})  # fmt: skip
        self.tell(changed)
        return JSONResponse(changed, headers={"ETag": f'"{version}"'})

    def _silence(self, alert: Json, name: str, body: Json) -> Response:
        scope = body["scope"]
        silence = {
            "id": f"s{len(self.silences) + 1}",
            "scope": scope,
            "alert_id": alert["id"],
            "home_area": alert["home_area"],
            "need": alert["need"] if scope == "need" else None,
            "area": alert["area"] if scope == "area" else None,
            "line": None,
            "until": body["until"],
            "reason": body["reason"],
            "by": name,
            "created_at": zulu(self.now()),
            "ended_at": None,
            "ended_by": None,
            "state": "active",
        }
        self.silences[silence["id"]] = silence
        answer = self._changed(alert, {"silenced_until": body["until"]}, "silence", name, body)
        self._apply_silences()
        self.changed("silences")
        return answer

    def _apply_silences(self) -> None:
        for alert in list(self.alerts.values()):
            hiding = [one for one in self.silences.values() if one["state"] == "active" and hides(one, alert)]
            until = max((one["until"] for one in hiding), default=None)
            if until != alert["silenced_until"]:
                self.tell(alert | {"silenced_until": until, "silenced_by": [one["id"] for one in hiding]})

    def _silences(self) -> Json:
        active = [one for one in self.silences.values() if one["state"] == "active"]
        counted = [one | {"hides_open": sum(hides(one, alert) for alert in self._open())} for one in active]
        return {"items": counted, "next": None}

    def _preview(self, request: Request) -> Json:
        asked = dict(request.query_params)
        silence = {"scope": "alert" if "alert_id" in asked else "custom", "alert_id": asked.get("alert_id"),
                   "need": asked.get("need"), "area": asked.get("area")}  # fmt: skip
        found = [alert["id"] for alert in self._open() if hides(silence, alert)]
        return {"hides_open": len(found), "hides_week": len(found) + 3, "alerts": found}

    def _end_silence(self, silence_id: str) -> Response:
        silence = self.silences[silence_id]
        silence["state"] = "expired"
        self._apply_silences()
        self.changed("silences")
        return JSONResponse(silence)

    def _open(self) -> list[Json]:
        return [alert for alert in self.alerts.values() if alert["status"] != "ended"]


def hides(silence: Json, alert: Json) -> bool:
    """Whether a silence hides an alert, by its scope."""
    if silence["scope"] == "alert":
        return bool(silence["alert_id"] == alert["id"])
    need, area = silence["need"], silence["area"]
    if need is not None and not is_need_below(alert["need"], need):
        return False
    return area is None or is_area_below(alert["area"], area)


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """problem+json."""
    body = {"type": "about:blank", "title": "No", "status": status, "detail": detail} | more
    return JSONResponse(body, status, media_type="application/problem+json")


def hours_ahead(now: datetime, hours: float) -> str:
    """A moment as a silence's end."""
    return zulu(now + timedelta(hours=hours))
