"""Fan-out of changed alerts: one reader of the feed, one bounded queue for each open stream."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog

from services.api.database import Database, DatabaseAway
from services.api.feed import FeedItem, bounds, changes_after, read_news
from services.api.metrics import ApiMetrics
from services.api.scope import Scope
from services.api.standing import Standing, beat, read_standing
from services.api.view import Views
from services.runtime.clock import Clock

log = structlog.get_logger("api.hub")

QUEUE = 256
QUEUE_BYTES = 4 * 1024 * 1024
"""What one stream may leave unread, besides what the connection itself holds."""
MOST_STREAMS = 1000
AT_ONCE = QUEUE // 4
"""Changes read in one go: streams send these on while the next are read, so a burst does not fill their queues."""
BEAT_SECONDS = 5.0
SHARED_POLL_SECONDS = 0.15
"""How often a database that other processes write to is asked for news."""
OWN_POLL_SECONDS = 0.5
"""The same for a database of our own, whose writer wakes us: only to notice that the process stops."""


def frame(event: str, data: bytes, event_id: int | None = None) -> bytes:
    """One server-sent event.

    >>> frame("beat", b"{}")
    b'event: beat\\ndata: {}\\n\\n'
    """
    head = b"" if event_id is None else b"id: %d\n" % event_id
    return head + b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"


class Client:
    """One open stream: frames wait here until they are sent, at most QUEUE of them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.position = 0
        """Changes up to here were sent from the database already."""
        self.news: dict[str, int] | None = None
        """What it knows of other lists; None until it began."""
        self.closed = asyncio.Event()
        """Set when the stream is to end at once: too slow."""
        self._frames: deque[tuple[int | None, bytes]] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._bytes = 0

    def begin(self, position: int) -> None:
        """Changes up to `position` are told otherwise: forget those that wait, so that nothing goes back."""
        self.position = position
        kept = [(seq, data) for seq, data in self._frames if seq is None or seq > position]
        self._frames = deque(kept)
        self._bytes = sum(len(data) for _, data in kept)

    def put(self, data: bytes, seq: int | None = None) -> bool:
        """Queue a frame, with its place in the feed if it has one.

        False when the queue is full, and then the client is closed.
        """
        if seq is not None and seq <= self.position:
            return True
        if len(self._frames) >= QUEUE or self._bytes + len(data) > QUEUE_BYTES:
            self._frames.clear()
            self.closed.set()
            return False
        self._frames.append((seq, data))
        self._bytes += len(data)
        self._news.set()
        return True

    def end(self) -> None:
        """Let the stream end after what is queued."""
        self._ended = True
        self._news.set()

    async def take(self) -> bytes:
        """All that waits, joined; empty when the stream ends."""
        while not self._frames and not self._ended:
            self._news.clear()
            await self._news.wait()
        data = b"".join(data for _, data in self._frames)
        self._frames.clear()
        self._bytes = 0
        return data


class TooManyStreams(RuntimeError):
    """This process serves as many streams as it can."""


