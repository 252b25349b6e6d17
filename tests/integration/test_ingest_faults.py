"""Kafka goes away and comes back: 503 in time, ready says so, nothing that was answered with 202 is lost."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from schemas.log_record import Calls, LogCall, Tick, decode_record
from schemas.topics import CALLS
from services.ingest.bootstrap import SpaceProblem, ensure_space, read_space
from services.ingest.ids import Hasher, id_secret
from services.ingest.reception import WRITE_SECONDS
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.embedded import EmbeddedKafka
from services.runtime.kafka import Record, RecordRefused, ReliableProducer, read_all
from services.runtime.settings import Settings
from tests.integration.detector_world import eventually
from tests.integration.ingest_world import World, call, in_world, space_settings, until
from tests.ports import free_port


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker that these tests may stop; nobody gets its port while it is away."""
    with EmbeddedKafka(tmp_path_factory.mktemp("own-broker"), port=free_port(), heap_mb=256) as node:
        yield node


async def taken(world: World, body: object) -> None:
    """Post until Kafka has it, as a client does that gets a 503."""
    async with asyncio.timeout(200):
        while (answer := await world.post(body)).status_code == 503:
            await asyncio.sleep(0.1)
    assert answer.status_code == 202, answer.text


def test_without_kafka_the_answer_is_503_after_less_than_two_seconds_of_waiting_and_it_recovers_by_itself(
    tmp_path: Path, own_kafka: EmbeddedKafka
) -> None:
    assert WRITE_SECONDS < 2.0, "so long an answer waits for Kafka"

    async def scenario(world: World) -> None:
        await taken(world, call(id="before"))
        await asyncio.to_thread(own_kafka.kill)
        for number in range(3):
            answer = await world.post(call(id=f"away-{number}"))
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"] == "2"
        ready = await world.client.get("/health/ready")
        assert (ready.status_code, ready.json()["dependencies"]["kafka"]["state"]) == (503, "down")
        assert (await world.client.get("/health/live")).status_code == 200
        await asyncio.to_thread(own_kafka.start)
        await until(world.producer.is_healthy)
        await taken(world, call(id="away-0"))
        await until(world.producer.is_healthy)
        assert (await world.client.get("/health/ready")).status_code == 200
        ids = [one.id for one in await world.calls()]
        assert len(set(ids)) == len(ids), "what was sent before the 503 and again after it stands on the log once"
        assert len(ids) >= 2

    in_world(space_settings(tmp_path, own_kafka.bootstrap), scenario, patient=False)


def test_every_call_that_got_a_202_survives_three_kills_of_the_broker(tmp_path: Path, own_kafka: EmbeddedKafka) -> None:
    async def scenario(world: World) -> None:
        acknowledged: set[str] = set()
        hashed = Hasher(id_secret(world.settings))
        refused = 0
        stop = asyncio.Event()

        async def client(name: str) -> None:
            nonlocal refused
            number = 0
            while not stop.is_set():
                given = call(id=f"{name}-{number}", needs=["BD"])
                answer = await world.post(given)
                assert answer.status_code in (202, 503, 429), answer.text
                if answer.status_code == 202:
                    acknowledged.add(hashed(given["source"], given["id"]))
                    number += 1
                else:
                    refused += 1
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), 0.1)

        clients = [asyncio.create_task(client(str(one))) for one in range(4)]
        for _ in range(3):
            goal = len(acknowledged) + 30
            await until(lambda goal=goal: len(acknowledged) >= goal)
            await asyncio.to_thread(own_kafka.kill)
            before = refused
            await until(lambda before=before: refused > before)
            await asyncio.to_thread(own_kafka.start)
        goal = len(acknowledged) + 30
        await until(lambda: len(acknowledged) >= goal)
        stop.set()
        await asyncio.gather(*clients)
        await until(lambda: world.producer.pending == 0)
        written: list[LogCall] = await world.calls()
        assert acknowledged <= {one.id for one in written}

    in_world(space_settings(tmp_path, own_kafka.bootstrap), scenario, patient=False)


