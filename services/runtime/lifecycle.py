"""A service's life: which of its dependencies are well, its HTTP server, and a clean stop."""

import asyncio
import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

GRACEFUL_SECONDS = 5


class PortTaken(RuntimeError):
    """The port cannot be listened on; the sentence says which and what to do."""


@dataclass(frozen=True, slots=True)
class State:
    """How one dependency stands; the detail is a sentence for an operator."""

    ok: bool
    detail: str = ""
    degraded: bool = False
    """Works, but somebody should look."""


Check = Callable[[], State]


class Health:
    """The dependencies of a service by name; asked whenever somebody wants to know.

    >>> health = Health()
    >>> health.watch("kafka", lambda: State(False, "not reachable"))
    >>> health.ready()
    (503, {'status': 'unready', 'dependencies': {'kafka': {'state': 'down', 'detail': 'not reachable'}}})
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.stopping = False

    def watch(self, name: str, check: Check) -> None:
        """Ask `check` for this dependency; a second one of the same name replaces the first."""
        self._checks[name] = check

    def live(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /health/live: the process answers."""
        return 200, {"status": "live"}

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /health/ready: 503 when a dependency is down or the service is stopping."""
        states = {name: check() for name, check in self._checks.items()}
        down = self.stopping or any(not state.ok for state in states.values())
        degraded = any(state.degraded for state in states.values())
        word = "stopping" if self.stopping else "unready" if down else "degraded" if degraded else "ready"
        described = {name: _describe(state) for name, state in states.items()}
        return (503 if down else 200), {"status": word, "dependencies": described}


def _describe(state: State) -> dict[str, str]:
    word = "down" if not state.ok else "degraded" if state.degraded else "up"
    return {"state": word, "detail": state.detail} if state.detail else {"state": word}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        PortTaken: somebody listens there already, or this process may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise PortTaken(f"port {port} on {host} {why}; stop that program or set another port") from None
    sock.setblocking(False)
    return sock


def run_server(app: Any, sock: socket.socket, *, health: Health | None = None) -> None:
    """Serve an ASGI app until SIGTERM or SIGINT, then let open requests finish; returns after a clean stop."""
    asyncio.run(serve(app, sock, health=health))


async def serve(
    app: Any, sock: socket.socket, *, health: Health | None = None, stop: asyncio.Event | None = None
) -> None:
    """The same inside a loop that runs; `stop` ends it as a signal does."""
    import uvicorn  # not every service that watches its health has an HTTP server

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            """A signal means a clean stop with status 0; uvicorn would raise it again afterwards."""
            with _on_signals(lambda: self._stop()):
                yield

        def _stop(self) -> None:
            if health is not None:
                health.stopping = True
            self.force_exit = self.should_exit
            self.should_exit = True

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = Server(config)
    watcher = asyncio.create_task(_stop_on(stop, server._stop)) if stop is not None else None
    try:
        await server.serve(sockets=[sock])
    finally:
        if watcher is not None:
            watcher.cancel()
        sock.close()


async def _stop_on(stop: asyncio.Event, act: Callable[[], None]) -> None:
    await stop.wait()
    act()


@contextlib.contextmanager
def _on_signals(act: Callable[[], None]) -> Generator[None, None, None]:
    """Call `act` on SIGINT and SIGTERM; nothing outside the main thread, where signals do not arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    for one in before:
        signal.signal(one, lambda *_: loop.call_soon_threadsafe(act))
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
