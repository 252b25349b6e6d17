"""`groundswell rebuild`: a model that knows what came before the log that is still held."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.codes import CONTACTS
from services.cli.__main__ import run
from tests.integration.detector_world import (
    HOUR,
    START,
    Said,
    Space,
    day,
    environment,
    eventually,
    history,
    space_settings,
    weeks,
    worker,
)
from tests.integration.test_detector import fold_all

Rebuild = Callable[[], dict[str, Any]]


@pytest.fixture
def space(tmp_path: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Space:
    """A new space with nothing but its configuration; commands of this process are about it."""
    made = Space(space_settings(tmp_path, kafka_bootstrap)).create()
    for name, value in environment(made.settings).items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def rebuild(space: Space, capsys: pytest.CaptureFixture[str]) -> Rebuild:
    """Runs the command, once nobody is left in the consumer group; returns what was done, by home area."""

    def command() -> dict[str, Any]:
        capsys.readouterr()
        eventually(lambda: run(["rebuild", "--json"]) == 0, "the rebuild goes through")
        done = json.loads(capsys.readouterr().out)
        assert done["space"] == space.settings.space
        assert [one["partition"] for one in done["partitions"]] == [0, 1]
        return {home["home_area"]: one | home for one in done["partitions"] for home in one["homes"]}

    return command


def run_to_the_end(space: Space, folder: Path) -> Said:
    """A worker that folds all there is; what it said."""
    before = space.marks()
    with worker(space.settings, folder) as one:
        space.folded_to_its_end(one, before)
        assert one.terminate() == 0
    return space.said(before)


def expected(said: Said, hour: int) -> float:
    return said.points["tx", "BD-1", "tx-1", START + hour * HOUR][1].expected


def assert_nothing_is_missing(first: Said, second: Said) -> None:
    """How late a feed posts is learned anew, so hours may be sealed later, with late calls in them."""
    before, after = (
        {key: sum(one.count for one in hour.counts if one.need == CONTACTS) for key, hour in said.counts.items()}
        for said in (first, second)
    )
    both = [key for key in before.keys() & after.keys() if key[1] >= START]
    assert len(both) >= 18
    assert all(after[key] >= before[key] for key in both)
    assert sum(after[key] == before[key] for key in both) > len(both) / 2


def test_the_level_from_before_the_log_is_known_again(space: Space, tmp_path: Path, rebuild: Rebuild) -> None:
    space.write(weeks())
    begin = space.ends()
    space.write(day())
    first = run_to_the_end(space, tmp_path)
    assert first.alerts

    space.begin_log_at(begin)
    done = rebuild()
    second = run_to_the_end(space, tmp_path)

    assert 3 * 168 - 10 < done["tx"]["sealed_hours"] < 3 * 168
    assert done["tx"]["next_offset"] == begin[done["tx"]["partition"]]
    assert done["tx"]["removed"] > 0
    assert space.home_states()["tx"] == "live"
    assert {alert["need"] for alert in second.alerts.values()} & {"BD", "BD-1"}
    assert_nothing_is_missing(first, second)
    for hour in (2, 5, 7):
        assert expected(second, hour) == pytest.approx(expected(first, hour), rel=0.25)


def test_history_that_came_after_the_first_seal_counts_after_a_rebuild(
    space: Space, tmp_path: Path, rebuild: Rebuild
) -> None:
    space.write(day())
    first = run_to_the_end(space, tmp_path)
    assert (first.alerts, space.home_states()["tx"]) == ({}, "warming")
    space.write([("tx", history())])
    run_to_the_end(space, tmp_path)
    assert "history_after_first_seal" in {one.reason for one in space.rejected()}

    done = rebuild()
    second = run_to_the_end(space, tmp_path)
    assert (done["tx"]["sealed_hours"], done["tx"]["history_records"], done["tx"]["next_offset"]) == (0, 1, 0)
    assert second.counts == first.counts
    assert second.alerts
    assert space.home_states()["tx"] == "live"
    assert rebuild()["tx"]["history_records"] == 1
    assert run_to_the_end(space, tmp_path).alerts == second.alerts


def test_it_is_refused_while_a_detector_works(space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space.write(day(2))
    with worker(space.settings, tmp_path) as one:
        fold_all(space, one)
        before = {part: space.manifests(part) for part in (0, 1)}
        assert run(["rebuild"]) == 2
        assert "stop them first" in capsys.readouterr().err
        assert {part: space.manifests(part) for part in (0, 1)} == before
        assert one.terminate() == 0


def test_a_space_without_configuration_and_an_absent_kafka_are_sentences(
    space: Space, free_port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_SPACE", "nobody-made-this")
    assert run(["rebuild"]) == 2
    assert "has no configuration" in capsys.readouterr().err
    monkeypatch.setenv("GROUNDSWELL_KAFKA_BOOTSTRAP", f"127.0.0.1:{free_port}")
    assert run(["rebuild"]) == 3
    assert "not reachable" in capsys.readouterr().err