def test_a_record_that_the_broker_refuses_does_not_stop_the_ones_after_it(tmp_path: Path, kafka_bootstrap: str) -> None:
    settings = space_settings(tmp_path, kafka_bootstrap)
    ensure_space(settings, SystemClock())
    compacted, calls = f"{settings.space}.alerts.v1", CALLS.in_space(settings.space)
    with ReliableProducer(settings, SystemClock(), limits={calls: 1000, compacted: 1000}) as producer:
        producer.write([Record(calls, b"first", partition=0)], 60)
        with pytest.raises(RecordRefused, match="Kafka refuses a record"):
            producer.write([Record(compacted, b"a compacted topic needs a key")], 60)
        producer.write([Record(calls, b"second", partition=0)], 60)
        assert producer.replaced >= 1
        with pytest.raises(RecordRefused, match="larger than the 1000"):
            producer.write([Record(calls, b"x" * 2000)], 1)
    assert [one.value for one in read_all(settings, calls, 0)][-2:] == [b"first", b"second"]


def test_a_space_is_written_once_and_refuses_other_settings(tmp_path: Path, kafka_bootstrap: str) -> None:
    settings, clock = space_settings(tmp_path, kafka_bootstrap), SystemClock()
    config, reference = ensure_space(settings, clock)
    assert ensure_space(settings, clock) == (config, reference)
    calls = CALLS.in_space(settings.space)
    assert [len(read_all(settings, calls, one)) for one in range(2)] == [1, 1]
    without_folder = settings.model_copy(update={"reference": None})
    assert ensure_space(without_folder, clock)[1].home_areas == ("harris", "york")
    changed = settings.model_copy(update={"grid_ms": 1000})
    with pytest.raises(SpaceProblem, match="grid_ms is 500 on the log and 1000 in the settings"):
        ensure_space(changed, clock)
    applied, _ = ensure_space(changed, clock, apply=True)
    assert applied.grid_ms == 1000
    assert read_space(settings)[0] == applied
    assert [len(read_all(settings, calls, one)) for one in range(2)] == [2, 2]
    assert ensure_space(settings, clock)[0] == applied, "what is not set here is taken from the log"
    nothing = space_settings(tmp_path, kafka_bootstrap).model_copy(update={"reference": None})
    with pytest.raises(SpaceProblem, match="set GROUNDSWELL_REFERENCE"):
        ensure_space(nothing, clock)


def test_the_process_serves_ticks_in_live_and_stops_cleanly(
    tmp_path: Path, own_kafka: EmbeddedKafka, free_port: int
) -> None:
    settings = space_settings(tmp_path, own_kafka.bootstrap, "live", grid_ms=200)
    _, key = KeyStore(settings.keys()).add("ingest", "test", source="crm", home_area="harris")
    environ = dict(os.environ) | {
        "GROUNDSWELL_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "GROUNDSWELL_DATA": str(settings.data),
        "GROUNDSWELL_REFERENCE": str(settings.reference),
        "GROUNDSWELL_PARTITIONS": "2",
        "GROUNDSWELL_GRID_MS": "200",
        "GROUNDSWELL_INGEST_PORT": str(free_port),
    }
    command = [sys.executable, "-m", "services.ingest"]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{free_port}", timeout=60) as client:
            eventually(lambda: _is_ready(client), "ingest is ready")
            header = {"Authorization": f"Bearer {key}"}
            given = call()
            eventually(
                lambda: client.post("/v1/events", json=given, headers=header).status_code == 202, "the call is taken"
            )
            stamped = call(logged_at="2026-01-01T00:00:00Z")
            assert client.post("/v1/events", json=stamped, headers=header).status_code == 422
            assert client.post("/v1/ticks", json={"at": 1769817600000}, headers=header).status_code == 403
            big = client.post(
                "/v1/events", content=b" " * (20 * 1024 * 1024), headers=header | {"Content-Type": "application/json"}
            )
            assert big.status_code == 413
            live = space_settings(tmp_path, own_kafka.bootstrap, "live")
            eventually(lambda: _has_grid_tick(live), "a tick comes at the next point of the grid")
        second = subprocess.run(command, env=environ, capture_output=True, timeout=200, check=False)
        assert second.returncode == 2
        assert f"port {free_port}".encode() in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=200) == 0
    finally:
        process.kill()
        process.communicate()


def _is_ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/health/ready").status_code == 200
    return False


def _has_grid_tick(settings: Settings) -> bool:
    """Whether the tick after the call stands on the log, stamped at the next point of the grid."""
    for partition in range(2):
        records = [decode_record(one.value or b"") for one in read_all(settings, "calls.events.v1", partition)]
        stamps = [one.at[-1] for one in records if isinstance(one, Calls)]
        ticks = [one.at for one in records if isinstance(one, Tick)]
        if stamps and (stamps[-1] // 200 + 1) * 200 in ticks:
            return True
    return False
