"""The short form of `make chaos`: its most telling faults, one after the other, on the whole pipeline.

SEED in the environment chooses other moments; the long form tries all faults, those of the broker among them.
"""

import os
import random
from pathlib import Path

import pytest

from services.runtime.embedded import EmbeddedKafka
from tests.chaos.battery import run_together
from tests.chaos.pipeline import Pipeline

FAULTS = (
    "summer time ends in a surge, detector kill -9",
    "detector kill -9 inside a snapshot",
    "ingest kill -9",
    "detector exception in the fold",
    "API kill -9 inside a transaction",
)


@pytest.mark.timeout(2400)
def test_nothing_is_lost_doubled_or_told_differently_whatever_is_killed(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    """Clients post on through all of it. The reference is one quiet run of the same log in this process."""
    seed = int(os.environ.get("SEED") or 1)
    rng = random.Random(seed)
    line = Pipeline(tmp_path / "pipeline", rng, shared=kafka)
    try:
        line.start()
        found = run_together(line, FAULTS, rng)
        quiet = line.reference.quiet
    finally:
        line.close()
    assert found.is_exact, f"SEED={seed}: {found}"
    assert [client.refused for client in line.clients] == [[], []], f"SEED={seed}"
    assert quiet.alerts, f"SEED={seed}: the surge of the test raises alerts"
    assert quiet.counts, f"SEED={seed}: hours are sealed"
