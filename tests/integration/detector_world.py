"""A detector of a space of its own, as a process, and what a quiet run of the same log says."""

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition

from schemas.log_record import (
    VERSION,
    BadRecord,
    Calls,
    History,
    HistoryCell,
    LogCall,
    LogRecord,
    Tick,
    decode_record,
    encode_record,
)
from schemas.output import HomeStatus, PartitionStatus, Rejected, SealedHour, SeriesPoint, SeriesRecord, StatusRecord
from schemas.topics import ALERTS, CALLS, COUNTS, REJECTED, SERIES, SNAPSHOTS, STATUS, Topic
from services.cli.environment import environment_of
from services.detector.domain.fold import State, step
from services.detector.domain.outputs import Output
from services.detector.space import References
from services.ingest.bootstrap import RECORD_BYTES, ensure_space
from services.runtime.clock import SystemClock
from services.runtime.kafka import KafkaAway, Record, ReliableProducer, admin_client, read_all
from services.runtime.settings import Settings
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3_600_000
MINUTE = 60_000
START = 1_760_000_400_000 - 1_760_000_400_000 % HOUR
"""A Thursday morning in October 2025; the calls begin here, the history ends."""
CLOCK = SystemClock()
AREAS = """code,parent,name,timezone
tx,,Texas,America/Chicago
tx-1,tx,North,
tx-2,tx,South,
ny,,New York,America/New_York
ny-1,ny,Albany,
"""
NEEDS = """code,parent,name_en,name_fr,name_es,line
BD,,Food,Nourriture,Comida,211
BD-1,BD,Meals,Repas,Comidas,211
BD-2,BD,Pantry,Panier,Despensa,211
BH,,Housing,Logement,Vivienda,211
"""
RATES = (("BD-1", "tx-1", 4.0), ("BD-2", "tx-2", 2.0), ("BH", "tx-1", 1.0))
"""Calls an hour of each need and area of `tx`."""
SURGE = range(8, 12)
"""Hours after the start in which the first of them is eight times as wanted."""


def space_settings(folder: Path, bootstrap: str, **more: Any) -> Settings:
    """Settings of a space that no other test uses; two partitions, a snapshot every second."""
    reference = folder / "reference"
    reference.mkdir(exist_ok=True)
    (reference / "areas.csv").write_text(AREAS)
    (reference / "needs.csv").write_text(NEEDS)
    values: dict[str, Any] = {
        "kafka_bootstrap": bootstrap,
        "space": f"d{uuid.uuid4().hex[:12]}",
        "partitions": 2,
        "data": folder / "data",
        "reference": reference,
        "seal_hours": 2,
        "snapshot_seconds": 1,
        "detector_port": free_port(),
    }
    return Settings(**(values | more))


# --- the log -----------------------------------------------------------------------------------------------------


