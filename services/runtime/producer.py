"""A Kafka producer that survives.

What it guards against was measured with kafka-python 3.0 on Apache Kafka 4.3: one refused record or one expired batch
makes an idempotent producer useless for ever. So sizes are checked before sending, the oldest unacknowledged record is
watched, and a client that is stuck or poisoned is replaced and its records sent again.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from services.runtime.clock import Clock
from services.runtime.kafka_clients import KafkaProblem, RecordRefused, client_options, is_reachable, kafka_away
from services.runtime.settings import Settings

log = structlog.get_logger("kafka")

DEFAULT_RECORD_BYTES = 1_000_000
MAX_REQUEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One record to write; without a partition Kafka's murmur2 partitioner takes the key."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """Where a record now stands on all replicas in sync, and the time Kafka or the producer gave it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


Done = Callable[[Ack | KafkaProblem], None]


@dataclass(slots=True)
class _Pending:
    record: Record
    done: Done
    since: float
    generation: int = 0
    """Which producer has it; 0: none."""
    refusals: int = 0


@dataclass
class _Wait:
    """Counts the acknowledgements of one request down."""

    results: list[Ack | KafkaProblem | None]
    finished: Callable[[], None]
    left: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def slot(self, index: int) -> Done:
        def done(result: Ack | KafkaProblem) -> None:
            with self.lock:
                self.results[index] = result
                self.left -= 1
                last = self.left == 0
            if last:
                self.finished()

        return done

    def acks(self) -> tuple[Ack, ...]:
        acks = []
        for result in self.results:
            if isinstance(result, KafkaProblem):
                raise result
            if result is not None:
                acks.append(result)
        return tuple(acks)


class AbortableProducer(KafkaProducer):  # type: ignore[misc]  # kafka-python has no types
    """A KafkaProducer that can be closed without sending what it still holds.

    The library's `close(timeout=0)` flushes first, fails when that takes time, and then goes on sending.
    """

    aborting = False

    def flush(self, timeout: float | None = None) -> None:
        """Wait for what was sent, unless everything is to be given up."""
        if not self.aborting:
            super().flush(timeout)

    def abort(self) -> None:
        """Give up what is not acknowledged, at once; its futures fail."""
        self.aborting = True
        self.close(timeout=0)


