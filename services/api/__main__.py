"""Composition root of the API: builds the parts, runs them until told to stop."""

import asyncio
import contextlib
import hashlib
import socket
import sys
import threading
from importlib.metadata import version
from importlib.resources.abc import Traversable

import structlog

from schemas.topics import ACTIONS, CALLS, REJECTED
from services.api.acting import Actions
from services.api.app import create_app
from services.api.chores import Chores
from services.api.database import Database, DatabaseAway, WrongDatabase
from services.api.follower import Follower
from services.api.gauges import Gauges
from services.api.guard import Guard, TrustedProxy
from services.api.hub import Hub
from services.api.metrics import ApiMetrics
from services.api.outbox import Outbox
from services.api.page import built_page
from services.api.services import Services
from services.api.space import BadPointer, Space, WrongSettings, prepare, remembered
from services.api.tiles import Tiles
from services.api.view import Views
from services.runtime.access import BadKeys, KeyStore
from services.runtime.clock import Clock, SystemClock
from services.runtime.kafka import ReliableProducer
from services.runtime.lifecycle import Health, PortTaken, State, listen, serve
from services.runtime.logs import configure_logs
from services.runtime.metrics import new_registry
from services.runtime.settings import BadSettings, Settings, environment_settings

log = structlog.get_logger("api")

DONE, FAILED, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
DATABASE_PATIENCE_SECONDS = 30.0
GAUGES_SECONDS = 10.0
REPORT_PATIENCE_SECONDS = 5.0
OUTBOX_PATIENCE_SECONDS = 10.0


