"""The made-up API's declared events, their board, and what moved most."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from tests.browser.mock_human import People, problem
from tests.browser.mock_world import name_of, zulu

Json = dict[str, Any]


class Events:
    """Events as coordinators declare and change them."""

    def __init__(self, alerts: dict[str, Json], people: People) -> None:
        self.alerts, self.people = alerts, people
        self.events: dict[str, Json] = {}
        self.outcomes = False
        """Whether the board tells unmet shares and waits."""

    def routes(self) -> APIRouter:
        """All of them, for the app."""
        router = APIRouter()
        router.get("/v1/declared-events")(lambda: {"items": list(self.events.values()), "next": None})
        router.post("/v1/declared-events")(self._declare)
        router.put("/v1/declared-events/{event_id}")(self._change)
        router.post("/v1/declared-events/{event_id}/end")(self._end)
        router.delete("/v1/declared-events/{event_id}")(self._withdraw)
        router.get("/v1/declared-events/{event_id}/board")(self._board)
        router.get("/v1/movers")(self._movers)
        return router

    def declare(self, body: Json, by: str) -> Json:
        """A new event, running."""
        now = zulu(self.people.now())
        event = {"id": f"e{len(self.events) + 1}", "version": 1, "end": None, "by": by, "declared_at": now,
                 "updated_at": now, "state": "running", "alerts": list(self.alerts)} | body  # fmt: skip
        self._keep(event)
        return event

    def _keep(self, event: Json) -> None:
        self.events[event["id"]] = event
        self.people.changed("events")

    async def _declare(self, request: Request) -> Any:
        if request.headers.get("x-requested-with") != "groundswell":
            return problem(403, "the header X-Requested-With is missing")
        return JSONResponse(self.declare(await request.json(), self.people.who(request)), 201)

    async def _change(self, event_id: str, request: Request) -> Any:
        event = self.events[event_id]
        if request.headers["if-match"] != f'"{event["version"]}"':
            return problem(409, "somebody was quicker", event=event)
        event = event | await request.json() | {"version": event["version"] + 1}
        self._keep(event)
        return event

    async def _end(self, event_id: str) -> Json:
        self._keep(self.events[event_id] | {"state": "over", "end": zulu(self.people.now())})
        return self.events[event_id]

    async def _withdraw(self, event_id: str) -> Json:
        self._keep(self.events[event_id] | {"state": "withdrawn"})
        return self.events[event_id]

    async def _board(self, event_id: str, period: int = 1) -> Json:
        event = self.events[event_id]
        periods = event["periods"]
        index = min(period, len(periods) - 1)
        rows = [
            {"need": code, "need_name": name_of(code), "observed": o, "expected": e, "ratio": round(o / e, 2),
             "previous_observed": p, "previous_expected": e, "unmet_share": 0.31 if self.outcomes else None,
             "wait_seconds": 410.0 if self.outcomes else None}
            for code, o, e, p in (("BV", 214, 80.1, 122), ("BH", 96, 30.4, 71), ("BD", 51, 48.0, 49))
        ]  # fmt: skip
        return {
            "event": event,
            "period": periods[index],
            "previous": periods[index - 1] if index else None,
            "rows": rows,
            "lifelines": [{"lifeline": "energy", "observed": 214, "expected": 80.1, "ratio": 2.67}],
            "areas": [{"area": "TX-DT", "area_name": "Downtown", "observed": 91, "expected": 40.0, "ratio": 2.27}],
        }

    async def _movers(self, days: int) -> Json:
        now = self.people.now()
        return {
            "since": zulu(now - timedelta(days=days)),
            "until": zulu(now),
            "risers": [mover("BV", "TX-DT", 412, 180.2), mover("BH-1800", "TX-MID", 96, 51.0)],
            "fallers": [mover("BD", "TX-KTY", 20, 61.5)],
        }


def mover(need: str, area: str, observed: int, expected: float) -> Json:
    """One riser or faller."""
    names = {"need": need, "need_name": name_of(need), "area": area, "area_name": area.removeprefix("TX-")}
    return names | {"observed": observed, "expected": expected, "ratio": round(observed / expected, 2), "value": 0.6}


def heat_wave(now: datetime) -> Json:
    """The body of a declared event with three periods, the second one running."""
    start = now - timedelta(hours=18)
    edges = [zulu(start + timedelta(hours=12 * i)) for i in range(4)]
    periods = [{"name": f"Period {i + 1}", "start": edges[i], "end": edges[i + 1]} for i in range(3)]
    return {"name": "July heat wave", "hazard": "heat", "areas": ["TX-HARRIS"], "needs": [], "start": zulu(start),
            "periods": periods}  # fmt: skip
