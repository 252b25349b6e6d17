"""What ingest says of itself while it runs: every reference resolves, every refusal is a problem."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from schemas.reference import Area, Reference
from schemas.space_config import SpaceConfig
from services.ingest.app import create_app
from services.ingest.service import Parts
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import ReliableProducer
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """The application; its producer is never started."""
    clock, made = SystemClock(), Settings(space="exercise", data=tmp_path)
    return create_app(
        Parts(
            settings=made,
            clock=clock,
            producer=ReliableProducer(made, clock, limits={}),
            keys=KeyStore(tmp_path / "keys.json", clock),
            config=SpaceConfig("exercise", 500, 6, 3.0, 2, "x"),
            reference=Reference(areas=(Area("tx", "", "Texas"),), needs=()),
            registry=new_registry(),
            secret=b"0123456789abcdef",
        )
    )


def _get(app: Any, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://ingest") as client,
        ):
            return await client.get(path)

    return asyncio.run(ask())


def _references(node: Any) -> Iterator[str]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        if key == "$ref":
            yield value
        else:
            yield from _references(value)


def test_the_document_that_a_running_ingest_serves_is_closed_in_itself(app: Any) -> None:
    document = _get(app, "/openapi.json").json()
    schemas = document["components"]["schemas"]
    found = set(_references(document))
    assert {"#/components/schemas/CallEvent", "#/components/schemas/Need"} <= found
    assert {one.removeprefix("#/components/schemas/") for one in found} <= set(schemas)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_refusal_in_the_document_is_a_problem(app: Any) -> None:
    document = _get(app, "/openapi.json").json()
    for path, status in (("/v1/events", "422"), ("/v1/sources/{source}/records", "422"), ("/v1/ticks", "503")):
        responses = document["paths"][path]["post"]["responses"]
        assert responses[status]["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
        assert {"400", "401", "403", "413", "422", "429", "503"} <= set(responses)
    assert "HTTPValidationError" not in document["components"]["schemas"]
