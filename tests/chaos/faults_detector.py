"""Faults of detector workers and of their snapshots. Each returns the moment from which recovery is counted."""

import random
import signal
import threading

import msgspec

from schemas.topics import CALLS, SNAPSHOTS
from services.detector.domain.snapshot import PARTITION
from services.detector.snapshots import SnapshotLog
from services.runtime.kafka import Record, ReliableProducer
from tests.chaos.pipeline import PARTITIONS, Pipeline
from tests.chaos.processes import CLOCK, PATIENCE, Service, wait_for

SESSION_SECONDS = 6.0
DIES_IN_SNAPSHOT = """
import os, sys
from services.detector.__main__ import main
from services.detector.outbox import Outbox
from services.runtime.settings import environment_settings

left, place = int(sys.argv[1]), sys.argv[2]
post = Outbox.post

def is_chunks(records):
    return bool(records) and records[0].topic.endswith("snapshots.v1") and records[0].key.startswith(b"block|")

async def dying(self, records):
    global left
    manifest = bool(records) and records[0].key is not None and records[0].key.startswith(b"manifest|")
    written = is_chunks(records) and records[0].value is not None
    hit = {"chunks": written, "manifest": manifest and records[0].value is not None,
           "tombstones": bool(records) and records[0].value is None}[place]
    left -= hit
    if hit and left <= 0:
        if place != "manifest":
            await self.settled(await post(self, records[: len(records) // 2]))
        os._exit(137)
    return await post(self, records)

Outbox.post = dying
sys.exit(main(environment_settings()))
"""
"""A worker that is gone after half of the chunks, before the manifest, or within the tombstones of a snapshot."""
RAISES = """
import sys
from services.detector.__main__ import main
from services.detector.worker import PartitionWorker
from services.runtime.settings import environment_settings

fold, left = PartitionWorker.fold, int(sys.argv[1])

def raising(self, offset, key, value, at_ms):
    global left
    left -= 1
    if left == 0:
        raise ZeroDivisionError("a bug in the fold")
    return fold(self, offset, key, value, at_ms)

PartitionWorker.fold = raising
sys.exit(main(environment_settings()))
"""
"""A worker with an exception after so many records."""
WEDGED = """
import functools, sys, threading
from services.detector import __main__ as detector
from services.detector.watchdog import Watchdog
from services.detector.worker import PartitionWorker
from services.runtime.settings import environment_settings

fold, left = PartitionWorker.fold, int(sys.argv[1])

def stuck(self, offset, key, value, at_ms):
    global left
    left -= 1
    if left == 0:
        threading.Event().wait()
    return fold(self, offset, key, value, at_ms)

PartitionWorker.fold = stuck
detector.Watchdog = functools.partial(Watchdog, look_seconds=0.5, looks=6)
sys.exit(detector.main(environment_settings()))
"""
"""A worker that stands still for ever after so many records, with a watchdog that waits 3 s instead of five minutes."""


def pause(seconds: float) -> None:
    """Let calls flow."""
    threading.Event().wait(seconds)


def kill_9(line: Pipeline, rng: random.Random) -> float:
    """At a random moment, started again at once."""
    pause(rng.uniform(0.5, 4))
    line.detector.kill()
    since = CLOCK.monotonic()
    line.detector.start()
    return since


def kill_9_in_a_snapshot(line: Pipeline, rng: random.Random) -> float:
    """In the middle of its chunks, before its manifest, or within its tombstones."""
    pause(rng.uniform(0.5, 2))
    line.detector.stop()
    place = rng.choice(("chunks", "manifest", "tombstones"))
    line.detector.start(["-c", DIES_IN_SNAPSHOT, str(rng.randint(1, 4)), place])
    status = line.detector.wait(PATIENCE)
    assert status == 137, f"the worker ended with {status}: {line.detector.tail()}"
    since = CLOCK.monotonic()
    line.detector.start()
    return since


def exception_in_the_fold(line: Pipeline, rng: random.Random) -> float:
    """Faust alone would acknowledge the record and go on without it."""
    line.detector.stop()
    line.detector.start(["-c", RAISES, str(rng.randint(5, 60))])
    status = line.detector.wait(PATIENCE)
    assert status == 1, f"the worker ended with {status}: {line.detector.tail()}"
    since = CLOCK.monotonic()
    line.detector.start()
    return since


def wedged(line: Pipeline, rng: random.Random) -> float:
    """The fold never comes back: nothing fails, nothing moves. The watchdog must end the process."""
    line.detector.stop()
    line.detector.start(["-c", WEDGED, str(rng.randint(5, 60))])
    status = line.detector.wait(PATIENCE)
    assert status == 1, f"the worker ended with {status}: {line.detector.tail()}"
    assert "partitions_stand_still" in line.detector.tail(), line.detector.tail()
    since = CLOCK.monotonic()
    line.detector.start()
    return since


