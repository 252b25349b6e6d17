"""Kafka deletes records that a worker has not read: it is said, rebuilt from what is known, and nothing stays open."""

import random
import signal

from services.runtime.embedded import free_port
from tests.chaos.faults_detector import SESSION_SECONDS, pause
from tests.chaos.pipeline import PARTITIONS, Pipeline
from tests.chaos.processes import CLOCK, Service, wait_for
from tests.integration.detector_world import START, Space, day, history, space_settings

DELETED = 40
"""Records that nobody has read when they go."""


def deleted_under_a_paused_worker(line: Pipeline, rng: random.Random) -> float:
    """Within its session or beyond it; whether it ends or goes on, it says from when it rebuilds."""
    folder = line.folder / f"retention-{rng.getrandbits(32):08x}"
    folder.mkdir()
    settings = space_settings(folder, line.broker.bootstrap, partitions=PARTITIONS, detector_port=free_port())
    space, records = Space(settings).create(), day()
    half = len(records) // 2
    space.write([("tx", history()), *records[:half]])
    service = Service("detector", settings, folder)
    service.start()
    try:
        wait_for(lambda: _is_folded(space), "the first half is folded")
        wait_for(lambda: all(space.manifests(part) for part in range(PARTITIONS)), "snapshots are written")
        service.send(signal.SIGSTOP)
        space.write(records[half : half + DELETED])
        begin = space.ends()
        space.write(records[half + DELETED :])
        space.begin_log_at(begin)
        pause(rng.choice((0.5, SESSION_SECONDS + 3)))
        service.send(signal.SIGCONT)
        since = CLOCK.monotonic()
        ended = _goes_on(service, space)
    finally:
        service.kill()
    text = service.output.read_text(errors="replace")
    assert text.count('"event": "rebuilding"') >= PARTITIONS, f"it must say that it rebuilds: {text[-3000:]}"
    assert '"since": "2025-10-0' in text, text[-3000:]
    told = {one.state for one in space.partition_status()}
    assert "rebuilding" in told, told
    said = space.said()
    hours = {start for home, start in said.counts if home == "tx"}
    missing = [start for start in range(min(hours), max(hours), 3_600_000) if start not in hours and start >= START]
    assert not missing, f"hours of which nothing is said: {missing}"
    line.notes.append(
        f"{DELETED} unread records deleted: the worker {'ended and the next' if ended else 'itself'} rebuilt in "
        f"{CLOCK.monotonic() - since:.1f} s and said so; {len(hours)} hours sealed, none without a word"
    )
    return CLOCK.monotonic()


def _is_folded(space: Space) -> bool:
    positions = space.positions()
    return all(positions.get(part, 0) >= end for part, end in space.ends().items())


def _goes_on(service: Service, space: Space) -> bool:
    """Wait until all is folded; a supervisor starts what ended by itself. Whether it had ended."""
    ended = False

    def folded() -> bool:
        nonlocal ended
        if not service.is_alive:
            ended = True
            assert service.wait(1) == 1, f"it ended with another status: {service.tail()}"
            service.start()
        return _is_folded(space)

    wait_for(folded, "what is left of the log is folded")
    return ended
