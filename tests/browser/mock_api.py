"""A small API that speaks the contract, so that a browser test decides what happens and when.

It serves the built page under the strict content policy, keeps alerts in memory, and lets a test push a version,
cut every stream, go silent, ask for a key, or stop and come back on the same port.
"""

import asyncio
import json
import os
import random
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from services.api.tiles import Tiles, content_policy
from tests.browser import mock_duty, mock_world
from tests.browser.mock_events import Events
from tests.browser.mock_human import People
from tests.browser.mock_records import Records
from tests.browser.mock_world import zulu

KEY = "gsk_test"
JITTER_MS = int(os.environ.get("JITTER_MS", "0"))
"""Every answer and event comes up to so much later, each by chance: shakes out tests that count on an order."""
Json = dict[str, Any]


class MockApi:
    """The state of the made-up server; every attribute may be changed while it runs."""

    def __init__(self, dist: Path, *, now: datetime) -> None:
        self.dist = dist
        self.tiles: Tiles | None = None
        self.alerts: dict[str, Json] = {}
        self.feed: list[tuple[str, Json]] = []
        """Events in their order: name and data."""
        self.log_time: datetime | None = now
        self.wall: datetime = now
        self.people = People(self.alerts, self.push, lambda: self.log_time or self.wall)
        self.records = Records(self.alerts, self.people)
        self.duty = mock_duty.Duty(self.alerts, self.people)
        self.events = Events(self.alerts, self.people)
        self.people.changed = self.tell_changed
        self.shapes = True
        self.map: Json | None = None
        """Other areas than the usual ones."""
        self.states_asked: list[dict[str, str]] = []
        self.lag_seconds = 1.0
        self.mode = "exercise"
        self.silent: list[str] = []
        self.warming = False
        self.beat_seconds = 0.25
        self.build = "one"
        self.gap = False
        self.key_needed = False
        self.broken: set[str] = set()
        """Paths that answer 503."""
        self.last_event_ids: list[str | None] = []
        self._opened = threading.Condition()
        self.mute = False
        self._cut = 0
        self._held = False
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def series_asked(self) -> list[dict[str, str]]:
        """Every question for a series."""
        return self.records.series_asked

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def push(self, alert: Json) -> None:
        """A new version: kept, and sent to every open stream."""
        self.alerts[alert["id"]] = alert
        self.records.keep(alert)
        self.feed.append(("alert", alert))

    def tell_changed(self, what: str) -> None:
        """A list is to be read again."""
        self.feed.append(("changed", {"what": [what]}))

    def hold_actions(self) -> None:
        """Let every action wait until `release_actions`."""
        self._held = True

        async def wait() -> None:
            while self._held:
                await asyncio.sleep(0.01)

        self.people.delay = wait

    def release_actions(self) -> None:
        """Answer what waits."""
        self._held = False

    def wait_for_streams(self, number: int) -> None:
        """Until so many streams were opened; half a minute at most."""
        with self._opened:
            assert self._opened.wait_for(lambda: len(self.last_event_ids) >= number, 30), "no page opened its stream"

    def cut(self) -> None:
        """End every open stream, as a proxy or a restart does."""
        self._cut += 1

    def start(self) -> None:
        """Listen; the second time on the same port as the first."""
        config = uvicorn.Config(
            self._app(),
            host="127.0.0.1",
            port=self.port,
            log_config=None,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        sock = config.bind_socket()
        sock.listen()  # whoever calls before the server runs waits, and is not refused
        self.port = sock.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [sock]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and end the streams; what was pushed is kept."""
        self.cut()
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(timeout=10)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.middleware("http")(self._gate)
        app.get("/")(self._page)
        app.get("/assets/{name}")(self._asset)
        app.post("/v1/login")(self._login)
        app.get("/v1/alerts/stream")(self._stream)
        app.get("/v1/alerts")(self._list)
        app.get("/v1/areas")(lambda: self.map or mock_world.areas(shapes=self.shapes))
        app.get("/v1/areas/state")(self._states)
        app.get("/v1/needs")(mock_world.needs)
        app.include_router(self.records.routes())
        app.include_router(self.duty.routes())
        app.include_router(self.events.routes())
        app.include_router(self.people.routes())
        app.get("/v1/sources")(self._sources)
        return app

    async def _gate(self, request: Request, call_next: Any) -> Response:
        path = request.url.path
        if path in self.broken:
            return Response(json.dumps({"title": "The log is not reachable"}), 503)
        public = path == "/" or path.startswith("/assets/") or path == "/v1/login"
        if self.key_needed and not public and request.cookies.get("gs") != KEY:
            return Response(json.dumps({"title": "No key"}), 401)
        await self._dawdle()
        response: Response = await call_next(request)
        await self._dawdle()
        response.headers["Content-Security-Policy"] = content_policy(self.tiles)
        return response

    async def _page(self) -> FileResponse:
        return FileResponse(self.dist / "index.html", headers={"Cache-Control": "no-cache"})

    async def _asset(self, name: str) -> FileResponse:
        return FileResponse(self.dist / "assets" / name)

    async def _login(self, body: dict[str, str], response: Response) -> Json:
        if body.get("key") != KEY:
            raise HTTPException(401, "This key is not known.")
        response.set_cookie("gs", KEY, httponly=True, samesite="strict")
        return {"name": "A. Test", "role": self.people.role}

    async def _list(self, status: str = "open", known_at: datetime | None = None) -> Json:
        if known_at is not None:
            return {"items": self.records.known(known_at), "next": None}
        ended = {"open": (False,), "ended": (True,), "all": (True, False)}[status]
        return {"items": [a for a in self.alerts.values() if (a["status"] == "ended") in ended], "next": None}

    async def _sources(self) -> Json:
        usual = "warming" if self.warming else "live"
        names = ["cityline", "harris-211", "nonstop-311", "county-chat"]
        now = self.log_time or self.wall
        items = [mock_duty.source(name, "silent" if name in self.silent else usual, now) for name in names]
        return {"items": items, "next": None}

    async def _stream(self, request: Request) -> StreamingResponse:
        last = request.headers.get("last-event-id")
        with self._opened:
            self.last_event_ids.append(last)
            self._opened.notify_all()
        return StreamingResponse(self._events(last), media_type="text/event-stream")

    async def _events(self, last: str | None) -> AsyncIterator[str]:
        cut = self._cut
        while self.mute:
            await asyncio.sleep(0.02)
        yield _event("hello", {"version": "0.1.0", "build": self.build, "now": zulu(self.wall), "gap": self.gap})
        if last is None:
            for alert in [a for a in self.alerts.values() if a["status"] != "ended"]:
                yield _event("alert", alert, str(len(self.feed)))
        sent = len(self.feed) if last is None else int(last)
        next_beat = 0.0
        clock = asyncio.get_running_loop().time
        while self._cut == cut:
            until = len(self.feed)  # asked before `mute`: what is pushed while mute waits for what comes with it
            if self.mute:
                await asyncio.sleep(0.02)
                continue
            if sent < until:
                await self._dawdle()
                yield "".join(_event(*self.feed[number], str(number + 1)) for number in range(sent, until))
                sent = until
            if clock() >= next_beat:
                next_beat = clock() + self.beat_seconds
                yield _event("beat", self._beat())
            await asyncio.sleep(0.02)

    async def _dawdle(self) -> None:
        if JITTER_MS:
            await asyncio.sleep(random.random() * JITTER_MS / 1000)

    def _beat(self) -> Json:
        log_time = zulu(self.log_time) if self.log_time else None
        return {
            "now": zulu(self.wall),
            "log_time": log_time,
            "lag_seconds": self.lag_seconds,
            "sources_silent": self.silent,
            "mode": self.mode,
        }

    async def _states(self, request: Request) -> Json:
        self.states_asked.append(dict(request.query_params))
        found = self.map or mock_world.areas(shapes=False)
        codes = [feature["properties"]["code"] for feature in found["features"]]
        then = 5 if "known_at" in request.query_params else 0  # it was otherwise
        return {code: mock_world.state_of(code, number + then) for number, code in enumerate(codes)}


def _event(name: str, data: Json, event_id: str | None = None) -> str:
    head = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{head}data: {json.dumps(data)}\n\n"
