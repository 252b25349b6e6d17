"""The detector as a process on Kafka: whatever happens to it, it says what a quiet run of the same log says."""

from pathlib import Path

import pytest

from tests.integration.detector_world import Said, Space, Worker, day, eventually, history, space_settings, worker


@pytest.fixture
def space(tmp_path: Path, kafka_bootstrap: str) -> Space:
    """A new space with its configuration and four quiet weeks of `tx`."""
    made = Space(space_settings(tmp_path, kafka_bootstrap)).create()
    made.write([("tx", history())])
    return made


def assert_as_quiet(space: Space) -> Said:
    """Everything said equals a quiet run, alerts among it."""
    quiet, said = space.quiet(), space.said()
    assert quiet.alerts, "the log of the test has a surge that raises an alert"
    assert said.alerts == quiet.alerts
    assert said.counts == quiet.counts
    assert said.points == quiet.points
    assert said.contradictions == []
    return said


def has_snapshots(space: Space) -> bool:
    """Whether every partition has a snapshot of some records."""
    return all(max(space.manifests(part), default=0) > 0 for part in range(space.settings.partitions))


def fold_all(space: Space, one: Worker) -> None:
    space.folded_to_its_end(one)


def test_it_says_what_a_quiet_run_says_and_stops_cleanly(space: Space, tmp_path: Path) -> None:
    space.write(day())
    with worker(space.settings, tmp_path) as one:
        fold_all(space, one)
        assert one.get("/health/live")[0] == 200
        eventually(lambda: one.get("/health/ready")[0] == 200, "it is ready", of=one)
        status, metrics = one.get("/metrics")
        assert (status, one.get("/nothing")[0]) == (200, 404)
        assert 'groundswell_detector_records_total{kind="calls"}' in metrics
        assert one.terminate() == 0
    said = assert_as_quiet(space)
    assert {"BD", "BD-1"} & {alert["need"] for alert in said.alerts.values()}
    ends = space.ends()
    assert {part: space.manifests(part)[-1] for part in ends} == ends
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".log") == ["reference"]
