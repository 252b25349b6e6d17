"""`groundswell shadow` on a real Kafka: the same version tells the same, a larger budget more; nothing is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import ALERTS, TOPICS
from services.cli.__main__ import run
from services.runtime.clock import SystemClock
from services.runtime.kafka import Record, ReliableProducer
from tests.integration.detector_world import Space, day, environment, history, space_settings


@pytest.fixture
def space(tmp_path: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Space:
    """A day with a surge on the log, and on alerts.v1 what the quiet fold tells of it."""
    made = Space(space_settings(tmp_path, kafka_bootstrap)).create()
    made.write([("tx", history()), *day(12)])
    topic = made.topic(ALERTS)
    with ReliableProducer(made.settings, SystemClock(), limits={topic: 10**6}) as producer:
        told = [Record(topic, json.dumps(one).encode(), key=one["id"].encode()) for one in made.quiet().alerts.values()]
        assert told, "the day has a surge"
        producer.write(told, 30)
    for name, value in environment(made.settings).items():
        monkeypatch.setenv(name, value)
    return made


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["shadow", "--json", "--days", "30", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_same_version_tells_the_same_and_a_larger_budget_more(
    space: Space, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = space.marks()
    same = ran(capsys, "--out", str(tmp_path / "told.ndjson"))
    assert (same["gained"], same["lost"], same["moved"]) == ([], [], [])
    assert same["same"] > 0
    told = [json.loads(line)["id"] for line in (tmp_path / "told.ndjson").read_text().splitlines()]
    assert len(set(told)) == same["same"]
    more = ran(capsys, "--budget", "500")
    assert len(more["gained"]) > len(more["lost"])
    assert space.marks() == before, f"nothing is written to any of {len(TOPICS)} topics"
