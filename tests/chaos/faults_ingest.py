"""Faults of ingest and of those who post to it."""

import contextlib
import os
import random
import signal
import socket
import threading
from dataclasses import dataclass

import httpx

from tests.chaos.faults_detector import pause
from tests.chaos.pipeline import Pipeline
from tests.chaos.processes import CLOCK, PATIENCE, NotInTime, Service, wait_for
from tests.ports import free_port

SIZE = 1_000
SENDERS = 8
CAP = 10_000
"""Calls in flight at most, a fifth of what ingest is shipped with: all of them are folded later."""
LOOKS = 5
NEVER_CLOSED = """
import sys
from services.ingest import reception
from services.ingest.__main__ import main
from services.runtime.producer import ReliableProducer
from services.runtime.settings import environment_settings

ReliableProducer.is_healthy = lambda self, patience_seconds=0.0: True
reception.MAX_IN_FLIGHT = int(sys.argv[1])
sys.exit(main(environment_settings()))
"""
"""An ingest that takes calls although Kafka has been silent for long."""


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
    status = line.ingest.stop()
    assert status == 0, f"SIGTERM ended with {status}: {line.ingest.tail()}"
    line.ingest.start()
    return since


def too_many_in_flight(line: Pipeline, rng: random.Random) -> float:
    """Without acknowledgements calls pile up to the cap; then 429, and memory stands.

    Ingest as shipped answers 503 before, as soon as Kafka has been silent for 1.5 s; that door is taken out here, so
    that the cap alone must hold.
    """
    client, full, answers = line.clients[0], threading.Event(), Answers()
    line.ingest.stop()
    line.ingest.start(["-c", NEVER_CLOSED, str(CAP)])
    wait_for(line.ingest.is_ready, "ingest is ready")
    curve = [line.ingest.memory_mb()]
    assert line.broker.pid is not None
    os.kill(line.broker.pid, signal.SIGSTOP)
    batches = [line.traffic.many(client.source, SIZE) for _ in range(CAP // SIZE + SENDERS)]

    def send(number: int) -> None:
        for calls in batches[number::SENDERS]:
            answers.note(client.ask(calls))
        while not full.is_set():
            answers.note(client.ask(batches[number]))

    senders = [threading.Thread(target=send, args=(number,), daemon=True) for number in range(SENDERS)]
    try:
        for sender in senders:
            sender.start()
        wait_for(lambda: answers.put_off > 0, "the cap is reached")
        for more in range(1, LOOKS + 1):
            curve.append(line.ingest.memory_mb())
            wait_for(lambda more=more: answers.put_off > 20 * more, f"more is put off; so far {answers}")
        in_flight = line.ingest.metric("groundswell_ingest_in_flight_calls")
    except NotInTime as error:
        raise NotInTime(f"{error}; answers so far: {answers}") from None
    finally:
        full.set()
        os.kill(line.broker.pid, signal.SIGCONT)
    since = CLOCK.monotonic()
    for sender in senders:
        sender.join(PATIENCE)
    for calls in batches:
        wait_for(lambda calls=calls: client.post(calls) == 202, "what was put off is taken later")
    shape = " ".join(f"{megabytes:.0f}" for megabytes in [*curve, line.ingest.memory_mb()])
    line.notes.append(
        f"{in_flight:.0f} calls in flight, {answers}; memory of ingest in MB before, at the cap, after each "
        f"20 calls put off, and when all are taken: {shape}"
    )
    assert CAP <= in_flight < CAP + SENDERS * SIZE, line.notes[-1]
    assert answers.without_retry_after == 0, "a 429 says when to try again"
    assert max(curve[1:]) < curve[1] + 20, line.notes[-1]
    line.ingest.stop()
    line.ingest.start()
    return since


@dataclass
class Answers:
    """What the senders were told; requests above the rate of a key do not count, they are no matter of the cap."""

    put_off: int = 0
    not_in_time: int = 0
    too_often: int = 0
    without_retry_after: int = 0

    def __str__(self) -> str:
        return f"{self.put_off} x 429, {self.not_in_time} x 503, {self.too_often} above the rate of the key"

    def note(self, answer: httpx.Response | None) -> None:
        """One more."""
        if answer is None:
            return
        if answer.status_code == 429:
            self.without_retry_after += "Retry-After" not in answer.headers
            of_the_cap = "on their way" in answer.text
            self.put_off += of_the_cap
            self.too_often += not of_the_cap
        self.not_in_time += answer.status_code == 503


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
        status = service.wait(PATIENCE)
        assert status == 2, f"{name} ended with {status}: {service.tail()}"
        assert sentence in service.tail(), service.tail()
    return CLOCK.monotonic()