def sigterm(line: Pipeline, rng: random.Random) -> float:
    """A clean stop under load, and a start."""
    pause(rng.uniform(0.5, 3))
    since = CLOCK.monotonic()
    status = line.detector.stop()
    line.notes.append(f"the detector stopped in {CLOCK.monotonic() - since:.1f} s")
    assert status == 0, f"SIGTERM ended with {status}: {line.detector.tail()}"
    line.detector.start()
    return since


def two_workers(line: Pipeline, rng: random.Random) -> float:
    """A second one joins; then one of both leaves, by SIGTERM or kill -9."""
    line.second.start()
    wait_for(line.second.is_ready, "the second worker has a partition")
    pause(rng.uniform(0.5, 2))
    first_leaves, clean = rng.random() < 0.5, rng.random() < 0.5
    leaving = line.detector if first_leaves else line.second
    since = CLOCK.monotonic()
    if clean:
        leaving.stop()
    else:
        leaving.kill()
    if first_leaves:
        line.detector, line.second = line.second, line.detector
    return since


def zombie(line: Pipeline, rng: random.Random) -> float:
    """Paused beyond its session, woken after the other has taken over and written newer snapshots."""
    line.second.start()
    wait_for(line.second.is_ready, "the second worker has a partition")
    line.detector.send(signal.SIGSTOP)
    paused = CLOCK.monotonic()
    newest = _manifests(line)
    wait_for(lambda: all(new > old for new, old in zip(_manifests(line), newest, strict=True)), "newer snapshots")
    pause(max(0.0, SESSION_SECONDS + rng.uniform(1, 3) - (CLOCK.monotonic() - paused)))
    line.detector.send(signal.SIGCONT)
    since = CLOCK.monotonic()
    pause(2)
    wait_for(lambda: line.detector.is_ready() or not line.detector.is_alive, "the zombie is back or gone")
    if not line.detector.is_alive:
        line.notes.append("a zombie ended by itself")
        line.detector.start()
    line.second.stop()
    return since


def damaged_snapshot(line: Pipeline, rng: random.Random) -> float:
    """A chunk of the newest snapshot is overwritten, cut, or gone; the one before must serve."""
    pause(rng.uniform(2, 4))
    _stop(line.detector)
    how = rng.choice((b"rubbish", b"", None))
    keys = []
    for part in range(PARTITIONS):
        newest = line.space.manifests(part)[-1]
        standing = {one.key: one.value for one in line.space.stored(SNAPSHOTS, part)}
        own = sorted(key for key, value in standing.items() if value and b"|%d|" % newest in key)
        keys.append((part, rng.choice(own)))
    _overwrite(line, keys, how)
    since = CLOCK.monotonic()
    line.detector.start()
    return since


def older_format(line: Pipeline, rng: random.Random) -> float:
    """A whole snapshot of another format: the partition is folded again from the log, and says so."""
    pause(rng.uniform(1, 3))
    _stop(line.detector)
    part = rng.randrange(PARTITIONS)
    log = SnapshotLog(SNAPSHOTS.in_space(line.settings.space), part)
    found = log.read(line.space.stored(SNAPSHOTS, part))
    assert found is not None
    old = msgspec.msgpack.encode({**msgspec.msgpack.decode(found.blocks[PARTITION]), "format": 0})
    chunks, manifest = log.write({**found.blocks, PARTITION: old}, found.manifest.next_offset + 1, CLOCK.now_ms())
    _write(line, [*chunks, *log.commit(manifest)])
    since = CLOCK.monotonic()
    line.detector.start()
    return since


def poison(line: Pipeline, rng: random.Random) -> float:
    """Undecodable, oversized and wrong-version records on the log and among the snapshots; then kill -9."""
    bad = [
        b"\xff\xfe",
        b'{"v":9,"kind":"tick","at":1}',
        b'{"v":1,"kind":"song"}',
        b'["' + b"x" * 2_000_000 + b'"]',
        None,
    ]
    calls = CALLS.in_space(line.settings.space)
    rng.shuffle(bad)
    _write(line, [Record(calls, value, b"tx", rng.randrange(PARTITIONS)) for value in bad], calls)
    rubbish = [(part, key) for part in range(PARTITIONS) for key in (b"manifest|x", b"\xff\xff", b"block|a|1|0")]
    _overwrite(line, rubbish, b"rubbish")
    pause(0.5)
    return kill_9(line, rng)


def _stop(service: Service) -> None:
    status = service.stop()
    assert status == 0, f"{service.name} ended with {status}: {service.tail()}"


def _manifests(line: Pipeline) -> list[int]:
    return [max(line.space.manifests(part), default=0) for part in range(PARTITIONS)]


def _overwrite(line: Pipeline, keys: list[tuple[int, bytes]], value: bytes | None) -> None:
    topic = SNAPSHOTS.in_space(line.settings.space)
    _write(line, [Record(topic, value, key, part) for part, key in keys])


def _write(line: Pipeline, records: list[Record], topic: str | None = None) -> None:
    limits = {topic or SNAPSHOTS.in_space(line.settings.space): 15_000_000}
    with ReliableProducer(line.settings, CLOCK, limits=limits) as producer:
        producer.write(records, 30)
