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
    return hoist(create_app(parts).openapi())


def api_openapi() -> dict[str, Any]:
    """The document of the API."""
    from services.api.__main__ import Api
    from services.api.database import Database

    clock = SystemClock()
    database = Database(NEVER_OPENED)
    try:
        return hoist(Api(Settings(), clock, database, KeyStore(NO_KEYS, clock), None).app.openapi())
    finally:
        database.close()


def hoist(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document whose inlined JSON Schemas have become components, so that their references resolve.

    >>> inlined = {"title": "A", "$defs": {"B": {"type": "string"}}, "items": {"$ref": "#/$defs/B"}}
    >>> hoist({"paths": {"schema": inlined}})["paths"]
    {'schema': {'$ref': '#/components/schemas/A'}}
    """
    components: dict[str, Any] = dict(document.get("components", {}).get("schemas", {}))

    def place(name: str, schema: Any) -> dict[str, str]:
        if components.setdefault(name, schema) != schema:
            raise ValueError(f"two different schemas are called {name}")
        return {"$ref": f"#/components/schemas/{name}"}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node.replace("#/$defs/", "#/components/schemas/") if isinstance(node, str) else node
        inner = node.get("$defs", {})
        for name, schema in inner.items():
            place(name, walk(schema))
        rest = {key: walk(value) for key, value in node.items() if key != "$defs"}
        return place(rest["title"], rest) if inner and "title" in rest else rest

    walked: dict[str, Any] = walk(document)
    rest = walked.get("components", {})
    schemas = {**components, **rest.get("schemas", {})}
    return {**walked, "components": {**rest, "schemas": dict(sorted(schemas.items()))}}
