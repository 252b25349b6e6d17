"""Answers while ingest waits for Kafka at its start: alive, not ready, and calls are to be sent again."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SENTENCE = "Ingest is starting and waits for Kafka; send the calls again, none is counted twice."
PATIENCE_SECONDS = 2.0
"""For so long a client may take over its request."""
MOST_BYTES = 1024 * 1024
POLL_SECONDS = 0.02


@contextlib.contextmanager
def answering(listening: socket.socket) -> Iterator[None]:
    """Within the block every request is answered with 503; `listening` itself stays as it is, for the real server."""
    server = ThreadingHTTPServer(listening.getsockname()[:2], _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening.dup()
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="waiting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_SECONDS
    server_version, sys_version = "groundswell", ""

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
        """Read what comes, so that the client gets to see the answer."""
        with contextlib.suppress(ValueError):
            self.rfile.read(min(int(self.headers.get("Content-Length", "0")), MOST_BYTES))
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
