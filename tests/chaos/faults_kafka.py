"""Faults of the broker. Recovery is counted from the moment it is there again."""

import os
import random
import signal

from tests.chaos.faults_detector import pause
from tests.chaos.pipeline import Pipeline
from tests.chaos.processes import CLOCK


def kill_9(line: Pipeline, rng: random.Random) -> float:
    """And a restart after some seconds."""
    pause(rng.uniform(0.2, 2))
    line.broker.kill()
    pause(rng.uniform(0.1, 8))
    line.broker.start()
    return CLOCK.monotonic()


def stop(line: Pipeline, rng: random.Random) -> float:
    """A clean stop under load, and a start."""
    pause(rng.uniform(0.2, 2))
    before = CLOCK.monotonic()
    line.broker.stop()
    line.notes.append(f"the broker stopped in {CLOCK.monotonic() - before:.1f} s")
    pause(rng.uniform(0.1, 3))
    line.broker.start()
    return CLOCK.monotonic()


def paused(line: Pipeline, rng: random.Random) -> float:
    """A disk that stands still: the process is stopped for longer than the workers' session."""
    pause(rng.uniform(0.2, 2))
    assert line.broker.pid is not None
    os.kill(line.broker.pid, signal.SIGSTOP)
    pause(rng.uniform(3, 14))
    os.kill(line.broker.pid, signal.SIGCONT)
    return CLOCK.monotonic()
