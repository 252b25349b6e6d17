"""Ingest while it starts, and how much of its clients' bodies it holds in memory."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from schemas.reference import Area, Need, Reference
from services.ingest.waiting import answering
from services.runtime.kafka import is_reachable
from services.runtime.lifecycle import listen
from services.runtime.settings import Settings
from tests.fuzz_world import BASE, ingest

REFERENCE = Reference(areas=(Area("boston", "", "Boston"),), needs=(Need("BD", "", "", "", ""),))
ROW = (
    b"event_id,ts,reason,type,neighborhood,lat,longitude,source\n"
    b"1,2026-01-05T10:00:00Z,Street,Lights,Allston,42.36,-71.06,Self Service\n"
)
RECORDS = "/v1/sources/boston311/records"


def test_while_it_waits_for_kafka_every_request_is_answered_and_the_port_stays_for_the_server() -> None:
    with listen("127.0.0.1", 0) as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with answering(sock), httpx.Client(base_url=address, timeout=60) as client:
            assert client.get("/health/live").status_code == 200
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "unready")
            posted = client.post("/v1/events", content=b"x" * 300_000)
            assert (posted.status_code, posted.headers["retry-after"]) == (503, "2")
            assert posted.headers["content-type"] == "application/problem+json"
        sock.setblocking(True)
        with socket.create_connection(sock.getsockname()):
            sock.accept()[0].close()


def test_a_client_that_goes_on_sending_does_not_hold_up_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.waiting._Handler.timeout", 600)
    monkeypatch.setattr("services.ingest.waiting.DEADLINE_SECONDS", 600.0)
    done = threading.Event()

    def start(sock: socket.socket) -> None:
        with answering(sock), httpx.Client(timeout=60) as client:
            asked = client.get(f"http://127.0.0.1:{sock.getsockname()[1]}/health/live")  # taken after the slow one
            assert asked.status_code == 200
        done.set()

    with listen("127.0.0.1", 0) as sock, socket.create_connection(sock.getsockname()) as slow:
        slow.send(b"GET /hea")
        thread = threading.Thread(target=start, args=(sock,))
        thread.start()
        assert done.wait(60)
        thread.join(60)


def test_a_length_below_nothing_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.waiting._Handler.timeout", 600)
    with listen("127.0.0.1", 0) as sock, answering(sock), socket.create_connection(sock.getsockname(), 60) as client:
        client.send(b"POST /v1/events HTTP/1.0\r\nContent-Length: -1\r\n\r\n")
        assert client.recv(1024).startswith(b"HTTP/1.0 503")


def test_a_request_that_comes_drop_by_drop_is_answered_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.waiting.DEADLINE_SECONDS", 0.2)
    answer = b""
    with listen("127.0.0.1", 0) as sock, answering(sock), socket.create_connection(sock.getsockname()) as client:
        client.settimeout(0.02)
        client.send(b"POST /v1/events HTTP/1.0\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(3000):  # a minute of drops
            try:
                answer = client.recv(1024)
                break
            except TimeoutError:
                with contextlib.suppress(ConnectionError):  # it has just been answered: what was said is read next
                    client.send(b"x")
    assert answer.startswith(b"HTTP/1.0 503")


def test_the_bodies_of_one_key_leave_room_for_live_calls_for_other_keys_and_for_the_next(tmp_path: Path) -> None:
    desk = ingest(tmp_path, REFERENCE, source="boston311")
    state = desk.loop.app.state
    room = state.room
    room._most = 4_000_000  # a quarter of it for each key
    _, other = state.service.parts.keys.add("ingest", "other", source="boston311")
    slow = asyncio.Event()

    async def hold() -> AsyncIterator[bytes]:
        yield ROW + b"\n" * 900_000
        await slow.wait()
        yield b"\n"

    async def post(content: bytes | AsyncIterator[bytes], key: str = desk.key, path: str = RECORDS) -> httpx.Response:
        kind = "text/csv" if path == RECORDS else "application/json"
        headers = {"authorization": f"Bearer {key}", "content-type": kind}
        answer: httpx.Response = await desk.loop._client.post(BASE + path, content=content, headers=headers)
        return answer

    async def all_of_them() -> list[int]:
        first = asyncio.create_task(post(hold()))
        while room.taken < 900_000:
            await asyncio.sleep(0)
        more = ROW + b"\n" * 200_000
        refused, others, live = await post(more), await post(more, other), await post(b"{}", path="/v1/events")
        assert refused.headers["retry-after"] == "1"
        room._most = 1_000_000
        full = await post(more, other)
        room._most = 4_000_000
        slow.set()
        answers = (refused, others, live, full, await first, await post(ROW))
        return [answer.status_code for answer in answers]

    codes = desk.loop._runner.run(asyncio.wait_for(all_of_them(), 200))
    desk.loop.close()
    assert codes == [429, 202, 422, 429, 202, 202]
    assert (room.taken, state.events_room.taken) == (0, 0)


def test_a_kafka_on_an_ipv6_address_is_found() -> None:
    try:
        sock = listen("::1", 0)
    except OSError:
        pytest.fail("this machine has no IPv6 loopback, which the test needs")
    with sock:
        assert is_reachable(Settings(kafka_bootstrap=f"[::1]:{sock.getsockname()[1]}"))