class ReliableProducer:
    """An idempotent producer with acks=all that replaces its client when it is stuck or poisoned.

    A record handed over is sent until Kafka has it or refuses it; the caller may stop waiting earlier. After a
    replacement a record may stand on the log twice: readers drop repeats by its contents.

    Args:
        limits: topic → largest record in bytes; topics named here may be written without blocking.
        stuck_seconds: age of the oldest unacknowledged record at which the client is replaced.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        limits: Mapping[str, int],
        stuck_seconds: float = 8.0,
        build: Callable[..., Any] = AbortableProducer,
    ) -> None:
        self._settings, self._clock, self._build = settings, clock, build
        self._limits, self._stuck_seconds = dict(limits), stuck_seconds
        self._patience = stuck_seconds
        self._lock = threading.Lock()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._pending: dict[int, _Pending] = {}
        self._sequence = 0
        self._client: Any = None
        self._generation = 0
        self._broken = False
        self._reachable = False
        self._built = clock.monotonic()
        self._last_sign = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="kafka-watchdog", daemon=True)

    def start(self) -> "ReliableProducer":
        """Begin to connect, in a thread; records may be handed over at once."""
        self._thread.start()
        return self

    def __enter__(self) -> "ReliableProducer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close(10.0)

    @property
    def replaced(self) -> int:
        """How many times the client was replaced."""
        return max(0, self._generation - 1)

    @property
    def pending(self) -> int:
        """Records not yet acknowledged."""
        return len(self._pending)

    def oldest_seconds(self) -> float:
        """Age of the oldest unacknowledged record; 0 when there is none."""
        with self._lock:
            first = next(iter(self._pending.values()), None)
        return 0.0 if first is None else self._clock.monotonic() - first.since

    def is_healthy(self, patience_seconds: float = 1.5) -> bool:
        """Whether Kafka takes records: connected, and nothing has waited longer than the patience."""
        return self._client is not None and self._reachable and self.oldest_seconds() <= patience_seconds

    def send(self, record: Record, done: Done) -> None:
        """Hand a record over; `done` is called once, from another thread.

        Raises:
            RecordRefused: too large for its topic.
        """
        size = len(record.value or b"") + len(record.key or b"")
        limit = self._limits.get(record.topic, DEFAULT_RECORD_BYTES)
        if size > limit:
            raise RecordRefused(f"a record of {size} bytes is larger than the {limit} that {record.topic} takes")
        with self._lock:
            self._sequence += 1
            number = self._sequence
            pending = self._pending[number] = _Pending(record, done, self._clock.monotonic())
            client, generation = self._client, self._generation
            direct = client is not None and not self._broken and record.topic in self._limits
            pending.generation = generation if direct else 0
        if direct:
            self._hand_over(number, pending, client, generation)
        else:
            self._wake.set()

    async def awrite(self, records: Sequence[Record], seconds: float) -> tuple[Ack, ...]:
        """Write records and wait, in asyncio, until Kafka has all of them.

        Raises:
            KafkaAway: not acknowledged within `seconds`; they are still sent when Kafka comes back.
            RecordRefused: one of them will never be taken.
        """
        if not records:
            return ()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def finish() -> None:
            if not future.done():
                future.set_result(None)

        def finished() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(finish)

        wait = self._start_all(records, finished)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            raise kafka_away(self._settings) from None
        return wait.acks()

    def write(self, records: Sequence[Record], seconds: float) -> tuple[Ack, ...]:
        """The same for code without asyncio."""
        if not records:
            return ()
        event = threading.Event()
        wait = self._start_all(records, event.set)
        if not event.wait(seconds):
            raise kafka_away(self._settings)
        return wait.acks()

    def post(self, record: Record) -> None:
        """Hand over a record whose fate nobody waits for."""
        self.send(record, lambda _: None)

    def _start_all(self, records: Sequence[Record], finished: Callable[[], None]) -> _Wait:
        wait = _Wait([None] * len(records), finished, len(records))
        for index, record in enumerate(records):
            self.send(record, wait.slot(index))
        return wait

    def close(self, seconds: float) -> None:
        """Wait up to `seconds` for the last acknowledgements, then stop."""
        deadline = self._clock.monotonic() + seconds
        pause = threading.Event()
        while self._pending and self._clock.monotonic() < deadline:
            pause.wait(0.02)
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
        self._drop_client()

    def _hand_over(self, number: int, pending: _Pending, client: Any, generation: int) -> Any:
        record = pending.record
        try:
            future = client.send(record.topic, record.value, key=record.key, partition=record.partition)
        except (KafkaError, AssertionError):
            self._failed(number, generation, retriable=True)
            return None
        future.add_callback(lambda metadata: self._acknowledged(number, metadata))
        future.add_errback(lambda error: self._failed(number, generation, bool(getattr(error, "retriable", False))))
        return future

    def _acknowledged(self, number: int, metadata: Any) -> None:
        with self._lock:
            pending = self._pending.pop(number, None)
            self._last_sign, self._reachable, self._patience = self._clock.monotonic(), True, self._stuck_seconds
        if pending is not None:
            pending.done(Ack(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp))

    def _failed(self, number: int, generation: int, retriable: bool) -> None:
        """The client gave a record up: it is poisoned or wedged, and will be replaced."""
        with self._lock:
            pending = self._pending.get(number)
            if pending is None or pending.generation != generation:
                return
            pending.generation = 0
            pending.refusals += not retriable
            self._broken = self._broken or generation == self._generation
        self._wake.set()

    def _run(self) -> None:
        """The watchdog: builds and replaces the client, sends what waits, looks whether Kafka is there."""
        while not self._stopping.is_set():
            if self._client is None or self._broken or self._is_stuck():
                self._replace()
            if self._client is not None:
                self._send_waiting()
            if self._clock.monotonic() - self._last_sign > 2.0:
                self._reachable = is_reachable(self._settings)
                self._last_sign = self._clock.monotonic()
            self._wake.wait(0.25)
            self._wake.clear()

    def _is_stuck(self) -> bool:
        """Whether the oldest record has waited too long with this very client."""
        with_client = self._clock.monotonic() - self._built
        return min(self.oldest_seconds(), with_client) > self._patience

    def _replace(self) -> None:
        """A new client, if Kafka answers; the pending records go to it."""
        self._drop_client()
        if not is_reachable(self._settings):
            self._reachable, self._last_sign = False, self._clock.monotonic()
            return
        try:
            client = self._build(
                **client_options(self._settings),
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                batch_size=256 * 1024,
                max_request_size=MAX_REQUEST_BYTES,
                max_block_ms=2000,
                allow_auto_create_topics=False,
            )
        except (KafkaError, OSError) as error:
            self._not_connected(error)
            return
        try:
            for topic in self._limits:
                client.partitions_for(topic)
        except (KafkaError, OSError) as error:
            client.abort()
            self._not_connected(error)
            return
        with self._lock:
            if self._generation:
                log.warning("kafka_producer_replaced", pending=len(self._pending), count=self._generation)
                self._patience = min(60.0, self._patience * 2)
            self._client, self._broken = client, False
            self._generation += 1
            self._built = self._last_sign = self._clock.monotonic()
            self._reachable = True

    def _not_connected(self, error: Exception) -> None:
        log.warning("kafka_connect_failed", error=type(error).__name__)
        self._stopping.wait(1.0)
        self._reachable, self._last_sign = False, self._clock.monotonic()

    def _drop_client(self) -> None:
        """Give the client up; that its futures fail now says nothing about their records."""
        with self._lock:
            client, self._client = self._client, None
            for one in self._pending.values():
                one.generation = 0
        if client is not None:
            client.abort()

    def _send_waiting(self) -> None:
        with self._lock:
            client, generation = self._client, self._generation
            waiting = [(number, one) for number, one in self._pending.items() if one.generation != generation]
            for _, one in waiting:
                one.generation = generation
        for number, one in waiting:
            if self._broken or self._stopping.is_set():
                with self._lock:
                    one.generation = 0
            elif one.refusals >= 2:
                self._refuse(number)
            else:
                future = self._hand_over(number, one, client, generation)
                if one.refusals and future is not None:
                    self._wait_alone(future)

    def _wait_alone(self, future: Any) -> None:
        """A record that was refused once goes alone, so that it cannot take others with it a second time."""
        with contextlib.suppress(KafkaError):
            future.get(timeout=5.0)

    def _refuse(self, number: int) -> None:
        with self._lock:
            pending = self._pending.pop(number, None)
        if pending is not None:
            pending.done(RecordRefused(f"Kafka refuses a record for {pending.record.topic}"))
