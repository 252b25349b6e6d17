"""The producer that survives: what becomes of records when its client is stuck, poisoned or cannot be made."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka.errors import IllegalStateError, KafkaTimeoutError

from services.runtime.clock import SystemClock
from services.runtime.kafka import Ack, KafkaProblem, Record, ReliableProducer
from services.runtime.settings import Settings


class Promise:
    """A future of the library: callbacks, run by the test."""

    def __init__(self) -> None:
        self.good: Callable[[Any], None] = lambda _: None
        self.bad: Callable[[Exception], None] = lambda _: None

    def add_callback(self, act: Callable[[Any], None]) -> None:
        self.good = act

    def add_errback(self, act: Callable[[Exception], None]) -> None:
        self.bad = act

    def get(self, timeout: float) -> None:
        """Nobody waits here."""


class Client:
    """A client that keeps what it is given; `abort` fails all of it, as the library does."""

    def __init__(self, *, topics_known: bool = True) -> None:
        self.topics_known, self.aborted = topics_known, False
        self.promises: list[Promise] = []

    def partitions_for(self, topic: str) -> set[int]:
        if not self.topics_known:
            raise KafkaTimeoutError
        return {0}

    def send(self, *_: Any, **__: Any) -> Promise:
        self.promises.append(Promise())
        return self.promises[-1]

    def abort(self) -> None:
        self.aborted = True
        for promise in self.promises:
            promise.bad(IllegalStateError("Producer is closed forcefully."))


class Metadata:
    topic, partition, offset, timestamp = "calls", 0, 7, 0


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Of a port that takes connections, which is all that the watchdog looks at before it builds a client."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Settings(kafka_bootstrap=f"127.0.0.1:{server.getsockname()[1]}")


def _until(condition: Callable[[], object]) -> None:
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.01)


def test_a_record_that_sat_in_several_given_up_clients_is_not_taken_for_refused(settings: Settings) -> None:
    clients = [Client() for _ in range(3)]
    made = iter(clients)
    results: list[Ack | KafkaProblem] = []

    def build(**_: Any) -> Client:
        one = next(made)
        if one is clients[2]:
            producer._patience = 60.0  # this one is not given up before it has answered
        return one

    producer = ReliableProducer(settings, SystemClock(), limits={"calls": 100}, stuck_seconds=0.1, build=build)
    producer.start()
    try:
        producer.send(Record("calls", b"x"), results.append)
        _until(lambda: clients[2].promises)
        assert [client.aborted for client in clients] == [True, True, False]
        assert results == []
        clients[2].promises[0].good(Metadata)
        assert results == [Ack("calls", 0, 7, 0)]
    finally:
        producer.close(1.0)


def test_a_client_that_learns_no_topics_is_closed_before_the_next_one_is_made(settings: Settings) -> None:
    clients = [Client(topics_known=False), Client()]
    made = iter(clients)
    producer = ReliableProducer(settings, SystemClock(), limits={"calls": 100}, build=lambda **_: next(made))
    producer.start()
    try:
        _until(producer.is_healthy)
        assert [client.aborted for client in clients] == [True, False]
    finally:
        producer.close(1.0)
