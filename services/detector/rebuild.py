"""Learn again: new snapshots at the beginning of the log that is still held, from sealed counts and loaded history.

The new state holds no counts of its own, only what came before the log: its hours, as history. The next start replays
the log over it, so that counts, scores and alerts follow from the log and the past is known all the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
import structlog
from kafka.errors import KafkaError

from schemas.log_record import BadRecord, Calls, History, Tick, decode_record
from schemas.output import SealedHour
from schemas.space_config import SpaceConfig
from schemas.topics import CALLS, COUNTS, SNAPSHOTS
from services.detector.closing import Rebuild, blocks_of
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.fold import State
from services.detector.domain.history import Cell, Past, Period
from services.detector.domain.rules import Rules
from services.detector.domain.snapshot import budgets_of, to_blocks
from services.detector.snapshots import SnapshotLog, standing
from services.detector.space import References, group_of, wait_for_space
from services.runtime.clock import Clock
from services.runtime.kafka import (
    KafkaAway,
    Record,
    ReliableProducer,
    StoredRecord,
    admin_client,
    beginning_of,
    read_all,
    read_each,
    wait_for_kafka,
)
from services.runtime.settings import Settings

log = structlog.get_logger("detector")

PATIENCE_SECONDS = 5.0
WRITE_SECONDS = 60.0
AT_ONCE = 100
LARGEST_RECORD = 15 * 1024 * 1024
REMEMBERED_MS = 400 * 24 * HOUR_MS
"""Hours further back than this before the newest one say nothing to a model whose memory is some months."""


class WorkersRunning(RuntimeError):
    """A detector works in this space; it would write its own snapshots over the new ones."""


@dataclass(frozen=True)
class HomeRebuilt:
    """What the model of one home area will be learned from before the log is replayed."""

    home_area: str
    sealed_hours: int
    """Hours of `counts.v1` from before its first call on the log."""
    history_records: int
    known_until: int = 0
    """End of the last of those hours, ms; what came after it and is not on the log is lost. 0 when there is none."""


@dataclass(frozen=True)
class Rebuilt:
    """What was done for one partition."""

    partition: int
    next_offset: int
    """Where the next start begins to replay."""
    end_offset: int
    removed: int
    """Records of older snapshots that were taken away."""
    homes: tuple[HomeRebuilt, ...]


@dataclass(frozen=True)
class Remembered:
    """What is known of a partition without any snapshot."""

    state: State
    begin: int
    """First offset that the log still holds: here the replay begins."""
    end: int
    since_ms: int
    """What the first record there that says so was stamped with; 0 when none does."""
    homes: tuple[HomeRebuilt, ...]

    @property
    def known_until_ms(self) -> int:
        """Log time up to which the past of every home area is known without the log; 0 when that of none is."""
        return min((home.known_until for home in self.homes if home.known_until), default=0)


@dataclass
class Held:
    """What one partition's topics still hold of each home area."""

    first_call: dict[str, int] = field(default_factory=dict)
    """When the first call that the log still holds was logged, ms."""
    histories: dict[str, list[History]] = field(default_factory=dict)
    """In the order of the log, those that came after a seal too."""
    sealed: dict[str, dict[int, SealedHour]] = field(default_factory=dict)
    """By start; the first word counts, because an hour that is replayed in part is sealed again with less in it, unless
    a later one says that it is a correction."""
    begin: int = 0
    end: int = 0
    since_ms: int = 0


def rebuild(settings: Settings, clock: Clock) -> Iterator[Rebuilt]:
    """Write new snapshots, one partition at a time.

    Raises:
        WorkersRunning: a detector of this space runs.
        SpaceProblem: the space has no configuration, or the settings differ from it.
        KafkaAway: Kafka is not reachable, or did not acknowledge.
    """
    wait_for_kafka(settings, clock, PATIENCE_SECONDS)
    config = wait_for_space(settings, clock, 0.0)
    require_nobody(settings)
    references = References(settings)
    rules = Rules(config, references(config.reference))
    topic = SNAPSHOTS.in_space(settings.space)
    with ReliableProducer(settings, clock, limits={topic: LARGEST_RECORD}) as producer:
        for partition in range(config.partitions):
            stored = read_all(settings, topic, partition)
            found = remember(settings, partition, rules, stored)
            removed = _replace(producer, SnapshotLog(topic, partition), stored, found, clock.now_ms())
            yield Rebuilt(partition, found.begin, found.end, removed, found.homes)
    require_nobody(settings)


def remember(settings: Settings, partition: int, rules: Rules, stored: list[StoredRecord]) -> Remembered:
    """The state of one partition before what the log still holds; raises KafkaAway.

    Args:
        stored: records of its snapshots: budgets are taken from the newest that is whole.
    """
    held = read_held(settings, partition)
    state = State(rules=rules, budgets=_budgets(stored))
    homes = tuple(_remember(state, code, held) for code in _home_areas(rules, held))
    return Remembered(state, held.begin, held.end, held.since_ms, homes)


def rebuild_from(remembered: Remembered) -> Rebuild:
    """What there is to do after the state was remembered, and what is lost."""
    known, since = remembered.known_until_ms, remembered.since_ms
    return Rebuild(remembered.end, since, known if 0 < known < since else 0)


def require_nobody(settings: Settings) -> None:
    """Raises WorkersRunning when the space's consumer group has members, KafkaAway."""
    group = group_of(settings.space)
    try:
        with admin_client(settings) as admin:
            known = {found["group_id"] for found in admin.list_groups()}
            members = admin.describe_groups([group])[group]["members"] if group in known else ()
    except KafkaError as error:
        raise KafkaAway(f"Kafka does not say who is in the group {group} ({type(error).__name__})") from None
    if members:
        raise WorkersRunning(
            f"{len(members)} detector workers run in space {settings.space}; stop them first, then rebuild. "
            "One that was killed is forgotten after some seconds"
        )


