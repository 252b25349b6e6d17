"""`/health/live`, `/health/ready` and `/metrics` of a detector worker, in a thread of their own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket

from prometheus_client import CollectorRegistry

from services.runtime.lifecycle import Health
from services.runtime.metrics import render_metrics


class HealthServer:
    """Answers while the process lives; stops with it."""

    def __init__(self, listening: socket, health: Health, registry: CollectorRegistry) -> None:
        address = listening.getsockname()
        self._server = ThreadingHTTPServer(address[:2], _handler(health, registry), bind_and_activate=False)
        self._server.socket.close()
        listening.setblocking(True)
        self._server.socket = listening
        self._server.daemon_threads = True

    def start(self) -> "HealthServer":
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self


def _handler(health: Health, registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                body, kind = render_metrics(registry)
                self._answer(200, body, kind)
            elif self.path in ("/health/live", "/health/ready"):
                status, state = health.live() if self.path.endswith("live") else health.ready()
                self._answer(status, json.dumps(state).encode(), "application/json")
            else:
                self._answer(404, b'{"title":"not found","status":404}', "application/problem+json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """No line per request."""

    return Handler