def main(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        0 stopped as told, 2 wrong settings, 3 the database is not reachable. Kafka away is waited for.
    """
    configure_logs(settings.log_format, "api")
    clock = SystemClock()
    try:
        sock = listen(settings.host, settings.api_port)
        database = Database(settings.database())
        space = open_database(database, settings, clock, DATABASE_PATIENCE_SECONDS)
        keys = KeyStore(settings.keys(), clock)
    except (PortTaken, WrongDatabase, WrongSettings, BadKeys, BadPointer) as error:
        log.error("cannot_start", why=str(error))
        return WRONG_USE
    except DatabaseAway as error:
        log.error("cannot_start", why=str(error))
        return UNREACHABLE
    try:
        fatal = asyncio.run(Api(settings, clock, database, keys, space).serve(sock))
    finally:
        database.close()
    if fatal is not None:
        log.error("stopped", why=fatal)
        return WRONG_USE
    return DONE


def open_database(database: Database, settings: Settings, clock: Clock, patience_seconds: float) -> Space | None:
    """Bring the database up to date, waiting for it; returns the space that an earlier start has seen.

    Raises:
        DatabaseAway: it did not come within the patience.
        WrongDatabase: it belongs to another space.
        WrongSettings: the settings differ from the space's.
    """
    deadline = clock.monotonic() + patience_seconds
    pause = threading.Event()
    while True:
        try:
            database.migrate()
            prepare(database, settings.space, clock.now_ms())
            return remembered(database, settings)
        except DatabaseAway as error:
            if clock.monotonic() >= deadline:
                raise
            log.warning("waiting_for_database", why=str(error))
            pause.wait(1.0)


class Api:
    """The parts of one API process, wired together."""

    def __init__(
        self, settings: Settings, clock: Clock, database: Database, keys: KeyStore, space: Space | None
    ) -> None:
        self._space, self._database = space, database
        self._fatal: str | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.health = Health()
        self.registry = new_registry()
        page = built_page()
        tiles = Tiles(settings.map_tiles, settings.map_credit) if settings.map_tiles else None
        metrics = ApiMetrics(self.registry)
        views = Views(clock, settings.mode, lambda: self._space.book if self._space else None)
        hub = Hub(database, clock, metrics, mode=settings.mode, stopping=lambda: self.health.stopping, views=views)
        topics = {topic.in_space(settings.space): 1_000_000 for topic in (REJECTED, ACTIONS, CALLS)}
        self._producer = ReliableProducer(settings, clock, limits=topics)
        self.outbox = Outbox(
            database,
            clock,
            space=settings.space,
            write=lambda records: self._producer.write(records, OUTBOX_PATIENCE_SECONDS),
            partitions=lambda: self._space.config.partitions if self._space else None,
            space_now=views.now,
        )
        chores = Chores(
            database,
            clock,
            space=settings.space,
            write=lambda records: self._producer.write(records, REPORT_PATIENCE_SECONDS),
        )
        self.follower = Follower(
            settings,
            database,
            metrics,
            chores,
            on_space=self._found,
            on_changes=hub.wake,
            on_fatal=self._end,
        )
        self._hub = hub
        self._gauges = Gauges(database, metrics, clock, is_live=settings.mode == "live")
        services = Services(
            database=database,
            guard=Guard(keys, database, clock, proxy=trusted_proxy(settings)),
            hub=hub,
            views=views,
            actions=Actions(database, clock, views, after_commit=self._acted),
            clock=clock,
            mode=settings.mode,
            current_space=lambda: self._space,
            version=version("groundswell"),
            build=page_build(page),
            tiles=tiles,
        )
        self.health.watch("log", self.follower.log_state)
        self.health.watch("database", self._database_state)
        self.health.watch("outbox", self.outbox.state)
        self.health.watch("keys", keys.state)
        self.health.watch("page", lambda: _page_state(page))
        metrics.up.set_function(lambda: float(self.health.ready()[0] == 200))
        self.app = create_app(
            services,
            health=self.health,
            registry=self.registry,
            page=page,
            background=[self._refresh_gauges],
            start=self._start,
            stop=self._close,
        )

    async def serve(self, sock: socket.socket) -> str | None:
        """Run until a signal; returns why the process must not go on, if it is that."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self.app, sock, health=self.health, stop=self._stop)
        return self._fatal

    def _start(self) -> None:
        self._producer.start()
        self.follower.start()
        self.outbox.start()

    def _close(self) -> None:
        self.follower.stop()
        self.outbox.stop()
        self._producer.close(2.0)

    def _acted(self) -> None:
        self._hub.wake()
        self.outbox.wake()

    def _found(self, space: Space) -> None:
        self._space = space

    def _end(self, why: str) -> None:
        """Stop the server from the follower's thread."""
        self._fatal = why
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it is stopping already
                self._loop.call_soon_threadsafe(self._stop.set)

    def _database_state(self) -> State:
        state = self.follower.database_state()
        if state.ok and not self._database.is_there():
            return State(False, "the database does not answer: check GROUNDSWELL_DATABASE_URL and that the server runs")
        return state

    async def _refresh_gauges(self) -> None:
        while True:
            with contextlib.suppress(DatabaseAway):
                await asyncio.to_thread(self._gauges.refresh, self._space.book if self._space else None)
            await asyncio.sleep(GAUGES_SECONDS)


def trusted_proxy(settings: Settings) -> TrustedProxy | None:
    """The proxy that names people, if one is set."""
    if settings.proxy_user_header is None or settings.proxy_secret is None:
        return None
    return TrustedProxy(settings.proxy_user_header.lower(), settings.proxy_secret.get_secret_value())


def page_build(page: Traversable) -> str:
    """A short name of the built page, which changes when it does."""
    index = page.joinpath("index.html")
    return hashlib.sha256(index.read_bytes()).hexdigest()[:12] if index.is_file() else "none"


def _page_state(page: Traversable) -> State:
    if page.joinpath("index.html").is_file():
        return State(True)
    return State(True, "the page is not built in this installation: run `python hatch_web.py build`", degraded=True)


if __name__ == "__main__":
    try:
        sys.exit(main(environment_settings()))
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_USE)
