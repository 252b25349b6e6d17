"""Ticks: time itself, on the log. Live only; elsewhere the replay tool says what time it is."""

import asyncio
from collections.abc import Callable

from schemas.log_record import VERSION, Tick, encode_record
from services.ingest.log_time import LogTime
from services.ingest.writer import Written
from services.runtime.clock import Clock
from services.runtime.kafka import Ack, KafkaProblem, Record, ReliableProducer

IDLE_SECONDS = 5.0
LOOK_SECONDS = 0.5


def next_grid_point(at: int, grid_ms: int) -> int:
    """The first point of the grid after a time, milliseconds.

    >>> next_grid_point(1200, 500), next_grid_point(1500, 500)
    (1500, 2000)
    """
    return (at // grid_ms + 1) * grid_ms


class Ticker:
    """After a record one tick at the next grid point when it comes; otherwise one every 5 s on every partition.

    Args:
        on_written: told of every acknowledged tick, in the loop.
    """

    def __init__(
        self,
        producer: ReliableProducer,
        clock: Clock,
        log_time: LogTime,
        *,
        topic: str,
        partitions: int,
        grid_ms: int,
        on_written: Callable[[Written], None],
    ) -> None:
        self._producer, self._clock, self._log_time = producer, clock, log_time
        self._topic, self._grid_ms, self._on_written = topic, grid_ms, on_written
        self._due: dict[int, int] = {}
        self._last = dict.fromkeys(range(partitions), float("-inf"))
        self._waiting: set[int] = set()
        self._missed: dict[int, int] = {}
        self._loop = asyncio.get_running_loop()
        self.written = 0

    def after_record(self, partition: int, stamp: int) -> None:
        """A record stamped so stands in a partition."""
        point = next_grid_point(stamp, self._grid_ms)
        if self._due.get(partition, 0) >= point:
            return
        self._due[partition] = point
        wait = max(0, point - self._clock.now_ms()) / 1000
        self._loop.call_later(wait, self._tick, partition, point)

    async def run(self) -> None:
        """Tick partitions that are idle, for ever."""
        while True:
            for partition, last in self._last.items():
                if self._clock.monotonic() - last >= IDLE_SECONDS:
                    self._tick(partition, self._log_time.now() or self._clock.now_ms())
            await asyncio.sleep(LOOK_SECONDS)

    def _tick(self, partition: int, at: int) -> None:
        """Write one tick; while the one before is on its way it waits, so that in an outage they do not pile up."""
        if partition in self._waiting:
            self._missed[partition] = max(at, self._missed.get(partition, 0))
            return
        self._waiting.add(partition)
        self._last[partition] = self._clock.monotonic()
        sent_ms = self._clock.now_ms()

        def done(result: Ack | KafkaProblem) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._settle, partition, result, at, sent_ms)

        try:
            self._producer.send(Record(self._topic, encode_record(Tick(VERSION, at)), partition=partition), done)
        except KafkaProblem:
            self._waiting.discard(partition)

    def _settle(self, partition: int, result: Ack | KafkaProblem, at: int, sent_ms: int) -> None:
        self._waiting.discard(partition)
        if isinstance(result, Ack):
            self.written += 1
            self._on_written(Written(result, at, sent_ms, self._clock.now_ms()))
        missed = self._missed.pop(partition, None)
        if missed is not None:
            self._tick(partition, missed)
