"""The quiet run: the same log, folded in this process without any fault; and how what was said differs from it."""

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.log_record import BadRecord, Calls, decode_record
from schemas.output import SealedHour, SeriesRecord
from schemas.topics import ALERTS, CALLS, COUNTS, SERIES
from services.detector.domain.fold import State, step
from services.detector.space import References
from services.runtime.kafka import StoredRecord
from services.runtime.settings import Settings
from tests.chaos.topics import Tail
from tests.integration.detector_world import Said


@dataclass(frozen=True)
class Difference:
    """How the pipeline differs from the quiet run; all zero when it is exact."""

    lost: int
    """Ids with a 202 that are not on the log."""
    doubled: int
    """Calls counted more often than once."""
    alerts: int
    """Versions of alerts that are missing, too many or different, on the topic or in the API's database."""
    counts: int
    """Sealed hours and points of series that differ."""
    examples: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Nothing is lost, doubled or different."""
        return not (self.lost or self.doubled or self.alerts or self.counts)


@dataclass
class Reference:
    """Grows with the log."""

    settings: Settings
    quiet: Said = field(default_factory=Said)
    told: Said = field(default_factory=Said)
    on_log: set[str] = field(default_factory=set)
    """Hashed ids of all calls on the log."""
    states: dict[int, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tail = Tail(self.settings)
        self._references = References(self.settings)

    def _places(self, *topics: Any) -> list[tuple[str, int]]:
        parts = range(self.settings.partitions)
        return [(topic.in_space(self.settings.space), part) for topic in topics for part in parts]

    def close(self) -> None:
        """Let the client go."""
        self._tail.close()

    def fold_log(self) -> None:
        """Fold what is new on the log."""
        for _, partition, record in self._tail.read(self._places(CALLS)):
            self._fold(partition, record)

    def _fold(self, partition: int, record: StoredRecord) -> None:
        state = self.states.setdefault(partition, State())
        limit = record.timestamp_ms + 2_000 if self.settings.space == "live" else None
        try:
            decoded = decode_record(record.value or b"")
            if isinstance(decoded, Calls):
                self.on_log |= {call.id for call in decoded.calls}
            key = record.key.decode() if record.key is not None else None
            outputs = step(state, key, decoded, self._references, no_later_than=limit)
        except (BadRecord, UnicodeDecodeError):
            return
        for output in outputs:
            self.quiet.output(output)

    def read_outputs(self) -> None:
        """Read what is new on the output topics; what is no contract's was put there by a fault."""
        for topic, _, record in self._tail.read(self._places(ALERTS, COUNTS, SERIES)):
            try:
                if topic.endswith(ALERTS.name):
                    alert = json.loads(record.value or b"null")
                    if isinstance(alert, dict) and isinstance(alert.get("version"), int):
                        self.told.alert(alert)
                elif topic.endswith(COUNTS.name):
                    self.told.sealed(msgspec.json.decode(record.value or b"", type=SealedHour))
                else:
                    self.told.series(msgspec.json.decode(record.value or b"", type=SeriesRecord))
            except (msgspec.MsgspecError, ValueError, RecursionError):
                continue

    def counted(self) -> int:
        """Calls that the fold has counted, each once."""
        homes = [home.intake.counters for state in self.states.values() for home in state.homes.values()]
        return sum(one.get("counted", 0) + one.get("late_after_seal", 0) for one in homes)

    def compare(self, accepted: set[str], database: str | None) -> Difference:
        """Everything against the quiet run.

        Args:
            accepted: hashed ids that got a 202.
            database: the API's SQLite file.
        """
        quiet, told = self.quiet, self.told
        wrong_alerts = _unequal(quiet.alerts, told.alerts)
        if database is not None:
            wrong_alerts |= {("api", *key) for key in _unequal(quiet.alerts, _versions(database))}
        wrong = _unequal(quiet.counts, told.counts) | _unequal(quiet.points, told.points)
        lost = accepted - self.on_log
        doubled = max(0, self.counted() - len(self.on_log))
        words = [*told.contradictions[:3], *map(str, sorted(wrong_alerts, key=str)[:3])]
        words += [*map(str, sorted(wrong, key=str)[:3]), *sorted(lost)[:3]]
        return Difference(len(lost), doubled, len(wrong_alerts), len(wrong) + len(told.contradictions), tuple(words))


def _unequal(one: dict[Any, Any], other: dict[Any, Any]) -> set[Any]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def _versions(database: str) -> dict[Any, Any]:
    """Versions of alerts as the API keeps them."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        rows = connection.execute("SELECT alert_id, version, body FROM alert_versions").fetchall()
    finally:
        connection.close()
    return {(name, version): json.loads(body) for name, version, body in rows}
