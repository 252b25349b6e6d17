"""An answer waits for Kafka: with a producer that the test holds back, what a client sees and what is sent."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.reference import Area, Need, Reference
from schemas.space_config import SpaceConfig
from services.ingest import reception
from services.ingest.app import create_app
from services.ingest.service import Parts
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import Ack, Record, RecordRefused
from services.runtime.lifecycle import Health
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings

CALL = {"id": "1", "source": "crm", "time": "2026-01-05T10:00:00Z", "line": "211", "needs": ["BD"], "area": "a"}


class Held:
    """A producer that keeps records until the test lets them go."""

    replaced = 0

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.waiting: list[Any] = []
        self.healthy = True

    def send(self, record: Record, done: Any) -> None:
        self.records.append(record)
        self.waiting.append(done)

    def post(self, record: Record) -> None:
        """Rejections and the like are not looked at here."""

    def is_healthy(self) -> bool:
        return self.healthy

    def oldest_seconds(self) -> float:
        return 0.0

    def settle(self, result: Any) -> None:
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(result)


SHIPPED_SECONDS = reception.WRITE_SECONDS
"""How long an answer waits for Kafka."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers wait for as long as the test needs to let them go."""
    monkeypatch.setattr(reception, "WRITE_SECONDS", 200.0)


Post = Callable[[Any], Awaitable[httpx.Response]]


@contextlib.asynccontextmanager
async def desk(
    folder: Path, producer: Held, space: str = "exercise", health: Health | None = None
) -> AsyncIterator[Post]:
    """The application with that producer."""
    clock = SystemClock()
    keys = KeyStore(folder / "keys.json", clock)
    _, key = keys.add("ingest", "test", source="crm", home_area="tx")
    reference = Reference(areas=(Area("tx", "", "Texas"), Area("a", "tx", "A")), needs=(Need("BD", "", "", "", ""),))
    app = create_app(
        Parts(
            settings=Settings(space=space, data=folder),
            clock=clock,
            producer=producer,  # type: ignore[arg-type]
            keys=keys,
            config=SpaceConfig(space, 500, 6, 3.0, 2, "x"),
            reference=reference,
            registry=new_registry(),
            secret=b"0123456789abcdef",
        ),
        health,
    )
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://ingest", headers=headers) as client,
    ):
        yield lambda body: client.post("/v1/events", content=json.dumps(body))


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


def test_nothing_is_answered_before_the_acknowledgement(tmp_path: Path) -> None:
    async def scenario() -> None:
        producer = Held()
        async with desk(tmp_path, producer) as post:
            asking = asyncio.ensure_future(post(CALL))
            await _until(lambda: producer.records)
            for _ in range(1_000):  # turns of the loop, in which an answer that did not wait would come
                await asyncio.sleep(0)
            assert not asking.done()
            producer.settle(Ack("t", 0, 0, 0))
            assert (await asking).status_code == 202

    asyncio.run(scenario())


def test_a_call_that_waits_is_not_written_again_when_it_is_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SHIPPED_SECONDS < 2.0, "the answer comes within two seconds"

    async def scenario() -> None:
        producer = Held()
        async with desk(tmp_path, producer) as post:
            with monkeypatch.context() as shipped:
                shipped.setattr(reception, "WRITE_SECONDS", SHIPPED_SECONDS)
                first = await post(CALL)
            assert (first.status_code, first.headers["retry-after"]) == (503, "2")
            again = asyncio.ensure_future(post(CALL))
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert not again.done(), "a repeat of a call without acknowledgement gets no 202 either"
            assert len(producer.records) == 1
            producer.settle(Ack("t", 0, 0, 0))
            assert (await again).json() == {"accepted": 0, "duplicates": 1, "rejected": []}

    asyncio.run(scenario())


def test_a_call_whose_record_was_refused_is_written_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        producer = Held()
        async with desk(tmp_path, producer) as post:
            asking = asyncio.ensure_future(post(CALL))
            await _until(lambda: producer.records)
            producer.settle(RecordRefused("no"))
            assert (await asking).status_code == 503
            again = asyncio.ensure_future(post(CALL))
            await _until(lambda: len(producer.records) == 2)
            producer.settle(Ack("t", 0, 0, 0))
            assert (await again).json()["accepted"] == 1

    asyncio.run(scenario())


def test_while_kafka_is_known_to_be_away_nothing_is_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        producer = Held()
        producer.healthy = False
        async with desk(tmp_path, producer) as post:
            assert (await post(CALL)).status_code == 503
            assert producer.records == []

    asyncio.run(scenario())


def test_too_many_calls_in_flight_are_put_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "MAX_IN_FLIGHT", 3)

    async def scenario() -> None:
        producer = Held()
        async with desk(tmp_path, producer) as post:
            asking = asyncio.ensure_future(post([CALL | {"id": str(one)} for one in range(3)]))
            await _until(lambda: producer.records)
            put_off = await post(CALL | {"id": "more"})
            assert (put_off.status_code, put_off.headers["retry-after"]) == (429, "1")
            producer.settle(Ack("t", 0, 0, 0))
            assert (await asking).json()["accepted"] == 3
            again = asyncio.ensure_future(post(CALL | {"id": "more"}))
            await _until(lambda: len(producer.records) == 2)
            producer.settle(Ack("t", 0, 1, 0))
            assert (await again).status_code == 202

    asyncio.run(scenario())


def test_when_the_ticker_fails_ready_says_so(tmp_path: Path) -> None:
    class Failing(Held):
        def send(self, record: Record, done: Any) -> None:
            raise TypeError("a fault in the library")

    async def scenario() -> None:
        health = Health()
        async with desk(tmp_path, Failing(), "live", health):
            await _until(lambda: health.ready()[0] == 503)
            assert "ticker has failed" in health.ready()[1]["dependencies"]["work"]["detail"]

    asyncio.run(scenario())
