"""A whole ingest in this process, on the Kafka of the test run, in a space of its own."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.log_record import Calls, LogCall, LogRecord, decode_record
from schemas.topics import CALLS
from services.ingest import reception, service
from services.ingest.app import create_app
from services.ingest.bootstrap import ensure_space
from services.ingest.ids import id_secret
from services.ingest.service import Parts, record_limits
from services.runtime.access import KeyStore
from services.runtime.clock import Clock, SystemClock
from services.runtime.kafka import ReliableProducer, read_all
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings

PATIENCE = 120.0
AREAS = """code,parent,name,latitude,longitude,timezone,fsa
harris,,Harris County,,,America/Chicago,
north,harris,North,29.9,-95.4,,
south,harris,South,29.6,-95.4,,
77001,north,Downtown,29.77,-95.36,,
77002,south,Old Sixth Ward,29.75,-95.37,,
york,,York Region,,,America/Toronto,
L4J,york,Vaughan,43.8,-79.45,,L4J
"""
NEEDS = """code,parent,name_en,name_fr,name_es,line
B,,Basic needs,Besoins,Necesidades,211
BD,B,Food,Nourriture,Comida,211
BD-1800,BD,Emergency food,,,211
BH,B,Housing,Logement,Vivienda,211
"""
CROSSWALK = "source,from_code,to_code\ncrm,FOOD,BD-1800\n"


@dataclass
class World:
    """One space with ingest keys, and the client of its application."""

    settings: Settings
    keys: KeyStore
    key: str
    client: httpx.AsyncClient
    producer: ReliableProducer
    app: Any

    async def post(self, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        """Post to /v1/events: values as JSON, bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {key or self.key}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/v1/events", content=content, headers=given)

    async def records(self) -> list[LogRecord]:
        """All records of the call topic."""
        found: list[LogRecord] = []
        for partition in range(self.settings.partitions):
            stored = await asyncio.to_thread(read_all, self.settings, CALLS.in_space(self.settings.space), partition)
            found += [decode_record(one.value or b"") for one in stored]
        return found

    async def calls(self) -> list[LogCall]:
        """All calls on the log."""
        return [call for record in await self.records() if isinstance(record, Calls) for call in record.calls]


def call(**changes: Any) -> dict[str, Any]:
    """A good call of a minute ago."""
    moment = datetime.now(UTC) - timedelta(minutes=1)
    base = {"id": uuid.uuid4().hex, "source": "crm", "time": moment.isoformat(), "line": "211", "needs": ["BD-1800"]}
    return base | {"area": "77001"} | changes


def write_reference(folder: Path) -> Path:
    """The reference files of the tests."""
    folder.mkdir(exist_ok=True)
    (folder / "areas.csv").write_text(AREAS)
    (folder / "needs.csv").write_text(NEEDS)
    (folder / "crosswalk.csv").write_text(CROSSWALK)
    return folder


def space_settings(folder: Path, bootstrap: str, space: str | None = None, **more: Any) -> Settings:
    """Settings of a space that no other test uses."""
    return Settings(
        kafka_bootstrap=bootstrap,
        space=space or f"t{uuid.uuid4().hex[:12]}",
        partitions=2,
        data=folder / "data",
        reference=write_reference(folder / "reference"),
        **more,
    )


class PatientProducer(ReliableProducer):
    """Does not take a Kafka for away that is only slow."""

    def is_healthy(self, patience_seconds: float = PATIENCE) -> bool:
        """Connected, and nothing has waited longer than the patience."""
        return super().is_healthy(patience_seconds)


@contextlib.contextmanager
def patient_answers() -> Iterator[None]:
    """Within the block a request waits for Kafka for as long as a slow machine takes, instead of answering 503."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reception, "WRITE_SECONDS", PATIENCE)
        patch.setattr(service, "WRITE_SECONDS", PATIENCE)
        yield


@contextlib.asynccontextmanager
async def running(
    settings: Settings, clock: Clock | None = None, *, patient: bool = True, **parts: Any
) -> AsyncIterator[World]:
    """Ingest of these settings while the block lasts; not `patient`: as it is shipped, with 503 after 1.7 s."""
    clock = clock or SystemClock()
    config, reference = await asyncio.to_thread(ensure_space, settings, clock)
    keys = KeyStore(settings.keys(), clock)
    _, key = keys.add("ingest", "test", source="crm", home_area="harris")
    kind = PatientProducer if patient else ReliableProducer
    producer = kind(settings, clock, limits=record_limits(settings.space)).start()
    app = create_app(
        Parts(
            settings=settings,
            clock=clock,
            producer=producer,
            keys=keys,
            config=config,
            reference=reference,
            registry=new_registry(),
            secret=id_secret(settings),
            **parts,
        )
    )
    transport = httpx.ASGITransport(app=app)
    try:
        async with contextlib.AsyncExitStack() as stack:
            if patient:
                stack.enter_context(patient_answers())
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://ingest", timeout=30)
            )
            await until(producer.is_healthy)
            yield World(settings, keys, key, client, producer, app)
    finally:
        await asyncio.to_thread(producer.close, 5.0)


async def until(condition: Callable[[], bool], seconds: float = 200.0) -> None:
    """Wait for a condition; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def in_world(settings: Settings, scenario: Callable[[World], Awaitable[None]], **more: Any) -> None:
    """Run a scenario against a running ingest."""

    async def run() -> None:
        async with running(settings, **more) as world:
            await scenario(world)

    asyncio.run(run())
