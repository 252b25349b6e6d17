"""Requests made up from an OpenAPI document, and the apps they go to: in one process, one loop, no socket.

The number of requests for each endpoint is `FUZZ_CASES` (a few in `make test`, thousands in `make chaos`); `FUZZ_SEED`
(`random`: another one each time) chooses which, and every failure prints both.
"""

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from schemas.reference import Reference
from schemas.space_config import SpaceConfig
from services.ingest.app import create_app
from services.ingest.service import Parts
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import Ack, Record
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings

CASES = int(os.environ.get("FUZZ_CASES", "4"))
_ASKED = os.environ.get("FUZZ_SEED") or "20261122"
SEED = random.SystemRandom().randrange(10**6) if _ASKED == "random" else int(_ASKED)
HANG_SECONDS = 60.0
BASE = "http://fuzzed"


class Quick:
    """A producer whose Kafka has everything at once."""

    replaced = 0

    def __init__(self) -> None:
        self.records: list[Record] = []

    def send(self, record: Record, done: Any) -> None:
        self.records.append(record)
        done(Ack(record.topic, 0, len(self.records), 0))

    def post(self, record: Record) -> None:
        self.records.append(record)

    async def awrite(self, records: list[Record], seconds: float) -> list[Ack]:
        self.records += records
        return [Ack(record.topic, 0, 0, 0) for record in records]

    def is_healthy(self) -> bool:
        return True

    def oldest_seconds(self) -> float:
        return 0.0


@dataclass
class Loop:
    """An ASGI app that runs, in a loop of its own; an answer that does not come in a minute is a failure."""

    app: Any
    lifespan: bool = True
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __post_init__(self) -> None:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=BASE)
        self._life = self.app.router.lifespan_context(self.app)
        if self.lifespan:
            self._runner.run(self._life.__aenter__())

    def send(self, method: str, url: str, *, headers: dict[str, str], content: bytes | None = None) -> httpx.Response:
        """One request; raises TimeoutError when it hangs."""
        request = self._client.build_request(method, url, headers=headers, content=content)
        return self._runner.run(asyncio.wait_for(self._client.send(request), HANG_SECONDS))

    def close(self) -> None:
        """Stop as a server would."""
        self._runner.run(self._client.aclose())
        if self.lifespan:
            self._runner.run(self._life.__aexit__(None, None, None))
        self._runner.close()


@dataclass
class Ingest:
    """Ingest with a key, and what it would have written to Kafka."""

    loop: Loop
    producer: Quick
    key: str
    admin: str


def ingest(folder: Path, reference: Reference, *, source: str = "crm", space: str = "exercise", **more: Any) -> Ingest:
    """Ingest over a Kafka that takes everything."""
    clock = SystemClock()
    keys = KeyStore(folder / "keys.json", clock)
    _, key = keys.add("ingest", "test", source=source, home_area=reference.home_areas[0])
    _, admin = keys.add("admin", "test")
    producer = Quick()
    app = create_app(
        Parts(
            settings=Settings(space=space, data=folder, **more),
            clock=clock,
            producer=producer,  # type: ignore[arg-type]
            keys=keys,
            config=SpaceConfig("live" if space == "live" else "exercise", 500, 6, 3.0, 2, "x"),
            reference=reference,
            registry=new_registry(),
            secret=b"0123456789abcdef",
            requests_per_second=1e9,
        )
    )
    return Ingest(Loop(app), producer, key, admin)


def operations(document: dict[str, Any], *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """By operation id, or by method and path: what schemathesis makes requests for."""
    schema = schemathesis.openapi.from_dict(document)
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw.get("operationId") or f"{operation.method} {operation.path}"
        if name not in without:
            found[name] = operation
    return found


def fuzz(operation: Any, known: dict[str, list[str]], send: Callable[[requests.PreparedRequest], None]) -> None:
    """Send what the document allows and what it does not, half of it with names that exist.

    Args:
        known: parameter of path or query to values that exist.
        send: raises AssertionError when the answer is not as promised.
    """
    modes = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]

    @seed(SEED)
    @settings(
        max_examples=2 * CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.one_of(*modes), st.data())
    def run(case: Case, data: st.DataObject) -> None:
        if data.draw(st.booleans(), label="names that exist"):
            for given_names in (case.path_parameters, case.query):
                for name in sorted(set(given_names or ()) & set(known)):
                    given_names[name] = data.draw(st.sampled_from(known[name]))
        send(prepared(case))

    run()


def prepared(case: Case) -> requests.PreparedRequest:
    """The request as it would go over the wire."""
    words = case.as_transport_kwargs(base_url=BASE)
    return requests.Request(**{name: value for name, value in words.items() if name != "cookies"}).prepare()


def wire(request: requests.PreparedRequest, **more: str) -> Iterator[Any]:
    """Method, address, headers and body; headers that HTTP could not carry are left out."""
    headers = {}
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if text.isascii() and text.isprintable():
            headers[str(name)] = text
    body = request.body
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return iter((request.method, request.url, {**headers, **more}, content))
