"""The only list of topics: name, key, cleanup and what travels there (design.md, Topics)."""

from dataclasses import dataclass, field
from types import MappingProxyType

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic of a space; the full name has the space as prefix unless the space is live."""

    name: str
    key: str
    what: str
    config: MappingProxyType[str, str] = field(hash=False)
    partitions: int | None = None
    """Fixed number of partitions; None: as many as the setting PARTITIONS says."""

    def in_space(self, space: str) -> str:
        """Full name in a space.

        >>> ALERTS.in_space("live"), ALERTS.in_space("exercise")
        ('alerts.v1', 'exercise.alerts.v1')
        """
        return self.name if space == "live" else f"{space}.{self.name}"


def _delete(days: int, **more: str) -> MappingProxyType[str, str]:
    return MappingProxyType({"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS), **_dotted(more)})


def _compact(**more: str) -> MappingProxyType[str, str]:
    return MappingProxyType({"cleanup.policy": "compact", **_dotted(more)})


def _dotted(config: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in config.items()}


LARGE = str(16 * 1024 * 1024)

CALLS = Topic("calls.events.v1", "home area", "calls, ticks, controls, history", _delete(30, max_message_bytes=LARGE))
REJECTED = Topic("calls.rejected.v1", "source", "reason and place of what was refused, never a value", _delete(30))
COUNTS = Topic(
    "counts.v1", "home area", "at each seal: the hour's counts per leaf, sparse", _delete(3650, max_message_bytes=LARGE)
)
SERIES = Topic("series.v1", "home area", "observed, expected, band of each node", _delete(90, max_message_bytes=LARGE))
ALERTS = Topic("alerts.v1", "alert id", "every version of each alert", _compact(min_compaction_lag_ms=str(90 * DAY_MS)))
CALLERS = Topic("callers.v1", "home area", "hourly counts by caller group, nothing finer", _delete(3650))
STATUS = Topic("status.v1", "partition, home area or source", "how far, how late, which feeds live", _compact())
ACTIONS = Topic("actions.v1", "alert id", "every action of a coordinator", _delete(3650))
SNAPSHOTS = Topic(
    "detector.snapshots.v1",
    "home area, block, generation, chunk",
    "state of the fold",
    _compact(max_message_bytes=LARGE),
)
REFERENCE = Topic("reference.v1", "hash", "bodies of reference data and settings", _compact(max_message_bytes=LARGE), 1)
QUARANTINE = Topic("quarantine.v1", "partition, offset", "records the fold must step over", _compact(), 1)

TOPICS = (CALLS, REJECTED, COUNTS, SERIES, ALERTS, CALLERS, STATUS, ACTIONS, SNAPSHOTS, REFERENCE, QUARANTINE)

LIVE_TIMESTAMPS = MappingProxyType({"message.timestamp.type": "LogAppendTime"})
"""Extra setting of the call topic in the live space: a stamp counts at most as the record's own time + 2 s."""


def topic_config(topic: Topic, space: str) -> dict[str, str]:
    """The settings a topic is created with in a space."""
    extra = LIVE_TIMESTAMPS if topic is CALLS and space == "live" else {}
    return {**topic.config, **extra}
