"""All moving parts of ingest for one space, built inside the loop that runs them."""

import asyncio
import contextlib
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from schemas.log_record import VERSION, Tick, encode_record
from schemas.reference import Reference
from schemas.space_config import SpaceConfig
from schemas.topics import CALLERS, CALLS, REJECTED
from services.ingest.callers import CallerCounter
from services.ingest.ids import Hasher
from services.ingest.log_time import ClockCheck, LogTime
from services.ingest.metrics import IngestMetrics
from services.ingest.recent import RecentCalls
from services.ingest.reception import WRITE_SECONDS, Reception
from services.ingest.rejections import RejectionLog
from services.ingest.ticker import Ticker
from services.ingest.translation import Translator
from services.ingest.writer import LogWriter, Written
from services.runtime.access import KeyStore
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaProblem, Record, ReliableProducer
from services.runtime.lifecycle import Health, State
from services.runtime.settings import Settings

CALLERS_SECONDS = 60.0
CALL_RECORD_BYTES = 15 * 1024 * 1024


@dataclass(frozen=True)
class Parts:
    """What ingest is made of and does not make itself."""

    settings: Settings
    clock: Clock
    producer: ReliableProducer
    keys: KeyStore
    config: SpaceConfig
    reference: Reference
    registry: CollectorRegistry
    secret: bytes
    requests_per_second: float = 200.0
    """For each key."""


def record_limits(space: str) -> dict[str, int]:
    """Topics that ingest writes while it answers, and their largest records."""
    return {CALLS.in_space(space): CALL_RECORD_BYTES, REJECTED.in_space(space): 100_000}


class IngestService:
    """One running ingest; built, started and stopped inside one event loop."""

    def __init__(self, parts: Parts, metrics: IngestMetrics, health: Health) -> None:
        space, producer, clock = parts.settings.space, parts.producer, parts.clock
        self.parts, self.health, self.metrics = parts, health, metrics
        self.is_live = space == "live"
        self.log_time = LogTime(clock, live=self.is_live)
        self.clock_check = ClockCheck()
        self.callers = CallerCounter(parts.reference)
        self._topic, self._callers_topic = CALLS.in_space(space), CALLERS.in_space(space)
        self.ticker = Ticker(
            producer,
            clock,
            self.log_time,
            topic=self._topic,
            partitions=parts.config.partitions,
            grid_ms=parts.config.grid_ms,
            on_written=self._compare_clocks,
        )
        self.writer = LogWriter(producer, clock, self.log_time, topic=self._topic, on_written=self._written)
        self.reception = Reception(
            clock=clock,
            log_time=self.log_time,
            translator=Translator(parts.reference, Hasher(parts.secret)),
            writer=self.writer,
            recent=RecentCalls(),
            rejections=RejectionLog(producer, clock, self.metrics, topic=REJECTED.in_space(space)),
            callers=self.callers,
            metrics=self.metrics,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._watch()

    def start(self) -> None:
        """Begin to tick (live only) and to write caller counts."""
        if self.is_live:
            self._tasks.append(asyncio.create_task(self.ticker.run(), name="ticker"))
        self._tasks.append(asyncio.create_task(self._write_callers(), name="caller counts"))
        self.health.watch("work", self._work_state)

    async def stop(self) -> None:
        """Send what is open; the producer itself is closed by who made it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.writer.flush_all()
        self._post_callers(None)

    async def tick_all(self, at: int) -> int:
        """Write one tick to every partition (outside live); returns how many.

        Raises:
            KafkaProblem: Kafka did not acknowledge in time.
        """
        self.writer.flush_all()
        self.log_time.saw(at)
        body = encode_record(Tick(VERSION, at))
        records = [Record(self._topic, body, partition=one) for one in range(self.parts.config.partitions)]
        return len(await self.parts.producer.awrite(records, WRITE_SECONDS))

    def kafka_state(self) -> State:
        """Whether calls can be written now."""
        if self.parts.producer.is_healthy():
            return State(True)
        age = self.parts.producer.oldest_seconds()
        waiting = f"; a record has waited {age:.0f} s for its acknowledgement" if age > 1 else ""
        return State(False, f"Kafka does not answer at {self.parts.settings.kafka_bootstrap}{waiting}")

    def _work_state(self) -> State:
        """Down when something that should never end has ended."""
        ended = [task.get_name() for task in self._tasks if task.done()]
        return State(not ended, f"{', '.join(ended)} has failed; start ingest again" if ended else "")

    def _written(self, written: Written) -> None:
        if self.is_live:
            self._compare_clocks(written)
            self.ticker.after_record(written.ack.partition, written.last_stamp)

    def _compare_clocks(self, written: Written) -> None:
        """Ticks tell it too: an unready host that gets no calls must be able to become ready again."""
        self.clock_check.observe(append_ms=written.ack.timestamp_ms, sent_ms=written.sent_ms, acked_ms=written.acked_ms)

    async def _write_callers(self) -> None:
        while True:
            await asyncio.sleep(CALLERS_SECONDS)
            self._post_callers(self.log_time.now() or self.parts.clock.now_ms())

    def _post_callers(self, now_ms: int | None) -> None:
        for home_area, body in self.callers.take(now_ms):
            with contextlib.suppress(KafkaProblem):
                self.parts.producer.post(Record(self._callers_topic, body, home_area.encode()))

    def _watch(self) -> None:
        producer, watch = self.parts.producer, self.metrics.watch
        self.health.watch("kafka", self.kafka_state)
        self.health.watch("keys", self.parts.keys.state)
        if self.is_live:
            self.health.watch("clock", self.clock_check.state)
        watch("in_flight_calls", "Calls taken and not yet acknowledged by Kafka", lambda: self.writer.in_flight)
        watch("oldest_unacknowledged_seconds", "Age of the oldest unacknowledged record", producer.oldest_seconds)
        watch(
            "producer_replacements", "Times the Kafka producer was replaced since the start", lambda: producer.replaced
        )
        watch("callers_dropped", "Callers not counted: too many cells open", lambda: self.callers.dropped)
        watch("ticks", "Ticks written since the start", lambda: self.ticker.written)
        watch("clock_skew_seconds", "Kafka's clock minus ours", lambda: self.clock_check.skew_ms / 1000)
        watch("up", "Whether calls can be written (1) or not (0)", lambda: float(self.kafka_state().ok))
