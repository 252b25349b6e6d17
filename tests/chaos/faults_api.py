"""Faults of the API and of its database."""

import random
import resource
import sqlite3
from pathlib import Path

from schemas.topics import ALERTS, SERIES, STATUS
from services.runtime.kafka import Record, ReliableProducer
from tests.chaos.faults_detector import pause
from tests.chaos.pipeline import PARTITIONS, Pipeline
from tests.chaos.processes import CLOCK, PATIENCE, wait_for

DIES_IN_A_TRANSACTION = """
import os, sys
from services.api.__main__ import main
from services.api.fold import Fold
from services.runtime.settings import environment_settings

write, left = Fold._write, int(sys.argv[1])

def dying(self, connection, place, records, expected):
    global left
    folded = write(self, connection, place, records, expected)
    left -= 1
    if left <= 0:
        os._exit(137)
    return folded

Fold._write = dying
sys.exit(main(environment_settings()))
"""
"""An API that is gone after it has written the rows of a transaction and before it commits."""


def kill_9(line: Pipeline, rng: random.Random) -> float:
    """At a random moment."""
    pause(rng.uniform(0.5, 3))
    line.api.kill()
    since = CLOCK.monotonic()
    line.api.start()
    return since


def kill_9_in_a_transaction(line: Pipeline, rng: random.Random) -> float:
    """Rows are written, the commit is not."""
    line.api.stop()
    line.api.start(["-c", DIES_IN_A_TRANSACTION, str(rng.randint(1, 12))])
    status = line.api.wait(PATIENCE)
    assert status == 137, f"the API ended with {status}: {line.api.tail()}"
    since = CLOCK.monotonic()
    line.api.start()
    return since


def database_locked(line: Pipeline, rng: random.Random) -> float:
    """Another process holds the database for longer than the API waits."""
    pause(rng.uniform(0.2, 1))
    connection = sqlite3.connect(line.database, timeout=10, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        wait_for(lambda: not line.api.is_ready(), "the API says that it is not ready")
        pause(rng.uniform(0, 3))
        connection.execute("ROLLBACK")
    finally:
        connection.close()
    return CLOCK.monotonic()


def disk_full(line: Pipeline, rng: random.Random) -> float:
    """Its files may not grow: nothing can be written; then there is room again."""
    pause(rng.uniform(0.2, 1))
    free = resource.prlimit(line.api.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(line.api.pid, resource.RLIMIT_FSIZE, (4096, free[1]))
    try:
        wait_for(lambda: not line.api.is_ready(), "the API says that it is not ready")
        pause(rng.uniform(0, 3))
    finally:
        resource.prlimit(line.api.pid, resource.RLIMIT_FSIZE, free)
    assert line.api.is_alive
    return CLOCK.monotonic()


def poison(line: Pipeline, rng: random.Random) -> float:
    """Records that are of no contract, or of another version, on the topics that the API folds."""
    bad = [b"\xff\xfe", b"null", b'{"v":9}', b'{"id":"x","version":1e400}', b"[" * 5000, b"x" * 900_000]
    topics = [topic.in_space(line.settings.space) for topic in (ALERTS, SERIES, STATUS)]
    records = [Record(topic, value, b"poison", rng.randrange(PARTITIONS)) for topic in topics for value in bad]
    rng.shuffle(records)
    with ReliableProducer(line.settings, CLOCK, limits=dict.fromkeys(topics, 2_000_000)) as producer:
        producer.write(records, 30)
    since = CLOCK.monotonic()
    assert Path(line.database).exists()
    return since
