"""The two most telling faults of `make chaos` on the whole pipeline, with a broker of its own."""

from pathlib import Path

import pytest

from tests.chaos.battery import run_battery

FAULTS = ("zombie worker", "ingest kill -9 before the acknowledgement")


@pytest.mark.timeout(600)
def test_after_a_zombie_and_a_kill_before_the_acknowledgement_everything_equals_a_quiet_run(tmp_path: Path) -> None:
    """Every 202 is on the log, nothing counts twice, every alert version is the same on the topic and in the API."""
    told: list[str] = []
    status = run_battery(tmp_path / "chaos", FAULTS, seed=1, minutes=9, tell=told.append)
    assert status == 0, "\n".join(told)
    assert sum("exact" in line for line in told) == len(FAULTS)