def read_held(settings: Settings, partition: int) -> Held:
    """Everything that the topics hold of a partition; raises KafkaAway."""
    calls, counts = CALLS.in_space(settings.space), COUNTS.in_space(settings.space)
    held = Held()
    held.begin = held.end = beginning_of(settings, calls, partition)
    for record in read_each(settings, calls, partition):
        held.end = record.offset + 1
        _note(held, record)
    for record in read_each(settings, counts, partition):
        if record.value is not None:
            hour = msgspec.json.decode(record.value, type=SealedHour)
            hours = held.sealed.setdefault(hour.home_area, {})
            if hour.corrected or hour.start not in hours:
                hours[hour.start] = hour
    return held


def _note(held: Held, record: StoredRecord) -> None:
    try:
        home_area = (record.key or b"").decode()
        decoded = decode_record(record.value or b"")
    except (BadRecord, UnicodeDecodeError):
        return
    if not held.since_ms and isinstance(decoded, Calls | Tick):
        held.since_ms = decoded.at if isinstance(decoded, Tick) else next(iter(decoded.at), 0)
    if isinstance(decoded, Calls) and decoded.at:
        held.first_call.setdefault(home_area, decoded.at[0])
    elif isinstance(decoded, History):
        held.histories.setdefault(home_area, []).append(decoded)


def _home_areas(rules: Rules, held: Held) -> list[str]:
    return sorted({*held.sealed, *held.histories} & set(rules.reference.home_areas))


def _remember(state: State, home_area: str, held: Held) -> HomeRebuilt:
    """Put the past of one home area into the state."""
    assert state.rules is not None
    before = held.first_call.get(home_area)
    hours = whole_hours(held.sealed.get(home_area, {}), before, state.rules.config)
    past = Past(sealed_periods(hours))
    records = held.histories.get(home_area, [])
    for record in records:
        past.put(record)
    state.histories[home_area] = past
    known_until = _moment(hours[-1]) + HOUR_MS if hours else 0
    return HomeRebuilt(home_area, len(hours), len(records), known_until)


def whole_hours(sealed: dict[int, SealedHour], before: int | None, config: SpaceConfig) -> list[SealedHour]:
    """Sealed hours to learn from, in order: those before the log's first call, without the first ones ever.

    A home area begins within an hour, and the hours from which only late calls came are sealed after it; none of them
    was learned then, and none is now.
    """
    if not sealed:
        return []
    first = min(sealed) + (config.seal_hours + 1) * HOUR_MS
    newest = max(sealed)
    return [
        sealed[start]
        for start in sorted(sealed)
        if max(first, newest - REMEMBERED_MS) <= start and (before is None or start + HOUR_MS <= before)
    ]


def sealed_periods(hours: Iterable[SealedHour]) -> list[Period]:
    """Sealed hours, in order, as history: for each run without a hole and each source in it one period."""
    periods: list[Period] = []
    for run in _runs(hours):
        start, end = _moment(run[0]), _moment(run[-1]) + HOUR_MS
        sources = sorted({count.source for hour in run for count in hour.counts})
        periods += [Period(source, start, end, _cells(run, source)) for source in sources or [""]]
    return periods


def _runs(hours: Iterable[SealedHour]) -> list[list[SealedHour]]:
    runs: list[list[SealedHour]] = []
    for hour in hours:
        if runs and hour.start == runs[-1][-1].start + HOUR_MS:
            runs[-1].append(hour)
        else:
            runs.append([hour])
    return runs


def _cells(run: list[SealedHour], source: str) -> dict[int, list[Cell]]:
    found: dict[int, list[Cell]] = {}
    for hour in run:
        cells: list[Cell] = [(one.need, one.area, one.line, one.count) for one in hour.counts if one.source == source]
        if cells:
            found[_moment(hour)] = cells
    return found


def _moment(hour: SealedHour) -> int:
    """The full hour of UTC that lies in a bucket: history speaks in those, zones with half hours begin between them."""
    return hour.start + -hour.start % HOUR_MS


def _budgets(stored: list[StoredRecord]) -> dict[str, float]:
    """Budgets in force: a person's decisions, which the log may no longer hold; none when no snapshot is whole."""
    snapshot = SnapshotLog("", 0).read(stored)
    return {} if snapshot is None else budgets_of(snapshot.blocks)


def _replace(
    producer: ReliableProducer,
    snapshots: SnapshotLog,
    stored: list[StoredRecord],
    found: Remembered,
    now_ms: int,
) -> int:
    """Write the new snapshot, then take the old ones away, manifests first; what is cut short can be run again."""
    blocks = to_blocks(found.state) | blocks_of(rebuild_from(found))
    snapshots.begin_anew(blocks)
    chunks, manifest = snapshots.write(blocks, found.begin, now_ms)
    written = [*chunks, *snapshots.commit(manifest)]
    _write(producer, chunks)
    _write(producer, written[len(chunks) :])
    old = {key.encode() for key in standing(stored)} - {record.key for record in written}
    dead = sorted(old, key=lambda key: (not key.startswith(b"manifest|"), key))
    _write(producer, [Record(snapshots.topic, None, key, snapshots.partition) for key in dead])
    return len(dead)


def _write(producer: ReliableProducer, records: list[Record]) -> None:
    for begin in range(0, len(records), AT_ONCE):
        producer.write(records[begin : begin + AT_ONCE], WRITE_SECONDS)
