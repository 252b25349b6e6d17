"""`groundswell erase` on a real Kafka: what it takes out, what it says that stays, and twice is once."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.log_record import VERSION, Calls, Control, LogCall, decode_record, encode_record
from schemas.output import LeafCount, SealedHour
from schemas.topics import CALLS, COUNTS
from services.cli.__main__ import run
from services.cli.erase import erase_source
from services.ingest.bootstrap import ensure_space
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import Record, ReliableProducer, read_all
from services.runtime.settings import Settings, load_settings

HOUR = 3_600_000


@pytest.fixture
def settings(tmp_path: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "areas.csv").write_text("code,parent,name,timezone\ntx,,Texas,America/Chicago\ntx-1,tx,North,\n")
    (folder / "needs.csv").write_text("code,parent,name_en,name_fr,name_es,line\nBD,,Food,,,211\n")
    environ = {
        "GROUNDSWELL_DATA": str(tmp_path),
        "GROUNDSWELL_REFERENCE": str(folder),
        "GROUNDSWELL_SPACE": "erase",
        "GROUNDSWELL_PARTITIONS": "2",
        "GROUNDSWELL_KAFKA_BOOTSTRAP": kafka_bootstrap,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load_settings(environ)


def hour(start: int, *counts: LeafCount) -> bytes:
    return msgspec.json.encode(SealedHour(1, "tx", start, counts))


def sealed(settings: Settings) -> list[SealedHour]:
    topic = COUNTS.in_space(settings.space)
    records = [one for number in range(2) for one in read_all(settings, topic, number)]
    return [msgspec.json.decode(one.value or b"", type=SealedHour) for one in records]


def controls(settings: Settings) -> list[Control]:
    topic = CALLS.in_space(settings.space)
    records = [decode_record(one.value or b"") for number in range(2) for one in read_all(settings, topic, number)]
    return [one for one in records if isinstance(one, Control) and one.type == "retract"]


def test_a_source_leaves_the_sealed_hours_and_its_calls_are_taken_back(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_space(settings, SystemClock())
    keys = KeyStore(settings.keys(), SystemClock())
    old, _ = keys.add("ingest", "old CRM", source="old-crm")
    new, _ = keys.add("ingest", "new CRM", source="crm")
    kept = LeafCount("BD", "tx-1", "crm", "211", 3)
    gone = LeafCount("BD", "tx-1", "old-crm", "211", 4)
    calls = tuple(LogCall(f"{number:016x}", source, HOUR, "211") for number, source in enumerate(("crm", "old-crm")))
    counts, log = COUNTS.in_space(settings.space), CALLS.in_space(settings.space)
    with ReliableProducer(settings, SystemClock(), limits={counts: 10**6, log: 10**6}) as producer:
        hours = [hour(0, kept, gone), hour(HOUR, kept), hour(2 * HOUR, gone)]
        producer.write([Record(counts, one, key=b"tx") for one in hours], 30)
        producer.write([Record(log, encode_record(Calls(VERSION, (HOUR, HOUR), calls)), key=b"tx")], 30)

    waited: list[float] = []

    def pause(seconds: float) -> None:
        assert [one.id for one in KeyStore(settings.keys(), SystemClock()).list()] == [new]
        with ReliableProducer(settings, SystemClock(), limits={log: 10**6}) as producer:  # a request on its way
            late = LogCall(f"{2:016x}", "old-crm", HOUR, "211")
            producer.write([Record(log, encode_record(Calls(VERSION, (HOUR,), (late,))), key=b"tx")], 30)
        waited.append(seconds)

    report = erase_source(settings, "old-crm", pause)
    assert waited == [5.0]
    assert (report["keys_revoked"], report["sealed_hours"], report["cells"]) == ([old], 2, 2)
    assert (report["retracted"], report["stays"]["calls"]) == (["tx"], 2)
    assert "again after every `groundswell rebuild`" in report["note"]
    assert report["stays"]["until"].endswith("Z")
    assert [one.id for one in keys.list()] == [new]
    assert [(one.start, one.counts) for one in sealed(settings)] == [(0, (kept,)), (HOUR, (kept,)), (2 * HOUR, ())]
    assert [(one.home_area, one.body["source"]) for one in controls(settings)] == [("tx", "old-crm")]

    again = erased(capsys)
    assert (again["keys_revoked"], again["sealed_hours"], again["retracted"]) == ([], 0, [])
    assert len(sealed(settings)) == 3
    assert len(controls(settings)) == 1


def erased(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run(["erase", "--source", "old-crm", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("settings")
def test_a_name_that_is_none_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["erase", "--source", "Old CRM"]) == 2
    assert "slug" in capsys.readouterr().err
