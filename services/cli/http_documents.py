"""OpenAPI documents of the services, from their apps; nothing is started and nobody is reached."""

from pathlib import Path
from typing import Any

from schemas.documents.generate import HTTP_DOCUMENTS, render
from schemas.reference import Reference
from schemas.space_config import SpaceConfig
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import ReliableProducer
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings

NO_KEYS = Path("no-keys.json")
NEVER_OPENED = "sqlite:///never-opened.sqlite"


def http_documents() -> dict[str, str]:
    """File name to text of the OpenAPI documents."""
    return dict(zip(HTTP_DOCUMENTS, (render(ingest_openapi()), render(api_openapi())), strict=True))


def ingest_openapi() -> dict[str, Any]:
    """The document of ingest."""
    from services.ingest.app import create_app
    from services.ingest.service import Parts

    settings, clock = Settings(), SystemClock()
    parts = Parts(
        settings=settings,
        clock=clock,
        producer=ReliableProducer(settings, clock, limits={}),
        keys=KeyStore(NO_KEYS, clock),
        config=SpaceConfig("live", settings.grid_ms, settings.seal_hours, settings.budget_per_week, 1, ""),
        reference=Reference(areas=(), needs=()),
        registry=new_registry(),
        secret=b"",
    )
    return create_app(parts).openapi()


def api_openapi() -> dict[str, Any]:
    """The document of the API."""
    from services.api.__main__ import Api
    from services.api.database import Database

    clock = SystemClock()
    database = Database(NEVER_OPENED)
    try:
        return Api(Settings(), clock, database, KeyStore(NO_KEYS, clock), None).app.openapi()
    finally:
        database.close()
