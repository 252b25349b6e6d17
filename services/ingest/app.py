"""The HTTP application of ingest: everything it needs is handed in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.ingest.limits import RateLimit, Room
from services.ingest.metrics import IngestMetrics
from services.ingest.openapi import describe
from services.ingest.problems import Problem, problem_response
from services.ingest.routes import router
from services.ingest.service import IngestService, Parts
from services.runtime.lifecycle import Health
from services.runtime.metrics import HttpMetrics, Message, Receive, Scope, Send

log = structlog.get_logger("ingest")

MOST_BODY_BYTES = 128 * 1024 * 1024
"""Of records that must be whole before they are read, over all requests: eight of the largest at once."""
MOST_EVENTS_BYTES = 64 * 1024 * 1024
"""The same for calls in JSON, which have a room of their own: no export takes it from them."""
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class SecurityHeaders:
    """ASGI middleware: headers that make every answer inert in a browser."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        await self.app(scope, receive, add if scope["type"] == "http" else send)


def create_app(parts: Parts, health: Health | None = None) -> FastAPI:
    """The application; the producer of `parts` has been started and is closed by who made it.

    Args:
        health: registry of dependencies, when the process has others besides ingest's.
    """
    health = health or Health()
    metrics = IngestMetrics(parts.registry)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = app.state.service = IngestService(parts, metrics, health)
        service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="Groundswell ingest",
        version="1",
        description="Takes calls of 211 and 311 lines. A 202 means that Kafka has them.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.health = health
    app.state.room, app.state.events_room = Room(MOST_BODY_BYTES), Room(MOST_EVENTS_BYTES)
    app.state.rate_limit = RateLimit(parts.requests_per_second, parts.clock)
    app.include_router(router)
    describe(app)
    _add_handlers(app, metrics)
    app.add_middleware(HttpMetrics, registry=parts.registry, service="ingest")
    app.add_middleware(SecurityHeaders)
    return app


def _add_handlers(app: FastAPI, metrics: IngestMetrics) -> None:
    """Every answer that is not a success is a problem of RFC 9457."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        metrics.refused_requests.labels(str(error.status)).inc()
        return problem_response(error)

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        sentence = HTTPStatus(error.status_code).phrase
        return problem_response(Problem(error.status_code, sentence, headers=error.headers))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return problem_response(Problem(400, "The connection ended before the body did."))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error(
            "request_failed", path=getattr(request.scope.get("route"), "path", "other"), error=type(error).__name__
        )
        metrics.refused_requests.labels("500").inc()
        return problem_response(Problem(500, "Ingest failed on this request; its log says where."))
