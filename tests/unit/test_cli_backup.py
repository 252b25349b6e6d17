"""`backup` and `restore`: one private file, whole or not at all; what comes back is what was there."""

import json
import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, insert, select

from schemas.log_record import Control, decode_record
from schemas.topics import CALLS
from services.api.database import Database
from services.api.refold import begin_new_log
from services.api.tables import alert_people, alerts, offsets
from services.api.tables_people import audit, budgets, declared_events, outbox
from services.cli import archive
from services.cli.__main__ import run
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from tests.api_parts import NOW, Tape, alert, home_status, prepared
from tests.ports import free_port

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("GROUNDSWELL_DATA", str(folder))
    monkeypatch.setenv("GROUNDSWELL_API_PORT", str(free_port()))
    return folder


@pytest.fixture
def database(data: Path) -> Iterator[Database]:
    made = prepared(f"sqlite:///{data / 'live.sqlite'}")
    tape = Tape(made)
    tape.status(home_status("metro"))
    tape.alerts(alert("a1"), alert("a2", status="ended", ended_at="2026-06-20T00:00:00Z"))
    with made.writing() as connection:
        connection.execute(insert(alert_people).values(alert_id="a1", human_version=1, label="real_surge"))
    (data / "id-secret").write_text(SECRET)
    KeyStore(data / "keys.json", SystemClock()).add("viewer", "M. Ortiz")
    yield made
    made.close()


def lost(data: Path) -> None:
    """The server's disk is gone."""
    for file in data.iterdir():
        file.unlink()


def ids(data: Path) -> list[str]:
    database = Database(f"sqlite:///{data / 'live.sqlite'}")
    with database.reading() as connection:
        found = list(connection.scalars(select(alerts.c.id).order_by(alerts.c.id)))
    database.close()
    return found


def test_what_is_restored_is_what_was_saved_while_others_went_on_writing(
    database: Database, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop, rows = threading.Event(), 0

    def write() -> None:
        nonlocal rows
        while not stop.is_set():
            with database.writing() as connection:
                for table, row in ((offsets, {"topic": "x", "partition": rows, "next_offset": rows}),):
                    connection.execute(insert(table).values(row))
            rows += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert run(["backup", str(tmp_path / "b.tar.gz"), "--json"]) == 0
    finally:
        stop.set()
        writer.join(60)
    assert json.loads(capsys.readouterr().out)["has"] == ["database.sqlite", "keys.json", "id-secret"]
    keys = (data / "keys.json").read_bytes()
    database.close()
    lost(data)
    assert run(["restore", str(tmp_path / "b.tar.gz")]) == 0
    assert ids(data) == ["a1", "a2"]
    assert (data / "keys.json").read_bytes() == keys
    assert (data / "id-secret").read_text() == SECRET
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "b.tar.gz", *data.glob("[ik]*"))} == {0o600}


@pytest.mark.usefixtures("database")
def test_what_is_there_is_not_replaced_unless_that_is_said(data: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(["backup", str(tmp_path / "b.tar.gz")]) == 0
    before = {file.name: file.stat().st_mtime_ns for file in data.iterdir()}
    assert run(["restore", str(tmp_path / "b.tar.gz")]) == 2
    assert "--force" in capsys.readouterr().err
    assert {file.name: file.stat().st_mtime_ns for file in data.iterdir()} == before
    assert run(["restore", str(tmp_path / "b.tar.gz"), "--force"]) == 0


def test_after_a_lost_log_open_alerts_end_and_what_people_said_stays(
    database: Database, data: Path, tmp_path: Path
) -> None:
    assert run(["backup", str(tmp_path / "b.tar.gz")]) == 0
    database.close()
    assert run(["restore", str(tmp_path / "b.tar.gz"), "--force", "--new-log"]) == 0
    found = Database(f"sqlite:///{data / 'live.sqlite'}")
    with found.reading() as connection:
        rows = {row.id: row for row in connection.execute(select(alerts))}
        assert {row.status for row in rows.values()} == {"ended"}
        assert msgspec.json.decode(rows["a1"].body)["ended_by"] == "the log was lost"
        assert "ended_by" not in {
            name for name, value in msgspec.json.decode(rows["a2"].body).items() if value is not None
        }
        assert connection.scalar(select(func.count()).select_from(offsets)) == 0
        assert connection.scalar(select(alert_people.c.label)) == "real_surge"
    Tape(found).alerts(alert("new"))
    found.close()
    assert "new" in ids(data)


def test_a_new_log_hears_of_budgets_and_of_events_that_are_not_over(database: Database) -> None:
    body = {"name": "Heat", "hazard": None, "areas": ["metro"], "needs": ["BD"], "periods": []}
    event = {"version": 1, "by": "M. Ortiz", "declared_at": NOW, "updated_at": NOW, "body": json.dumps(body)}
    times = {"on": (None, False), "planned": (NOW + 1, False), "over": (NOW, False), "withdrawn": (None, True)}
    with database.writing() as connection:
        connection.execute(insert(budgets).values(home_area="metro", per_week=5.0, by="M. Ortiz", at=NOW))
        for number, (name, (end, gone)) in enumerate(times.items()):
            row = event | {"id": name, "start": NOW - 9 + number, "end": end, "withdrawn": gone}
            connection.execute(insert(declared_events).values(row))
    assert begin_new_log(database) == 1
    with database.reading() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.id)).all()
    told = [decode_record(row.value.encode()) for row in rows]
    assert [(row.topic, row.key, row.stamped) for row in rows] == [
        (CALLS.name, "metro", False),
        (CALLS.name, None, False),
        (CALLS.name, None, False),
    ]
    assert [one.body for one in told if isinstance(one, Control)] == [
        {"per_week": 5.0},
        {"event_id": "on", "name": "Heat", "start": NOW - 9, "areas": ["metro"], "needs": ["BD"]},
        {"event_id": "planned", "name": "Heat", "start": NOW - 8, "areas": ["metro"], "needs": ["BD"], "end": NOW + 1},
    ]


