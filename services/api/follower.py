"""The thread that reads the output topics and folds them: offsets live in the database, Kafka keeps none for it."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from schemas.topics import REFERENCE
from services.api.chores import Chores
from services.api.database import Database, DatabaseAway
from services.api.decode import FOLDED
from services.api.fold import Fold, Folded, OffsetMoved, Place, Stored
from services.api.metrics import ApiMetrics
from services.api.space import BadPointer, Space, WrongSettings, remember, space_in
from services.runtime.clock import Clock, SystemClock
from services.runtime.kafka import KafkaAway, client_options, is_reachable, read_all
from services.runtime.lifecycle import State
from services.runtime.settings import Settings

log = structlog.get_logger("api.follower")

POLL_MS = 200
RECORDS_A_POLL = 200
BYTES_A_TRANSACTION = 1_000_000
RETRY_SECONDS = 0.5
SILENT_POLLS = 10
REFERENCE_SECONDS = 2.0


class NotYet(RuntimeError):
    """Something that must be there first is not; the sentence says what."""


class Follower:
    """Follows `alerts`, `series` and `status` of a space, and says how that goes.

    Args:
        on_space: called, in the follower's thread, when the space's configuration was read.
        on_changes: the same, after each transaction that changed an alert.
        on_fatal: the same, when the process must not go on.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        metrics: ApiMetrics,
        chores: Chores,
        *,
        on_space: Callable[[Space], None],
        on_changes: Callable[[], None],
        on_fatal: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._settings, self._database, self._metrics, self._chores = settings, database, metrics, chores
        self._on_space, self._on_changes, self._on_fatal = on_space, on_changes, on_fatal
        self._fold = Fold(database)
        self._positions: dict[Place, int] = {}
        self._state = State(False, "not started")
        self._database_state = State(True)
        self._kafka_away = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="api-follower", daemon=True)

    def start(self) -> None:
        """Begin; waits in its thread for Kafka, the topics and the configuration."""
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def log_state(self) -> State:
        """Whether the output topics are read and folded up to their ends at the time of connecting."""
        return self._state

    def database_state(self) -> State:
        """Whether the last transaction went through."""
        return self._database_state

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except WrongSettings as error:
                self._state = State(False, str(error))
                self._on_fatal(str(error))
                return
            except (NotYet, BadPointer, KafkaAway) as error:
                self._pause(str(error))
            except DatabaseAway as error:
                self._database_failed(error)
            except (KafkaError, OSError) as error:
                self._pause(f"reading the log failed ({type(error).__name__}); trying again")
            except Exception as error:  # outermost loop: say so, stay unready, begin again
                log.error("follower_failed", error=type(error).__name__, exc_info=True)
                self._pause(f"folding failed ({type(error).__name__}); nothing was skipped, see the service's log")

    def _pause(self, sentence: str) -> None:
        if self._state.detail != sentence:
            log.warning("follower_waits", why=sentence)
        self._state = State(False, sentence)
        self._stopping.wait(RETRY_SECONDS)

    def _database_failed(self, error: DatabaseAway) -> None:
        if self._database_state.ok:
            log.warning("database_away", why=str(error))
        self._metrics.database_errors.inc()
        self._database_state = State(False, str(error))
        self._stopping.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        """One connection's life."""
        with self._connected() as consumer:
            places = self._find_places(consumer)
            reference = _Reference(consumer, REFERENCE.in_space(self._settings.space), self._clock)
            self._learn_space()
            consumer.assign(list(places))
            ends = consumer.end_offsets(list(places))
            self._seek_all(consumer, places, ends)
            silent_polls = 0
            while not self._stopping.is_set():
                batches = consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS_A_POLL)
                for partition, records in batches.items():
                    self._take(consumer, partition, places[partition], records)
                silent_polls = 0 if batches else silent_polls + 1
                self._look(consumer, ends, silent_polls)
                self._follow_space(reference)
                self._do_chores()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        if not is_reachable(self._settings):
            raise KafkaAway(f"Kafka is not reachable at {self._settings.kafka_bootstrap}")
        consumer = KafkaConsumer(
            **client_options(self._settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def _find_places(self, consumer: Any) -> dict[Any, Place]:
        places: dict[Any, Place] = {}
        names = {topic.in_space(self._settings.space): topic for topic in FOLDED}
        for name in (REFERENCE.in_space(self._settings.space), *names):
            found = consumer.partitions_for_topic(name)
            if not found:
                raise NotYet(f"the topic {name} does not exist yet: `groundswell topics create` or ingest makes it")
            if name in names:
                places |= {TopicPartition(name, one): Place(names[name], name, one) for one in sorted(found)}
        return places

    def _learn_space(self) -> None:
        found = space_in(read_all(self._settings, REFERENCE.in_space(self._settings.space), 0), self._settings)
        if found is None:
            raise NotYet("the space has no configuration yet: start ingest with GROUNDSWELL_REFERENCE set")
        space, body = found
        remember(self._database, space.config, body)
        self._on_space(space)

    def _follow_space(self, reference: "_Reference") -> None:
        """Reference data or settings were changed: from now on they are these, without a restart."""
        if not reference.has_grown():
            return
        try:
            self._learn_space()
        except (BadPointer, NotYet) as error:
            log.warning("reference_not_followed", why=str(error))  # half written: its end is on its way

    def _seek_all(self, consumer: Any, places: dict[Any, Place], ends: dict[Any, int]) -> None:
        begins = consumer.beginning_offsets(list(places))
        for partition, place in places.items():
            position = self._fold.position(place)
            if position is None:
                position = self._fold.begin(place, begins[partition])
            if position > ends[partition]:
                raise NotYet(
                    f"the database has folded {place.name} further than this Kafka goes: it is not of the same log. "
                    "Run `groundswell rebuild --database`, or set another GROUNDSWELL_DATABASE_URL"
                )
            if position < begins[partition]:
                log.warning("records_deleted_before_folding", topic=place.name, lost=begins[partition] - position)
                self._metrics.fold_lost.labels(place.topic.name).inc(begins[partition] - position)
            self._positions[place] = position
            consumer.seek(partition, max(position, begins[partition]))

    def _take(self, consumer: Any, partition: Any, place: Place, records: Sequence[Any]) -> None:
        """Fold what was polled, however long the database takes; Kafka keeps the rest meanwhile."""
        for chunk in chunks([Stored(record.offset, record.value) for record in records]):
            while not self._stopping.is_set():
                try:
                    folded = self._fold.apply(place, chunk, self._positions[place])
                except OffsetMoved as moved:
                    self._positions[place] = moved.stored
                    consumer.seek(partition, moved.stored)
                    return
                except DatabaseAway as error:
                    self._database_failed(error)
                else:
                    self._positions[place] = chunk[-1].offset + 1
                    self._count(place, folded)
                    break

    def _count(self, place: Place, folded: Folded) -> None:
        self._database_state = State(True)
        self._metrics.fold_records.labels(place.topic.name).inc(folded.records)
        self._metrics.fold_refused.labels(place.topic.name).inc(folded.refused)
        for change in folded.changes:
            if change.is_new:
                self._metrics.alerts_raised.labels(change.alert.kind, change.alert.severity).inc()
        if folded.changes:
            self._on_changes()

    def _look(self, consumer: Any, ends: dict[Any, int], silent_polls: int) -> None:
        """Say whether the log is there and how much of it is left."""
        if silent_polls % SILENT_POLLS == 0:
            self._kafka_away = silent_polls > 0 and not is_reachable(self._settings)
        if self._kafka_away:
            self._state = State(False, f"Kafka is not reachable at {self._settings.kafka_bootstrap}")
            return
        left = sum(1 for partition, end in ends.items() if consumer.position(partition) < end)
        self._state = State(False, f"catching up: {left} partitions to go") if left else State(True)
        lags: dict[str, int] = {topic.name: 0 for topic in FOLDED}
        names = {topic.in_space(self._settings.space): topic.name for topic in FOLDED}
        for partition in ends:
            newest = consumer.highwater(partition)
            if newest is not None:
                lags[names[partition.topic]] += max(0, newest - consumer.position(partition))
        for name, lag in lags.items():
            self._metrics.fold_lag.labels(name).set(lag)

    def _do_chores(self) -> None:
        try:
            self._chores.run()
        except DatabaseAway as error:
            self._database_failed(error)
        else:
            self._database_state = State(True)


class _Reference:
    """Looks now and then whether `reference.v1` has grown."""

    def __init__(self, consumer: Any, topic: str, clock: Clock) -> None:
        self._consumer, self._partition, self._clock = consumer, TopicPartition(topic, 0), clock
        self._end = self._read_end()
        self._next = clock.monotonic() + REFERENCE_SECONDS

    def has_grown(self) -> bool:
        """Whether there is something new since the last time that this said so."""
        now = self._clock.monotonic()
        if now < self._next:
            return False
        self._next = now + REFERENCE_SECONDS
        before, self._end = self._end, self._read_end()
        return self._end > before

    def _read_end(self) -> int:
        return int(self._consumer.end_offsets([self._partition])[self._partition])


def chunks(records: Sequence[Stored]) -> Iterator[list[Stored]]:
    """Runs of records of at most about a megabyte, so that no transaction is long."""
    chunk: list[Stored] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += len(record.value or b"")
        if size >= BYTES_A_TRANSACTION:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
