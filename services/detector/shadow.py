"""Another budget, or another version of the detector, over the log as it stands: read only, nothing is written.

The state begins as after a rebuild, with what came before the log as history (a whole log says all of it itself), and
every record is folded as a worker folds it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from schemas.alert import Alert
from schemas.log_record import BadRecord, Control, LogRecord, decode_record
from schemas.space_config import SpaceConfig
from schemas.topics import CALLS, SNAPSHOTS
from services.detector.domain.fold import State, step
from services.detector.domain.rules import Rules
from services.detector.rebuild import remember
from services.detector.space import References, wait_for_space
from services.detector.worker import AHEAD_MS
from services.runtime.clock import Clock
from services.runtime.kafka import StoredRecord, read_all, read_each
from services.runtime.settings import Settings


@dataclass
class Shadow:
    """One run over the log of a space.

    Args:
        budget: alerts by chance a week for every home area; None: what people asked for.
    """

    settings: Settings
    config: SpaceConfig
    references: References
    budget: float | None = None
    log_time: int = 0
    """How far the log goes, ms; known at the end."""
    records: int = 0

    def alerts(self) -> Iterator[Alert]:
        """Every version of every alert, one partition after the other; raises KafkaAway."""
        for partition in range(self.config.partitions):
            state = self._beginning(partition)
            yield from self._fold(state, read_each(self.settings, CALLS.in_space(self.settings.space), partition))
            self.log_time = max(self.log_time, state.log_time)

    def _beginning(self, partition: int) -> State:
        """As after a rebuild, from nothing when the log is whole; under a budget of its own nobody's earlier counts."""
        config = self.config
        stored: list[StoredRecord] = []
        if self.budget is None:
            stored = read_all(self.settings, SNAPSHOTS.in_space(self.settings.space), partition)
        else:
            config = msgspec.structs.replace(config, budget_per_week=self.budget)
        rules = Rules(config, self.references(config.reference))
        remembered = remember(self.settings, partition, rules, stored)
        return State() if remembered.begin == 0 else remembered.state

    def _fold(self, state: State, stored: Iterator[StoredRecord]) -> Iterator[Alert]:
        for record in stored:
            self.records += 1
            limit = record.timestamp_ms + AHEAD_MS if self.settings.space == "live" else None
            try:
                decoded = self._asked(decode_record(record.value or b""))
                key = record.key.decode() if record.key is not None else None
                said = step(state, key, decoded, self.references, no_later_than=limit) if decoded else []
            except (BadRecord, UnicodeDecodeError):
                continue
            yield from (output.value for output in said if isinstance(output.value, Alert))

    def _asked(self, record: LogRecord) -> LogRecord | None:
        """The record under the budget that is tried; None for a control that would set another."""
        if self.budget is None or not isinstance(record, Control):
            return record
        if record.type == "config":
            return msgspec.structs.replace(record, body={**record.body, "budget_per_week": self.budget})
        return None if record.type == "budget" else record


def open_shadow(settings: Settings, clock: Clock, budget: float | None) -> Shadow:
    """A run over this space.

    Raises:
        SpaceProblem: the space has no configuration.
        KafkaAway: Kafka is not reachable.
    """
    return Shadow(settings, wait_for_space(settings, clock, 0.0), References(settings), budget)