def history(home_area: str = "tx", *, source: str = "old", weeks: int = 4, times: float = 1.0) -> History:
    """Quiet weeks before the start, at the rates above."""
    rng = random.Random(f"{home_area}{source}{weeks}")
    hours = range(START // HOUR - weeks * 168, START // HOUR)
    cells = [
        HistoryCell(need, area.replace("tx", home_area), hour, "211", calls)
        for hour in hours
        for need, area, rate in (*RATES, ("contacts", home_area, sum(rate for _, _, rate in RATES)))
        if (calls := _poisson(rng, rate * times))
    ]
    return History(VERSION, source, hours[0] * HOUR, START, tuple(cells))


def day(hours: int = 24, *, seed: int = 7) -> list[tuple[str | None, LogRecord]]:
    """(key, record) of a day with a surge: packed calls of two home areas, repeats, voids, late calls, ticks."""
    rng = random.Random(seed)
    records: list[tuple[str | None, LogRecord]] = []
    ids: list[str] = []
    for minute in range(0, hours * 60, 5):
        at = START + minute * MINUTE + 40_000  # after the fixed half minute in which hours are closed
        for home_area in ("tx", "ny"):
            calls = _five_minutes(rng, home_area, minute // 60, at, ids)
            for begin in range(0, len(calls), 3):
                packed = calls[begin : begin + 3]
                stamps = tuple(at + 400 * begin + 100 * i for i in range(len(packed)))
                records.append((home_area, Calls(VERSION, stamps, tuple(packed))))
        records.append((None, Tick(VERSION, at + 4 * MINUTE)))
    return records


def _five_minutes(rng: random.Random, home_area: str, hour: int, at: int, ids: list[str]) -> list[LogCall]:
    found: list[LogCall] = []
    for index, (need, area, rate) in enumerate(RATES):
        surge = 8 if hour in SURGE and index == 0 and home_area == "tx" else 1
        for _ in range(_poisson(rng, rate * surge / 12)):
            again = bool(ids) and rng.random() < 0.05
            name = rng.choice(ids) if again else f"{rng.getrandbits(64):016x}"
            ids.append(name)
            late = rng.choice((0, 0, 0, 0, 20 * MINUTE, 3 * HOUR))
            needs = (need, "BD-2") if rng.random() < 0.1 else (need,)
            place = rng.choice((area.replace("tx", home_area),) * 19 + (None,))
            void = again and rng.random() < 0.3
            found.append(LogCall(name, "crm", at - late, "211", needs, place, revision=int(again), void=void))
    return found


def _poisson(rng: random.Random, mean: float) -> int:
    steps = 40
    return sum(rng.random() < mean / steps for _ in range(steps))


def weeks(number: int = 3, *, seed: int = 11) -> list[tuple[str | None, LogRecord]]:
    """Quiet weeks of calls of `tx` before the start: a record and a tick an hour."""
    rng = random.Random(seed)
    records: list[tuple[str | None, LogRecord]] = []
    for hour in range(-number * 168, 0):
        begin = START + hour * HOUR
        calls = [
            LogCall(f"{rng.getrandbits(64):016x}", "crm", begin + rng.randrange(50 * MINUTE), "211", (need,), area)
            for need, area, rate in RATES
            for _ in range(_poisson(rng, rate))
        ]
        if calls:
            records.append(("tx", Calls(VERSION, (begin + 50 * MINUTE,) * len(calls), tuple(calls))))
        records.append((None, Tick(VERSION, begin + 55 * MINUTE)))
    return records


NOTHING: Mapping[tuple[str, int], int] = {}


@dataclass(frozen=True)
class Space:
    """One space on Kafka."""

    settings: Settings

    def create(self) -> "Space":
        """Topics, reference and configuration."""
        ensure_space(self.settings, CLOCK)
        return self

    def write(self, records: Sequence[tuple[str | None, LogRecord]]) -> None:
        """Put records on the log: by key, and what has none on every partition."""
        self.write_raw(
            [
                (key.encode() if key else None, encode_record(record), partition)
                for key, record in records
                for partition in ((None,) if key else range(self.settings.partitions))
            ]
        )

    def write_raw(self, rows: Sequence[tuple[bytes | None, bytes | None, int | None]]) -> None:
        """Put (key, value, partition) on the log as they are."""
        topic = self.topic(CALLS)
        with ReliableProducer(self.settings, CLOCK, limits={topic: RECORD_BYTES}) as producer:
            producer.write([Record(topic, value, key, partition) for key, value, partition in rows], 60)

    def topic(self, topic: Topic) -> str:
        """Full name."""
        return topic.in_space(self.settings.space)

    def stored(self, topic: Topic, partition: int) -> list[Any]:
        """All records of a partition; a broker that is too busy to answer now is asked again."""
        for _ in range(5):
            with contextlib.suppress(KafkaAway):
                return read_all(self.settings, self.topic(topic), partition)
        return read_all(self.settings, self.topic(topic), partition)

    def values(self, topic: Topic, since: Mapping[tuple[str, int], int] = NOTHING) -> list[bytes]:
        """All values of a topic, partition by partition, from some offsets on."""
        parts = range(topic.partitions or self.settings.partitions)
        return [
            record.value
            for part in parts
            for record in self.stored(topic, part)
            if record.value is not None and record.offset >= since.get((topic.name, part), 0)
        ]

    def marks(self) -> dict[tuple[str, int], int]:
        """Where the output topics end now."""
        parts = range(self.settings.partitions)
        return {
            (topic.name, part): max((one.offset + 1 for one in self.stored(topic, part)), default=0)
            for topic in (ALERTS, COUNTS, SERIES, STATUS)
            for part in parts
        }

    def ends(self) -> dict[int, int]:
        """Offset after the last record of each partition of the log."""
        places = [TopicPartition(self.topic(CALLS), part) for part in range(self.settings.partitions)]
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, enable_auto_commit=False)
        try:
            return {place.partition: end for place, end in consumer.end_offsets(places).items()}
        finally:
            consumer.close()

    def begin_log_at(self, offsets: dict[int, int]) -> None:
        """Delete what stands before these offsets, as retention does."""
        places = {TopicPartition(self.topic(CALLS), part): offset for part, offset in offsets.items()}
        with admin_client(self.settings) as admin:
            admin.delete_records(places)

    # --- what was said -------------------------------------------------------------------------------------------

    def said(self, since: Mapping[tuple[str, int], int] = NOTHING) -> "Said":
        """What stands on the output topics."""
        said = Said()
        for value in self.values(ALERTS, since):
            said.alert(json.loads(value))
        for value in self.values(COUNTS, since):
            said.sealed(msgspec.json.decode(value, type=SealedHour))
        for value in self.values(SERIES, since):
            said.series(msgspec.json.decode(value, type=SeriesRecord))
        return said

    def quiet(self) -> "Said":
        """What one undisturbed run of the same log says."""
        said, references = Said(), References(self.settings)
        for partition in range(self.settings.partitions):
            state = State()
            for record in self.stored(CALLS, partition):
                for output in self._step(state, record, references):
                    said.output(output)
        return said

    def _step(self, state: State, record: Any, references: References) -> list[Output]:
        limit = record.timestamp_ms + 2_000 if self.settings.space == "live" else None
        try:
            decoded = decode_record(record.value or b"")
            return step(state, record.key and record.key.decode(), decoded, references, no_later_than=limit)
        except (BadRecord, UnicodeDecodeError):
            return []

    def rejected(self) -> list[Rejected]:
        """What was refused."""
        return [msgspec.json.decode(value, type=Rejected) for value in self.values(REJECTED)]

    def partition_status(self, since: Mapping[tuple[str, int], int] = NOTHING) -> list[PartitionStatus]:
        """What the workers told of their partitions."""
        return [one for one in self._status(since) if isinstance(one, PartitionStatus)]

    def home_states(self) -> dict[str, str]:
        """live or warming, by home area, as last told."""
        return {one.home_area: one.state for one in self._status() if isinstance(one, HomeStatus)}

    def _status(self, since: Mapping[tuple[str, int], int] = NOTHING) -> list[HomeStatus | PartitionStatus]:
        return [msgspec.json.decode(value, type=StatusRecord) for value in self.values(STATUS, since)]

    def positions(self, since: Mapping[tuple[str, int], int] = NOTHING) -> dict[int, int]:
        """How far each partition was folded."""
        found: dict[int, int] = {}
        for one in self.partition_status(since):
            found[one.partition] = max(found.get(one.partition, 0), one.next_offset)
        return found

    def log_time(self) -> int:
        """The largest log time of a partition, ms."""
        return max(one.log_time for one in self.partition_status())

    def manifests(self, partition: int) -> list[int]:
        """`next_offset` of the snapshots that stand on a partition, newest last."""
        newest = {record.key: record.value for record in self.stored(SNAPSHOTS, partition)}
        keys = [key for key, value in newest.items() if key and value and key.startswith(b"manifest|")]
        numbers = [key.partition(b"|")[2].partition(b"~")[0] for key in keys]
        return sorted(int(number) for number in numbers if number.isdigit())  # what has none is poison

    def folded_to_its_end(self, one: "Worker", since: Mapping[tuple[str, int], int] = NOTHING) -> None:
        """Wait until every partition is folded to where it ends now."""
        ends = self.ends()

        def caught_up() -> bool:
            positions = self.positions(since)
            return all(positions.get(part, 0) >= end for part, end in ends.items())

        eventually(caught_up, "the log is folded to its end", of=one)


@dataclass
class Said:
    """What a detector said, repeats dropped."""

    alerts: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    counts: dict[tuple[str, int], SealedHour] = field(default_factory=dict)
    points: dict[tuple[str, str, str, int], tuple[int, SeriesPoint]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    """Repeats that say something else."""

    def output(self, output: Output) -> None:
        """One output of the fold."""
        if output.topic is ALERTS:
            self.alert(json.loads(output.value.model_dump_json()))  # type: ignore[union-attr]
        elif isinstance(output.value, SealedHour):
            self.sealed(output.value)
        elif isinstance(output.value, SeriesRecord):
            self.series(output.value)

    def alert(self, alert: dict[str, Any]) -> None:
        """A version of an alert."""
        self._once(self.alerts, (alert["id"], alert["version"]), alert)

    def sealed(self, hour: SealedHour) -> None:
        """A sealed hour."""
        self._once(self.counts, (hour.home_area, hour.start), hour)

    def series(self, record: SeriesRecord) -> None:
        """Points: the latest word counts."""
        for point in record.points:
            place = (record.home_area, point.need, point.area, point.start)
            if record.known_at >= self.points.get(place, (0, point))[0]:
                self.points[place] = (record.known_at, point)

    def _once(self, known: dict[Any, Any], key: Any, value: Any) -> None:
        if known.setdefault(key, value) != value:
            self.contradictions.append(f"{key} is told differently a second time")


# --- the worker --------------------------------------------------------------------------------------------------


@dataclass
class Worker:
    """`python -m services.detector` as a process."""

    settings: Settings
    process: subprocess.Popen[bytes]
    output: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its log lines of one event."""
        return [line for line in self.lines() if line.get("event") == name]

    def lines(self) -> list[dict[str, Any]]:
        """Its log lines that are whole."""
        found = []
        for line in self.output.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
        return [line for line in found if isinstance(line, dict)]

    def started_at(self) -> dict[int, int]:
        """Next offset of each partition when it was taken over, the last time."""
        return {line["partition"]: line["next_offset"] for line in self.events("partition_taken_over")}

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its pages; status 0 when nothing answers."""
        address = f"http://127.0.0.1:{self.settings.detector_port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait(self, seconds: float = 200.0) -> int:
        """Its exit status."""
        return self.process.wait(seconds)

    def terminate(self, seconds: float = 200.0) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(60)


def environment(settings: Settings) -> dict[str, str]:
    """The variables of these settings, but the reference: the log has it."""
    chosen = environment_of(settings)
    chosen.pop("GROUNDSWELL_REFERENCE")
    return chosen


@contextlib.contextmanager
def worker(
    settings: Settings, folder: Path, *, program: Sequence[str] = ("-m", "services.detector")
) -> Iterator[Worker]:
    """A detector while the block lasts; killed at its end if it still runs."""
    output = folder / f"detector-{uuid.uuid4().hex[:8]}.log"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
    environ |= environment(settings)
    environ["PYTHONPATH"] = str(ROOT)
    with output.open("wb") as file:
        process = subprocess.Popen([sys.executable, *program], cwd=folder, env=environ, stdout=file, stderr=file)
        try:
            yield Worker(settings, process, output)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(60)


def eventually(condition: Callable[[], Any], what: str, seconds: float = 200.0, *, of: Worker | None = None) -> None:
    """Wait until a condition holds; fails after the deadline, or as soon as the worker has ended."""
    deadline, pause = CLOCK.monotonic() + seconds, threading.Event()
    while not condition():
        ended = of is not None and of.process.poll() is not None
        if ended or CLOCK.monotonic() > deadline:
            tail = of.output.read_text(errors="replace")[-3000:] if of is not None else ""
            raise AssertionError(f"{what}: {'the worker ended' if ended else f'not within {seconds} s'}\n{tail}")
        pause.wait(0.3)
