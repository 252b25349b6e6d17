"""The faults, how often each is tried, and the table of what they did."""

import random
import statistics
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import (
    faults_api,
    faults_clock,
    faults_detector,
    faults_ingest,
    faults_kafka,
    faults_leader,
    faults_retention,
)
from tests.chaos.pipeline import Pipeline
from tests.chaos.processes import CLOCK
from tests.chaos.reference import Difference

LONG = 20.0
"""Minutes from which on a run goes on until it has tried every fault once."""

Fault = Callable[[Pipeline, random.Random], float]
Tell = Callable[[str], None]


def _summer_time(line: Pipeline, rng: random.Random) -> float:
    """The hour in which summer time ends comes twice, in a surge, and the detector is killed in it."""
    line.traffic.surge(10)
    return faults_detector.kill_9(line, rng)


FAULTS: dict[str, tuple[Fault, int]] = {
    "summer time ends in a surge, detector kill -9": (_summer_time, 0),
    "detector kill -9": (faults_detector.kill_9, 4),
    "detector kill -9 inside a snapshot": (faults_detector.kill_9_in_a_snapshot, 3),
    "detector SIGTERM": (faults_detector.sigterm, 1),
    "detector exception in the fold": (faults_detector.exception_in_the_fold, 2),
    "detector wedged in the fold, ended by its watchdog": (faults_detector.wedged, 1),
    "two workers, one leaves": (faults_detector.two_workers, 3),
    "zombie worker": (faults_detector.zombie, 3),
    "snapshot corrupt, cut or missing a chunk": (faults_detector.damaged_snapshot, 2),
    "snapshot of another format": (faults_detector.older_format, 1),
    "broker kill -9": (faults_kafka.kill_9, 3),
    "broker stopped and started": (faults_kafka.stop, 1),
    "broker paused": (faults_kafka.paused, 2),
    "records deleted under a paused worker (own space)": (faults_retention.deleted_under_a_paused_worker, 1),
    "leader lost on three nodes (own cluster)": (faults_leader.leader_changes, 1),
    "ingest kill -9": (faults_ingest.kill_9, 2),
    "ingest kill -9 before the acknowledgement": (faults_ingest.kill_9_before_the_acknowledgement, 3),
    "ingest SIGTERM": (faults_ingest.sigterm, 1),
    "ingest paused": (faults_ingest.paused, 1),
    "too many in flight": (faults_ingest.too_many_in_flight, 1),
    "slow, half-sent and gone clients": (faults_ingest.bad_clients, 1),
    "API kill -9": (faults_api.kill_9, 2),
    "API kill -9 inside a transaction": (faults_api.kill_9_in_a_transaction, 2),
    "database locked": (faults_api.database_locked, 1),
    "database disk full": (faults_api.disk_full, 1),
    "poison on the log and among snapshots, kill -9": (faults_detector.poison, 2),
    "poison on the topics that the API reads": (faults_api.poison, 1),
    "clock of an ingest host 10 minutes off (live)": (faults_clock.host_is_ten_minutes_off, 1),
    "wrong number of partitions at start": (faults_ingest.wrong_partitions, 1),
}
"""Name -> (what it does, its weight once each was tried)."""


@dataclass
class Row:
    """What became of one fault."""

    times: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    alerts: int = 0
    counts: int = 0
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, events: int, found: Difference, seconds: float) -> None:
        """One more try."""
        self.times += 1
        self.events += events
        self.lost += found.lost
        self.doubled += found.doubled
        self.alerts += found.alerts
        self.counts += found.counts
        self.seconds.append(seconds)


