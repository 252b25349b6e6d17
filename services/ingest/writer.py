"""Coalesces calls of one home area into records and writes them; stamps `logged_at` as they leave."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.log_record import VERSION, Calls, LogCall, encode_record
from services.ingest.delivery import Delivery
from services.ingest.log_time import LogTime
from services.ingest.translation import Accepted
from services.runtime.clock import Clock
from services.runtime.kafka import Ack, KafkaProblem, Record, ReliableProducer

MAX_CALLS = 500
QUIET_SECONDS, BUSY_SECONDS = 0.010, 0.050
BUSY_CALLS = 20
"""A home area whose last record had so many calls is busy: fewer and fuller records cost the detector less."""


@dataclass(slots=True)
class _Open:
    delivery: Delivery
    handle: asyncio.Handle
    accepted: list[Accepted] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Written:
    """A record that Kafka has: for the ticker and the check of the clock."""

    ack: Ack
    last_stamp: int
    sent_ms: int
    acked_ms: int


class LogWriter:
    """Writes calls to the log of one space, from one event loop.

    The first call of a home area leaves at once; the next record follows 10 ms later at the earliest, 50 ms when busy.

    Args:
        topic: full name of the call topic.
        on_written: told of every acknowledged record, in the loop.
    """

    def __init__(
        self,
        producer: ReliableProducer,
        clock: Clock,
        log_time: LogTime,
        *,
        topic: str,
        on_written: Callable[[Written], None],
    ) -> None:
        self._producer, self._clock, self._log_time = producer, clock, log_time
        self._topic, self._on_written = topic, on_written
        self._open: dict[str, _Open] = {}
        self._not_before: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self.in_flight = 0
        """Calls taken and not yet acknowledged."""

    def add(self, accepted: Accepted) -> Delivery:
        """Put a call into the next record of its home area."""
        home = accepted.home_area
        current = self._open.get(home)
        if current is None:
            current = self._open[home] = _Open(Delivery(self._loop), self._schedule(home))
        current.accepted.append(accepted)
        self.in_flight += 1
        if len(current.accepted) >= MAX_CALLS:
            self._flush(home)
        return current.delivery

    def flush_all(self) -> None:
        """Send what is open, without waiting for its moment."""
        for home in list(self._open):
            self._flush(home)

    def _schedule(self, home: str) -> asyncio.Handle:
        wait = self._not_before.get(home, 0.0) - self._loop.time()
        return self._loop.call_later(wait, self._flush, home) if wait > 0 else self._loop.call_soon(self._flush, home)

    def _flush(self, home: str) -> None:
        current = self._open.pop(home, None)
        if current is None:
            return
        current.handle.cancel()
        count = len(current.accepted)
        self._not_before[home] = self._loop.time() + (BUSY_SECONDS if count >= BUSY_CALLS else QUIET_SECONDS)
        current.delivery.calls = count
        sent_ms = self._clock.now_ms()
        stamps = tuple([self._log_time.stamp(one.logged_at, one.call.time) for one in current.accepted])
        calls: tuple[LogCall, ...] = tuple([one.call for one in current.accepted])
        record = Record(self._topic, encode_record(Calls(VERSION, stamps, calls)), home.encode())

        def done(result: Ack | KafkaProblem) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._settle, current.delivery, result, stamps[-1], sent_ms)

        try:
            self._producer.send(record, done)
        except KafkaProblem as problem:
            self._settle(current.delivery, problem, stamps[-1], sent_ms)

    def _settle(self, delivery: Delivery, result: Ack | KafkaProblem, stamp: int, sent_ms: int) -> None:
        self.in_flight -= delivery.calls
        delivery.settle(result)
        if isinstance(result, Ack):
            self._on_written(Written(result, stamp, sent_ms, self._clock.now_ms()))
