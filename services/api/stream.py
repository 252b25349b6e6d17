"""`GET /v1/alerts/stream`: hello, what was missed, then changes as they come, a beat every five seconds."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.api.database import Database
from services.api.feed import MAX_RESUME, FeedItem, bounds, changes_after, open_alerts, read_news
from services.api.hub import Client, Hub, frame
from services.api.scope import Scope
from services.api.view import Views

RETRY_MS = 2000
READ_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Missed:
    """What a stream begins with."""

    gap: bool
    """The position asked for is not one from which all can be told: the page must read its lists again."""
    items: tuple[FeedItem, ...]
    position: int
    """Changes up to here are in `items`, or need not be told."""
    news: dict[str, int]
    """Counts of changes of other lists up to then."""


def missed(database: Database, views: Views, scope: Scope, last_event_id: str | None) -> Missed:
    """All open alerts, or everything after a position of this feed. Raises DatabaseAway."""
    with database.reading() as connection:
        view, news = views.read(connection), read_news(connection)
        first, last = bounds(connection)
        if last_event_id is not None and last_event_id.isdecimal() and first <= int(last_event_id[:20]) <= last:
            items = tuple(changes_after(connection, int(last_event_id), view, scope))
            if len(items) <= MAX_RESUME:
                return Missed(gap=False, items=items, position=last, news=news)
        everything = tuple(open_alerts(connection, view, scope))
        return Missed(gap=last_event_id is not None, items=everything, position=last, news=news)


class AlertStream(Response):
    """The answer: its queue is bounded, and a client that does not read it is disconnected.

    Args:
        hello: fields of the first event besides `gap`.
        is_allowed: asked at each beat; a key that was revoked ends its streams.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        client: Client,
        start: Missed,
        *,
        hello: Mapping[str, object],
        is_allowed: Callable[[], bool],
        check_seconds: float = 3.0,
    ) -> None:
        super().__init__(
            status_code=200,
            headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
            media_type=self.media_type,
        )
        del self.headers["content-length"]
        self._hub, self._client, self._start, self._hello = hub, client, start, hello
        self._is_allowed, self._check_seconds = is_allowed, check_seconds

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Send until the client goes, falls behind, loses its key, or the process stops."""
        tasks = [
            asyncio.create_task(self._send(send)),
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(self._client.closed.wait()),
            asyncio.create_task(self._watch_key()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with contextlib.suppress(TimeoutError):
                    task.result()
        finally:
            self._hub.close(self._client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._opening(), "more_body": True})
        while data := await self._client.take():
            async with asyncio.timeout(READ_SECONDS):  # a client that reads nothing for so long is gone
                await send({"type": "http.response.body", "body": data, "more_body": True})
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _opening(self) -> bytes:
        hello = frame("hello", msgspec.json.encode({**self._hello, "gap": self._start.gap}))
        changes = b"".join(frame("alert", item.data, item.seq) for item in self._start.items)
        beat = frame("beat", msgspec.json.encode(self._hub.beat(self._client.scope)))
        return b"retry: %d\n" % RETRY_MS + hello + changes + beat

    async def _watch_key(self) -> None:
        while await asyncio.to_thread(self._is_allowed):
            await asyncio.sleep(self._check_seconds)
        self._client.end()
        await asyncio.Event().wait()  # the sender ends the answer properly


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