def run_battery(folder: Path, names: Iterable[str], *, seed: int, minutes: float, tell: Tell) -> int:
    """Faults of these names until the time is over; prints the table. Returns the exit status.

    What cannot go on after a fault is thrown away, and the rest is tried on a new pipeline. A run of LONG minutes or
    more takes the time that it needs to try every one of them.
    """
    rng = random.Random(f"{seed} in the battery")
    tell(f"chaos: SEED={seed} MINUTES={minutes:g}")
    rows: dict[str, Row] = {}
    notes: list[str] = []
    deadline = CLOCK.monotonic() + minutes * 60
    left, versions, round_ = deque(names), 0, 0
    every = set(left) if minutes >= LONG else {left[0]}

    def goes_on() -> bool:
        return bool(left) and (CLOCK.monotonic() < deadline or not every <= rows.keys())

    while goes_on():
        round_ += 1
        line = Pipeline(folder / f"{round_}", rng)
        try:
            line.start()
            while goes_on():
                if not _try(line, left.popleft(), rng, rows, tell):
                    break
        finally:
            line.close()
        notes += line.notes
        versions += len(line.reference.quiet.alerts)
    for text in [*table(rows), *notes]:
        tell(text)
    tell(f"alert versions in the quiet run: {versions}; pipelines started: {round_}; SEED={seed}")
    return 0 if rows and all(_is_clean(row) for row in rows.values()) else 1


def run_together(line: Pipeline, names: Iterable[str], rng: random.Random) -> Difference:
    """Faults one after the other on a started pipeline, without a pause to recover in; then one comparison."""
    line.resume()
    since = CLOCK.monotonic()
    for name in names:
        since = FAULTS[name][0](line, rng)
        line.supervise()
    line.recovered(since)
    line.settle()
    return line.compare()


def schedule(seed: int, only: str = "") -> list[str]:
    """All faults whose names contain `only`: each once, then at random by weight."""
    rng = random.Random(seed)
    names = [name for name in FAULTS if only in name]
    first, rest = names[:1], names[1:]
    rng.shuffle(rest)
    weights = [FAULTS[name][1] for name in names]
    return [*first, *rest, *rng.choices(names, weights if any(weights) else None, k=500)]


def _try(line: Pipeline, name: str, rng: random.Random, rows: dict[str, Row], tell: Tell) -> bool:
    """One fault, recovery, comparison; False when the battery cannot go on."""
    row, before, begin = rows.setdefault(name, Row()), line.events, CLOCK.monotonic()
    line.resume()
    try:
        since = FAULTS[name][0](line, rng)
        line.supervise()
        seconds = line.recovered(since)
        line.settle()
        found = line.compare()
    except Exception as error:  # noqa: BLE001 - outermost loop: one that breaks is a row of the table, others follow
        row.failures.append(f"{type(error).__name__}: {error}")
        tell(f"{name}: FAILED {error}")
        for service in line.services:
            tell(f"--- {service.name} (alive: {service.is_alive})\n{service.tail() if service.starts else ''}")
        return False
    refused = [text for client in line.clients for text in client.refused]
    row.failures += refused
    row.add(line.events - before, found, seconds)
    verdict = "exact" if found.is_exact and not refused else f"DIFFERS {found} {refused[:2]}"
    whole = CLOCK.monotonic() - begin
    tell(f"{name}: {line.events - before} events, {seconds:.1f} s to recover, {verdict} ({whole:.0f} s in all)")
    return found.is_exact and not refused


def _is_clean(row: Row) -> bool:
    return not (row.lost or row.doubled or row.alerts or row.counts or row.failures)


def table(rows: dict[str, Row]) -> list[str]:
    """Markdown, one line for each fault."""
    lines = [
        "| fault | times | events through | lost | doubled | alert versions that differ | counts that differ "
        "| seconds to recover, median / max |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in FAULTS:
        row = rows.get(name)
        if row is None:
            continue
        speed = f"{statistics.median(row.seconds):.1f} / {max(row.seconds):.1f}" if row.seconds else "not recovered"
        failed = "" if not row.failures else f" **{row.failures[0][:80]}**"
        lines.append(
            f"| {name}{failed} | {row.times} | {row.events} | {row.lost} | {row.doubled} | {row.alerts} "
            f"| {row.counts} | {speed} |"
        )
    whole = [sum(getattr(row, part) for row in rows.values()) for part in ("times", "events", "lost", "doubled")]
    different = [sum(getattr(row, part) for row in rows.values()) for part in ("alerts", "counts")]
    seconds = [one for row in rows.values() for one in row.seconds]
    speed = f"{statistics.median(seconds):.1f} / {max(seconds):.1f}" if seconds else "-"
    lines.append(f"| **all** | {' | '.join(map(str, [*whole, *different]))} | {speed} |")
    return lines
