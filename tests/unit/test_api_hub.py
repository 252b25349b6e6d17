"""The queue of one stream: bounded, in order, never back."""

import asyncio

from services.api.hub import QUEUE, Client


def drained(client: Client) -> bytes:
    client.end()
    return asyncio.run(client.take())


def test_what_was_told_from_the_database_is_not_told_again_from_the_queue() -> None:
    client = Client(None)
    client.put(b"five ", 5)
    client.put(b"beat ")
    client.put(b"seven ", 7)
    client.begin(6)
    assert client.put(b"six ", 6)
    client.put(b"eight ", 8)
    assert drained(client) == b"beat seven eight "


def test_a_full_queue_closes_the_client_and_lets_go_of_its_memory() -> None:
    client = Client(None)
    assert all(client.put(b"x", seq) for seq in range(1, QUEUE + 1))
    assert not client.closed.is_set()
    assert not client.put(b"x", QUEUE + 1)
    assert client.closed.is_set()
    assert drained(client) == b""
