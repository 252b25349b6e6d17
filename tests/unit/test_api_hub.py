"""The queue of one stream: bounded, in order, never back; and the hub that fills it."""

import asyncio
from pathlib import Path

from services.api.hub import QUEUE, QUEUE_BYTES, Client, Hub
from services.api.metrics import ApiMetrics
from services.api.scope import ALL
from services.runtime.clock import SystemClock
from services.runtime.metrics import new_registry
from tests.api_parts import Tape, alert, prepared


def drained(client: Client) -> bytes:
    client.end()
    return asyncio.run(client.take())


def test_what_was_told_from_the_database_is_not_told_again_from_the_queue() -> None:
    client = Client(ALL)
    client.put(b"five ", 5)
    client.put(b"beat ")
    client.put(b"seven ", 7)
    client.begin(6)
    assert client.put(b"six ", 6)
    client.put(b"eight ", 8)
    assert drained(client) == b"beat seven eight "


def test_a_full_queue_closes_the_client_and_lets_go_of_its_memory() -> None:
    client = Client(ALL)
    assert all(client.put(b"x", seq) for seq in range(1, QUEUE + 1))
    assert not client.closed.is_set()
    assert not client.put(b"x", QUEUE + 1)
    assert client.closed.is_set()
    assert drained(client) == b""


def test_a_few_large_frames_fill_a_queue_too_so_that_its_memory_is_bounded() -> None:
    client = Client(ALL)
    assert client.put(b"x" * QUEUE_BYTES)
    assert not client.put(b"x")
    assert client.closed.is_set()
    assert drained(client) == b""


def test_a_burst_that_is_larger_than_a_queue_reaches_a_client_that_reads(tmp_path: Path) -> None:
    database = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    hub = Hub(database, SystemClock(), ApiMetrics(new_registry()), mode="live", stopping=lambda: False)
    number = 2 * QUEUE + 1

    async def read() -> int:
        client, found = hub.open(ALL), 0
        running = asyncio.create_task(hub.run())
        while b"event: beat" not in await client.take():
            pass
        await asyncio.to_thread(Tape(database).alerts, *(alert(f"a{index}") for index in range(number)))
        while found < number and not client.closed.is_set():
            found += (await asyncio.wait_for(client.take(), 120)).count(b"event: alert")
        running.cancel()
        return found

    assert asyncio.run(read()) == number
    database.close()
