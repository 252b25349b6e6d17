"""Answers while ingest waits for Kafka at its start: alive, not ready, and calls are to be sent again."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SENTENCE = "Ingest is starting and waits for Kafka; send the calls again, none is counted twice."
PATIENCE_SECONDS = 2.0
"""For so long a client may send nothing."""
DEADLINE_SECONDS = 10.0
"""For so long it may take over its request in all; then it is answered as if that were everything."""
MOST_BYTES, PIECE_BYTES = 1024 * 1024, 64 * 1024
POLL_SECONDS = 0.02


@contextlib.contextmanager
def answering(listening: socket.socket) -> Iterator[None]:
    """Within the block every request is answered with 503; `listening` itself stays as it is, for the real server."""
    server = _Server(listening.getsockname()[:2], _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening.dup()
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="waiting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """Its end waits for no client."""

    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_SECONDS
    server_version, sys_version = "groundswell", ""

    def setup(self) -> None:
        """From here on the request has its deadline."""
        super().setup()
        self._deadline = threading.Timer(DEADLINE_SECONDS, self._read_no_more)
        self._deadline.daemon = True
        self._deadline.start()

    def finish(self) -> None:
        """It was in time."""
        self._deadline.cancel()
        super().finish()

    def _read_no_more(self) -> None:
        with contextlib.suppress(OSError):  # it has gone meanwhile
            self.connection.shutdown(socket.SHUT_RD)

    def _live(self) -> None:
        self._answer(200, {"status": "live"}, "application/json")

    def _unready(self) -> None:
        state = {"kafka": {"state": "down", "detail": "waiting for Kafka"}}
        self._answer(503, {"status": "unready", "dependencies": state}, "application/json")

    def do_GET(self) -> None:
        """Health as ever; everything else later."""
        if self.path == "/health/live":
            self._live()
        elif self.path == "/health/ready":
            self._unready()
        else:
            self._later()

    def do_POST(self) -> None:
        """Read what comes and drop it, so that the client gets to see the answer."""
        left = 0
        with contextlib.suppress(ValueError):
            left = min(int(self.headers.get("Content-Length", "0")), MOST_BYTES)
        while left > 0 and (piece := self.rfile.read(min(left, PIECE_BYTES))):
            left -= len(piece)
        self._later()

    def _later(self) -> None:
        body = {"type": "about:blank", "title": "The log is not reachable", "status": 503, "detail": SENTENCE}
        self._answer(503, body, "application/problem+json")

    def _answer(self, status: int, body: dict[str, object], kind: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(data))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Retry-After", "2"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """No line per request."""