def test_a_restored_database_holds_nothing_that_is_too_old_by_now(
    database: Database, data: Path, tmp_path: Path
) -> None:
    with database.writing() as connection:
        row = {"by": "x", "key_id": "k", "role": "admin", "action": "label", "target": "a", "body": "{}"}
        connection.execute(insert(audit).values(at=1, **row))
    assert run(["backup", str(tmp_path / "b.tar.gz")]) == 0
    assert run(["restore", str(tmp_path / "b.tar.gz"), "--force"]) == 0
    found = Database(f"sqlite:///{data / 'live.sqlite'}")
    with found.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 0
    found.close()


def test_a_file_that_is_no_whole_backup_changes_nothing(
    database: Database,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = tmp_path / "b.tar.gz"
    assert run(["backup", str(whole)]) == 0
    database.close()
    cut, other, empty = tmp_path / "cut.tar.gz", tmp_path / "other.tar.gz", tmp_path / "empty.tar.gz"
    cut.write_bytes(whole.read_bytes()[:200])
    other.write_text("no archive")
    with tarfile.open(empty, "w:gz"):
        pass
    half, lacking = tmp_path / "half.tar.gz", tmp_path / "lacking.tar.gz"
    half.write_bytes(whole.read_bytes()[:-200])
    for at in (1000, len(whole.read_bytes()) // 2, len(whole.read_bytes()) - 6):
        body = bytearray(whole.read_bytes())
        body[at] ^= 0x10
        (tmp_path / f"damaged-{at}.tar.gz").write_bytes(body)
    about = archive.read_about(whole)
    archive.write_archive(lacking, about, {"database.sqlite": data / "live.sqlite", "keys.json": data / "id-secret"})
    (data / "live.sqlite-wal").write_bytes(b"what was written last")
    before = {file.name: file.read_bytes() for file in data.iterdir() if file.suffix != ".lock"}
    for file in (cut, other, empty, half, lacking, *tmp_path.glob("damaged-*.tar.gz")):
        assert run(["restore", str(file), "--force"]) == 2
        assert "backup" in capsys.readouterr().err
    monkeypatch.setenv("GROUNDSWELL_SPACE", "exercise")
    assert run(["restore", str(whole), "--force"]) == 2
    assert "GROUNDSWELL_SPACE=live" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in data.iterdir() if file.suffix != ".lock"} == before


@pytest.mark.usefixtures("database")
def test_a_backup_without_the_secret_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backup", str(tmp_path / "b.tar.gz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["note"] == ""
    monkeypatch.setenv("GROUNDSWELL_ID_SECRET", SECRET)
    assert run(["backup", str(tmp_path / "b.tar.gz"), "--json"]) == 0
    assert "GROUNDSWELL_ID_SECRET" in json.loads(capsys.readouterr().out)["note"]


def test_there_must_be_something_to_save_and_somewhere_to_put_it(data: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(["backup", str(tmp_path / "b.tar.gz")]) == 2
    assert "nothing to save" in capsys.readouterr().err
    assert run(["backup", str(tmp_path / "nowhere" / "b.tar.gz")]) == 2
    assert not (tmp_path / "b.tar.gz").exists()
    assert not list(tmp_path.glob(".groundswell-*"))
    assert not data.exists()
