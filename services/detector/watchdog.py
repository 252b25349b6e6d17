"""Ends a worker whose partitions stand still while the log goes on: whatever is wedged, a new process replays."""

import os
import threading
from collections.abc import Callable, Mapping

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from schemas.topics import CALLS
from services.runtime.kafka import client_options
from services.runtime.settings import Settings

log = structlog.get_logger("detector.watchdog")

LOOK_SECONDS = 10.0
LOOKS = 30
"""So many looks in a row without a step: five minutes, because one step may learn a year of loaded history. Looks are
counted, not seconds, so that a machine that slept is not taken for a worker that is stuck."""
OTHERS_MOVE = 6
"""So many times longer a partition may stand while another one of the worker moves: a rebuild of that one has its
records first in the queue that all partitions share, and ending the worker would only make it longer."""
STUCK = 1

Offsets = Mapping[int, int]
"""By partition."""


class StandStill:
    """Counts looks at which a partition had records before it and had not moved. Pure.

    >>> still = StandStill(looks=2)
    >>> [sorted(still.look({0: 5}, {0: 9})) for _ in range(3)]
    [[], [], [0]]
    """

    def __init__(self, looks: int = LOOKS) -> None:
        self._looks = looks
        self._seen: dict[int, tuple[int, int]] = {}

    def look(self, positions: Offsets, ends: Offsets) -> set[int]:
        """Partitions that have not moved for too long.

        Args:
            positions: next offset of each partition that is being read.
            ends: where each partition of the log ends now.
        """
        before, self._seen = self._seen, {}
        moves = any(before[one][0] != position for one, position in positions.items() if one in before)
        weight = 1 if moves else OTHERS_MOVE
        for partition, position in positions.items():
            stood, count = before.get(partition, (-1, 0))
            behind = ends.get(partition, 0) > position
            self._seen[partition] = position, count + weight if behind and stood == position else 0
        return {partition for partition, (_, count) in self._seen.items() if count >= self._looks * OTHERS_MOVE}

    def forget(self) -> None:
        """Nothing is known of the log at the moment."""
        self._seen = {}


class Watchdog:
    """A thread of its own, with a client of its own: what is wedged in Faust or in the loop does not stop it.

    Args:
        positions: next offset of each partition that this worker reads.
        ends: where the log ends; raises KafkaError or OSError when Kafka is away.
        stop: ends the process.
    """

    def __init__(
        self,
        positions: Callable[[], Offsets],
        ends: Callable[[], Offsets],
        *,
        stop: Callable[[int], object] = os._exit,
        look_seconds: float = LOOK_SECONDS,
        looks: int = LOOKS,
    ) -> None:
        self._positions, self._ends, self._stop, self._look_seconds = positions, ends, stop, look_seconds
        self._still = StandStill(looks)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(self._look_seconds):
            try:
                still = self._still.look(self._positions(), self._ends())
            except (KafkaError, OSError):
                self._still.forget()
                continue
            if still:
                log.error("partitions_stand_still", partitions=sorted(still), what="this worker ends; the next replays")
                self._stop(STUCK)
                return


class LogEnds:
    """Where the partitions of the call topic end, by a client that is made when it is needed."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._settings = settings
        self._places = [TopicPartition(CALLS.in_space(settings.space), one) for one in range(partitions)]
        self._consumer: KafkaConsumer | None = None

    def __call__(self) -> dict[int, int]:
        """Raises KafkaError or OSError; the next call begins anew."""
        try:
            if self._consumer is None:
                self._consumer = KafkaConsumer(
                    **client_options(self._settings), enable_auto_commit=False, request_timeout_ms=10_000
                )
            return {place.partition: end for place, end in self._consumer.end_offsets(self._places).items()}
        except (KafkaError, OSError):
            self._consumer = None
            raise
