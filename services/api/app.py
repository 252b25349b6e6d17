"""The HTTP application, built from parts that are handed in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.resources.abc import Traversable

import structlog
from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse

from services.api import problems
from services.api.body_limit import BodyLimit
from services.api.page import SecurityHeaders, page_routes
from services.api.routes_actions import action_routes
from services.api.routes_admin import admin_routes
from services.api.routes_alerts import alert_routes
from services.api.routes_budget import budget_routes
from services.api.routes_events import event_routes
from services.api.routes_explore import explore_routes
from services.api.routes_feeds import feed_routes
from services.api.routes_handover import handover_routes
from services.api.routes_people import people_routes
from services.api.routes_series import series_routes
from services.api.routes_silences import silence_routes
from services.api.services import Services
from services.runtime.lifecycle import Health
from services.runtime.metrics import HttpMetrics, render_metrics

log = structlog.get_logger("api")

RESTART_SECONDS = 1.0
LEAST_COMPRESSED_BYTES = 2048
COMPRESSION = 4
"""Quick: an answer is compressed once for one reader. Streams of events are not."""

Background = Callable[[], Awaitable[None]]
"""Work beside the requests; started again when it fails, cancelled when the app stops."""

ROUTES = (
    alert_routes,
    action_routes,
    silence_routes,
    series_routes,
    explore_routes,
    feed_routes,
    budget_routes,
    event_routes,
    handover_routes,
    people_routes,
    admin_routes,
)

DESCRIPTION = """What is rising, where, how unusual that is, and why. Times are UTC (`Z`); lists answer
`{"items": […], "next": cursor or null}`; errors are RFC 9457 problem+json.

Keys: `Authorization: Bearer KEY`, `X-API-Key: KEY`, HTTP Basic with the key as password, or the cookie of
`POST /v1/login`."""


def create_app(
    services: Services,
    *,
    health: Health,
    registry: CollectorRegistry,
    page: Traversable,
    background: Sequence[Background] = (),
    start: Callable[[], None] = lambda: None,
    stop: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The app.

    Args:
        page: the folder of the built page.
        background: runs while the app runs, besides the hub.
        start, stop: called when the app begins and ends, `stop` in a thread.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        start()
        tasks = [asyncio.create_task(_keep_running(work)) for work in (services.hub.run, *background)]
        try:
            yield
        finally:
            services.hub.end_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(stop)

    app = FastAPI(
        title="Groundswell API",
        version=services.version,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(GZipMiddleware, minimum_size=LEAST_COMPRESSED_BYTES, compresslevel=COMPRESSION)
    app.add_middleware(SecurityHeaders, tiles=services.tiles)
    app.add_middleware(HttpMetrics, registry=registry, service="api")
    _add_operations(app, health, registry)
    for routes in ROUTES:
        app.include_router(routes(services))
    app.include_router(page_routes(page))
    return app


def _add_operations(app: FastAPI, health: Health, registry: CollectorRegistry) -> None:
    @app.get("/health/live", tags=["operations"], summary="The process answers")
    def get_live() -> JSONResponse:
        status, body = health.live()
        return JSONResponse(body, status)

    @app.get("/health/ready", tags=["operations"], summary="Every dependency, and whether this service can be used")
    def get_ready() -> JSONResponse:
        status, body = health.ready()
        return JSONResponse(body, status)

    @app.get("/metrics", tags=["operations"], summary="For Prometheus", response_class=Response)
    def get_metrics() -> Response:
        body, media_type = render_metrics(registry)
        return Response(body, headers={"Content-Type": media_type})


async def _keep_running(work: Background) -> None:
    """Run it until it returns; when it fails, say so and run it again."""
    while True:
        try:
            await work()
        except Exception as error:  # outermost loop
            log.error("background_failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(RESTART_SECONDS)
        else:
            return
