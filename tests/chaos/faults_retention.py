"""Kafka deletes records that a worker has not read: it is said, rebuilt from what is known, and nothing stays open."""

import json
import random
import signal
from datetime import datetime

from tests.chaos.faults_detector import SESSION_SECONDS, pause
from tests.chaos.pipeline import PARTITIONS, Pipeline
from tests.chaos.processes import CLOCK, Service, wait_for
from tests.integration.detector_world import HOUR, START, Space, day, history, space_settings
from tests.ports import free_port

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
        space.write(records[half : half + 1])  # answers the fetch that is under way, which would bring what is deleted
        last = half + 1 + DELETED
        space.write(records[half + 1 : last])
        begin = space.ends()
        space.write(records[last:])
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
    missing = [start for start in range(min(hours), max(hours), HOUR) if start not in hours and start >= START]
    lost = _named(text)
    unnamed = [start for start in missing if not any(begin <= start + HOUR and start < end for begin, end in lost)]
    assert not unnamed, f"hours of which nothing is said: {unnamed}; named as lost: {lost}"
    line.notes.append(
        f"{DELETED} unread records deleted: the worker {'ended and the next' if ended else 'itself'} rebuilt in "
        f"{CLOCK.monotonic() - since:.1f} s and said so; {len(hours)} hours sealed, {len(missing)} named as lost"
    )
    return CLOCK.monotonic()


def _named(text: str) -> list[tuple[int, int]]:
    """Spans of log time, ms, of which a worker has said that it does not know them any more."""
    lines = [json.loads(line) for line in text.splitlines() if '"event": "rebuilding"' in line]
    return [(_ms(line["unknown_from"]), _ms(line["since"])) for line in lines if line["unknown_from"]]


def _ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


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
