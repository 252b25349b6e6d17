"""Faults of ingest and of those who post to it."""

import contextlib
import os
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable

from services.runtime.embedded import free_port
from tests.chaos.faults_detector import pause
from tests.chaos.pipeline import Pipeline
from tests.chaos.processes import CLOCK, NotInTime, Service, wait_for

SIZE = 1_000
SENDERS = 8


def kill_9(line: Pipeline, rng: random.Random) -> float:
    """At a random moment; clients post the same ids again."""
    pause(rng.uniform(0.5, 3))
    line.ingest.kill()
    since = CLOCK.monotonic()
    line.ingest.start()
    return since


def kill_9_before_the_acknowledgement(line: Pipeline, rng: random.Random) -> float:
    """The broker stands still, calls are on their way, ingest dies; what was sent may be on the log or not."""
    pause(rng.uniform(0.2, 1))
    assert line.broker.pid is not None
    os.kill(line.broker.pid, signal.SIGSTOP)
    pause(rng.uniform(0.3, 1.5))
    line.ingest.kill()
    os.kill(line.broker.pid, signal.SIGCONT)
    since = CLOCK.monotonic()
    line.ingest.start()
    return since


def sigterm(line: Pipeline, rng: random.Random) -> float:
    """A clean stop under load, and a start."""
    pause(rng.uniform(0.5, 2))
    since = CLOCK.monotonic()
    status = line.ingest.stop(30)
    assert status == 0, f"SIGTERM ended with {status}: {line.ingest.tail()}"
    line.ingest.start()
    return since


def too_many_in_flight(line: Pipeline, rng: random.Random) -> float:
    """Without acknowledgements calls pile up to the cap; then 429, and memory stands."""
    client, statuses, full = line.clients[0], list[int](), threading.Event()
    before = line.ingest.memory_mb()
    assert line.broker.pid is not None
    os.kill(line.broker.pid, signal.SIGSTOP)
    batches = [line.traffic.many(client.source, SIZE) for _ in range(60)]
    refused = [0]

    def send(number: int) -> None:
        for calls in batches[number::SENDERS]:
            statuses.append(client.post(calls))
        while not full.is_set():
            refused[0] += client.post(batches[number]) == 429

    senders = [threading.Thread(target=send, args=(number,), daemon=True) for number in range(SENDERS)]
    try:
        for sender in senders:
            sender.start()
        _wait_for_429(lambda: 429 in statuses or refused[0] > 0, statuses)
        at_cap = line.ingest.memory_mb()
        count = refused[0]
        wait_for(lambda: refused[0] > count + 20, "more is refused", 60)
        after = line.ingest.memory_mb()
    finally:
        full.set()
        os.kill(line.broker.pid, signal.SIGCONT)
    since = CLOCK.monotonic()
    for sender in senders:
        sender.join(60)
    for calls in batches:
        wait_for(lambda calls=calls: client.post(calls) == 202, "what was refused is taken later", 60)
    line.notes.append(f"ingest: {before:.0f} MB, at the cap {at_cap:.0f} MB, after 20 more refusals {after:.0f} MB")
    assert after < at_cap + 40, line.notes[-1]
    return since


def _wait_for_429(came: Callable[[], bool], statuses: list[int]) -> None:
    try:
        wait_for(came, "429 comes", 180)
    except NotInTime as error:
        raise NotInTime(f"{error}; answers so far: {Counter(statuses)}") from None


def bad_clients(line: Pipeline, rng: random.Random) -> float:
    """Bodies that come a byte at a time, half bodies, and clients that hang up before the answer."""
    address, held = ("127.0.0.1", line.ingest.port), list[socket.socket]()
    head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Type: application/json\r\n"
    since = CLOCK.monotonic()
    try:
        for number in range(rng.randint(20, 60)):
            with contextlib.suppress(OSError):
                one = socket.create_connection(address, 2)
                held.append(one)
                one.sendall(
                    head[: rng.randrange(10, len(head))] if number % 3 else head + b"Content-Length: 900\r\n\r\n["
                )
                if number % 4 == 0:
                    one.close()
        pause(rng.uniform(1, 3))
        assert line.ingest.is_ready()
    finally:
        for one in held:
            one.close()
    return since


def paused(line: Pipeline, rng: random.Random) -> float:
    """Ingest stands still for some seconds: its clients give up and try again."""
    pause(rng.uniform(0.2, 1))
    line.ingest.send(signal.SIGSTOP)
    pause(rng.uniform(2, 12))
    line.ingest.send(signal.SIGCONT)
    return CLOCK.monotonic()


def wrong_partitions(line: Pipeline, rng: random.Random) -> float:
    """A second ingest and a second detector that want another number of partitions are refused with a sentence."""
    wanted = rng.choice((1, 3, 8))
    changes = {"partitions": wanted, "ingest_port": free_port(), "detector_port": free_port()}
    other = line.settings.model_copy(update=changes)
    for name, sentence in (("ingest", "has 2 partitions and the settings ask for"), ("detector", "partitions is 2 on")):
        service = Service(name, other, line.folder)
        service.start()
        status = service.wait(180)
        assert status == 2, f"{name} ended with {status}: {service.tail()}"
        assert sentence in service.tail(), service.tail()
    return CLOCK.monotonic()
