"""Clocks that are wrong, in the live space of the same broker, where log time is bounded by Kafka's own stamps."""

import random

from schemas.log_record import VERSION, Calls, LogCall, LogRecord, Tick
from schemas.topics import CALLS
from tests.chaos.pipeline import PARTITIONS, Pipeline
from tests.chaos.processes import CLOCK
from tests.integration.detector_world import MINUTE, Space, space_settings, worker
from tests.ports import free_port

AHEAD_MS = 2_000


def host_is_ten_minutes_off(line: Pipeline, rng: random.Random) -> float:
    """One ingest host is ten minutes ahead or behind, another steps back; the worker is killed in between."""
    folder = line.folder / "live"
    folder.mkdir(exist_ok=True)
    settings = space_settings(
        folder, line.broker.bootstrap, space="live", partitions=PARTITIONS, detector_port=free_port()
    )
    space = Space(settings).create()
    space.write(_records(rng))
    with worker(settings, folder) as one:
        space.folded_to_its_end(one)
        one.kill()
    space.write(_records(rng))
    with worker(settings, folder) as two:
        space.folded_to_its_end(two)
        assert two.terminate() == 0
    said, quiet = space.said(), space.quiet()
    assert (said.alerts, said.counts, said.points) == (quiet.alerts, quiet.counts, quiet.points), "live differs"
    stamps = [record.timestamp_ms for part in range(PARTITIONS) for record in space.stored(CALLS, part)]
    assert space.log_time() <= max(stamps) + AHEAD_MS, "a wrong clock has pushed log time"
    return CLOCK.monotonic()


def _records(rng: random.Random) -> list[tuple[str | None, LogRecord]]:
    found: list[tuple[str | None, LogRecord]] = []
    for _ in range(60):
        now = CLOCK.now_ms()
        at = now + rng.choice((0, 0, 10 * MINUTE, -10 * MINUTE, -1_000))
        call = LogCall(f"{rng.getrandbits(64):016x}", "crm", now, "211", ("BD-1",), "tx-1")
        found.append(("tx", Calls(VERSION, (at,), (call,))))
        found.append((None, Tick(VERSION, at)))
    return found
