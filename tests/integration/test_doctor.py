"""`groundswell doctor` against a Kafka that is away, and one that is there."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.cli.__main__ import run
from services.ingest.bootstrap import ensure_space
from services.runtime.clock import SystemClock
from services.runtime.settings import load_settings


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "areas.csv").write_text("code,parent,name,timezone\ntx,,Texas,America/Chicago\ntx-1,tx,North,\n")
    (folder / "needs.csv").write_text("code,parent,name_en,name_fr,name_es,line\nBD,,Food,,,211\n")
    return folder


@pytest.fixture
def set_up(tmp_path: Path, reference: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    environ = {
        "GROUNDSWELL_DATA": str(tmp_path),
        "GROUNDSWELL_REFERENCE": str(reference),
        "GROUNDSWELL_SPACE": "doctor",
        "GROUNDSWELL_PARTITIONS": "2",
        "GROUNDSWELL_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port}",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return {one["check"]: one for one in json.loads(capsys.readouterr().out)["findings"]}


@pytest.mark.usefixtures("set_up")
def test_a_kafka_that_is_away_is_status_3_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 3
    found = findings(capsys)
    assert found["kafka"]["state"] == "away"
    assert "groundswell kafka" in found["kafka"]["todo"]
    assert {found[name]["state"] for name in ("topics", "space", "lag", "clock")} == {"skipped"}
    assert run(["topics", "list"]) == 3
    assert "is not reachable" in capsys.readouterr().err


def test_a_space_is_new_then_well_then_differs(
    set_up: dict[str, str], kafka_bootstrap: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_KAFKA_BOOTSTRAP", kafka_bootstrap)
    run(["doctor", "--json"])
    found = findings(capsys)
    assert found["kafka"]["state"] == "ok"
    assert (found["topics"]["state"], found["space"]["state"]) == ("note", "note")

    assert run(["topics", "create", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["created"]) == 11
    assert run(["topics", "create", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == []
    run(["doctor", "--json"])
    found = findings(capsys)
    assert (found["topics"]["state"], found["space"]["state"]) == ("ok", "ok")
    assert run(["topics", "check"]) == 0
    capsys.readouterr()

    monkeypatch.setenv("GROUNDSWELL_PARTITIONS", "4")
    monkeypatch.setenv("GROUNDSWELL_GRID_MS", "1000")
    assert run(["doctor", "--json"]) == 2
    found = findings(capsys)
    assert "has 2 partitions" in found["topics"]["detail"]
    assert found["space"]["state"] == "wrong"
    assert run(["topics", "check"]) == 1
    assert "GROUNDSWELL_PARTITIONS=2" in capsys.readouterr().out


def test_topics_list_counts_what_stands_on_the_log(
    set_up: dict[str, str], kafka_bootstrap: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("GROUNDSWELL_SPACE", "doctor-list")
    environ = set_up | {"GROUNDSWELL_KAFKA_BOOTSTRAP": kafka_bootstrap, "GROUNDSWELL_SPACE": "doctor-list"}
    ensure_space(load_settings(environ), SystemClock())
    assert run(["topics", "list", "--json"]) == 0
    items = {one["name"]: one for one in json.loads(capsys.readouterr().out)["items"]}
    assert items["doctor-list.calls.events.v1"]["partitions"] == 2
    assert items["doctor-list.calls.events.v1"]["records"] == 2
    assert items["doctor-list.alerts.v1"]["records"] == 0
