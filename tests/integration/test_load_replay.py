"""`load` and `replay` as typed, on the Kafka of the test run: what stands on the log afterwards."""

import json
import re
import uuid
from pathlib import Path

import pytest

from schemas.log_record import Calls, Control, History, LogRecord, Tick, decode_record
from schemas.topics import CALLS
from services.cli.__main__ import run
from services.runtime.kafka import read_all
from services.runtime.settings import environment_settings

BOSTON = """event_id,ts,category,reason,subject,region,zip,lat,lon,source
1,2015-01-08T00:20:09,Heat - Excessive  Insufficient,Housing,ISD,Roxbury,02119,42.33,-71.08,Constituent Call
2,2015-01-08T00:25:23,Street Light Outages,Street Lights,PWD,Allston,02134,42.35,-71.13,Citizens Connect App
3,2015-01-08T09:26:00,Notification,Notification,Mayor,,,42.3594,-71.0587,Twitter
3,2015-01-08T09:26:00,Notification,Notification,Mayor,,,42.3594,-71.0587,Twitter
4,soon,Notification,Notification,Mayor,,,42.3594,-71.0587,Twitter
"""
AREAS = """code,parent,name,latitude,longitude,timezone
boston,,Boston,42.33,-71.07,America/New_York
boston-roxbury,boston,Roxbury,42.32,-71.08,
boston-allston-brighton,boston,Allston,42.35,-71.13,
"""
NEEDS = """code,parent,name_en,name_fr,name_es,line
heat-excessive-insufficient,,Heat,,,311
street-light-outages,,Lights,,,311
notification,,Notification,,,311
"""


@pytest.fixture
def export(tmp_path: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An export, and the environment of a space of its own."""
    reference = tmp_path / "reference"
    reference.mkdir()
    (reference / "areas.csv").write_text(AREAS, encoding="utf-8")
    (reference / "needs.csv").write_text(NEEDS, encoding="utf-8")
    for name, value in {
        "KAFKA_BOOTSTRAP": kafka_bootstrap,
        "SPACE": f"replay-{uuid.uuid4().hex[:12]}",
        "PARTITIONS": "2",
        "REFERENCE": str(reference),
        "DATA": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(f"GROUNDSWELL_{name}", value)
    (tmp_path / "boston.csv").write_text(BOSTON, encoding="utf-8")
    return tmp_path / "boston.csv"


def log() -> list[tuple[bytes | None, LogRecord]]:
    """(key, record) of the space's call topic, partition by partition."""
    settings = environment_settings()
    return [
        (record.key, decode_record(record.value or b""))
        for partition in range(settings.partitions)
        for record in read_all(settings, CALLS.in_space(settings.space), partition)
    ]


def test_load_writes_history_under_the_home_area_and_twice_writes_the_same(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert run(["load", str(export), "--source", "boston311"]) == 0
    said = capsys.readouterr().out
    assert "3 calls as 1 history records" in said
    assert "1 duplicates, 1 refused (1 time: is not a time in a format of the mapping)" in said
    told = [(key, record) for key, record in log() if isinstance(record, History)]
    assert len(told) == 2
    assert told[0] == told[1]
    key, history = told[0]
    assert key == b"boston"
    assert {(cell.need, cell.area, cell.count) for cell in history.cells} == {
        ("contacts", "boston-roxbury", 1),
        ("contacts", "boston-allston-brighton", 1),
        ("contacts", "boston:unmapped", 1),
        ("heat-excessive-insufficient", "boston-roxbury", 1),
        ("street-light-outages", "boston-allston-brighton", 1),
        ("notification", "boston:unmapped", 1),
    }


def test_history_records_of_a_file_are_loaded_as_they_are(export: Path) -> None:
    record = {"v": 1, "kind": "history", "source": "crm", "from": 0, "to": 7_200_000}
    cells = [["notification", "boston", 1, "311", 5], ["contacts", "boston", 1, "311", 5]]
    path = export.with_name("history.ndjson")
    path.write_text(json.dumps({**record, "cells": cells}) + "\n", encoding="utf-8")
    assert run(["load", str(path), "--source", "history"]) == 0
    (found,) = [record for _, record in log() if isinstance(record, History)]
    assert [cell.count for cell in found.cells] == [5, 5]


def test_replay_sends_a_file_through_ingest_with_its_own_clock(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", str(export), "--source", "boston311", "--speed", "max"]) == 0
    said = re.search(r"(\d+) accepted, (\d+) duplicates, 1 refused", capsys.readouterr().out)
    assert said, "what became of the rows"
    accepted, duplicates = int(said[1]), int(said[2])
    assert accepted + duplicates == 4
    assert duplicates >= 1, "one more for each that Kafka had only after a 503 and that was sent again"
    records = [record for _, record in log()]
    stamps = [
        (at, call.codes())
        for record in records
        if isinstance(record, Calls)
        for at, call in zip(record.at, record.calls, strict=True)
    ]
    assert stamps == [
        (1420694409000, ("heat-excessive-insufficient",)),
        (1420694723000, ("street-light-outages",)),
        (1420727160000, ("notification",)),
    ]
    assert max(record.at for record in records if isinstance(record, Tick)) == 1420727160000 + 3_600_000
    assert [record.body["mode"] for record in records if isinstance(record, Control)] == ["replay", "replay"]
    keys = json.loads(environment_settings().keys().read_text(encoding="utf-8"))["keys"]
    assert keys == []