class Hub:
    """Reads the feed and hands each change to the streams that may see it.

    Args:
        mode: what beats carry; asked each time.
        stopping: whether the process is about to end: then all streams end.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        metrics: ApiMetrics,
        *,
        mode: str,
        stopping: Callable[[], bool],
        views: Views | None = None,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._database, self._clock, self._metrics = database, clock, metrics
        self.views = views or Views(clock, mode, lambda: None)
        self._mode, self._stopping, self._beat_seconds = mode, stopping, beat_seconds
        self._poll_seconds = SHARED_POLL_SECONDS if database.is_shared else OWN_POLL_SECONDS
        self._clients: set[Client] = set()
        self._last: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self.standing = Standing()

    def wake(self) -> None:
        """There is news in the feed; may be called from any thread."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(self._news.set)

    def open(self, scope: Scope) -> Client:
        """A new stream; changes from now on wait for it. Raises TooManyStreams."""
        if len(self._clients) >= MOST_STREAMS:
            raise TooManyStreams
        client = Client(scope)
        self._clients.add(client)
        self._metrics.stream_clients.set(len(self._clients))
        if self._stopping():
            client.end()
        return client

    def begin(self, client: Client, position: int, news: Mapping[str, int]) -> None:
        """The client was told all changes up to `position`; from there on it gets them as they come.

        Args:
            news: counts of what else had changed up to then.
        """
        client.begin(position)
        client.news = dict(news)
        if self._last is None:
            self._last = position

    def close(self, client: Client) -> None:
        """The stream is over."""
        self._clients.discard(client)
        self._metrics.stream_clients.set(len(self._clients))

    async def run(self) -> None:
        """Read the feed until cancelled or the process stops."""
        self._loop = asyncio.get_running_loop()
        next_beat = self._clock.monotonic()
        while not self._stopping():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._poll_seconds)
            self._news.clear()
            try:
                await self._pass_on()
                if self._clock.monotonic() >= next_beat:
                    next_beat = self._clock.monotonic() + self._beat_seconds
                    self.standing = await asyncio.to_thread(self._read_standing)
                    self._send_beats()
            except DatabaseAway:
                self._metrics.database_errors.inc()
                if self._clock.monotonic() >= next_beat:
                    next_beat = self._clock.monotonic() + self._beat_seconds
                    self._send_beats()
        self.end_all()

    def end_all(self) -> None:
        """Let every stream end."""
        for client in self._clients:
            client.end()

    def beat(self, scope: Scope) -> dict[str, Any]:
        """The beat that somebody with this scope gets."""
        return beat(self.standing.within(scope), self._clock.now_ms(), self._mode)

    def _send_news(self, counts: Mapping[str, int]) -> None:
        """Tell each stream which lists are to be read again."""
        for client in tuple(self._clients):
            if client.news is None:
                continue
            changed = sorted(name for name, seq in counts.items() if client.news.get(name) != seq)
            client.news = dict(counts)
            if changed:
                self._put(client, frame("changed", msgspec.json.encode({"what": changed})))

    async def _pass_on(self) -> None:
        if self._last is None:
            end = await asyncio.to_thread(self._read_end)
            if self._last is None:  # no stream began meanwhile
                self._last = end
        while items := await asyncio.to_thread(self._read_changes, self._last):
            self._last = items[-1].seq
            self._metrics.stream_events.inc(len(items))
            self._send(items)
        if self._clients:
            self._send_news(await asyncio.to_thread(self._read_news))

    def _send(self, items: Iterable[FeedItem]) -> None:
        for item in items:
            data = frame("alert", item.data, item.seq)
            for client in tuple(self._clients):
                if client.scope.sees(item.home_area, item.need, item.source):
                    self._put(client, data, item.seq)

    def _send_beats(self) -> None:
        frames: dict[Scope, bytes] = {}
        for client in tuple(self._clients):
            if client.scope not in frames:
                frames[client.scope] = frame("beat", msgspec.json.encode(self.beat(client.scope)))
            self._put(client, frames[client.scope])

    def _put(self, client: Client, data: bytes, seq: int | None = None) -> None:
        if not client.put(data, seq):
            self._metrics.stream_dropped.inc()
            log.warning("stream_dropped", reason="the client does not read")
            self.close(client)

    def _read_end(self) -> int:
        with self._database.reading() as connection:
            return bounds(connection)[1]

    def _read_changes(self, after: int) -> list[FeedItem]:
        with self._database.reading() as connection:
            return list(changes_after(connection, after, self.views.read(connection), limit=AT_ONCE))

    def _read_news(self) -> dict[str, int]:
        with self._database.reading() as connection:
            return read_news(connection)

    def _read_standing(self) -> Standing:
        with self._database.reading() as connection:
            return read_standing(connection)
