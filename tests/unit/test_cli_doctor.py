"""`groundswell doctor`: findings about this machine, and how they are shown."""

import json
import shutil
import socket
import threading
from pathlib import Path

import pytest

from services.cli.__main__ import run
from services.cli.doctor.finding import State, away, exit_status, failed, note, ok, skipped, wrong
from services.cli.doctor.local import (
    check_disk,
    check_host,
    check_keys,
    check_reference,
    check_secret,
    check_security,
)
from services.cli.doctor.running import check_services
from services.cli.ports import Ports
from services.runtime.access import KeyStore
from services.runtime.settings import load_settings


def test_what_is_away_decides_the_status_before_what_is_wrong_or_failed() -> None:
    fine = [ok("a", ""), note("b", ""), skipped("c", "")]
    assert exit_status(fine) == 0
    assert exit_status([*fine, failed("d", "", "")]) == 1
    assert exit_status([*fine, failed("d", "", ""), wrong("e", "", "")]) == 2
    assert exit_status([*fine, wrong("e", "", ""), away("f", "", "")]) == 3


def test_a_wrong_line_of_a_reference_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "areas.csv").write_text("code,parent,name\ntx,,Texas\ntx-1,nowhere,North\n")
    (tmp_path / "needs.csv").write_text("code,parent,name_en\nBD,,Food\n")
    (found,) = check_reference(load_settings({"GROUNDSWELL_REFERENCE": str(tmp_path)}))
    assert found.state is State.WRONG
    assert "areas.csv line 3" in found.detail


def test_a_file_of_keys_that_others_may_read_is_wrong_and_says_how_to_close_it(tmp_path: Path) -> None:
    settings = load_settings({"GROUNDSWELL_DATA": str(tmp_path)})
    KeyStore(settings.keys()).add("viewer", "Anna")
    (found,) = check_keys(settings)
    assert (found.state, found.detail) == (State.OK, "1 viewer")
    settings.keys().chmod(0o644)
    (found,) = check_keys(settings)
    assert found.state is State.WRONG
    assert found.todo == f"run `chmod 600 {settings.keys()}`"


def test_keys_in_the_clear_are_worth_a_note_only_beyond_this_machine() -> None:
    states = {
        host: next(iter(check_host(load_settings({"GROUNDSWELL_HOST": host})))).state
        for host in ("127.0.0.1", "0.0.0.0", "groundswell.example.org")
    }
    assert list(states.values()) == [State.OK, State.NOTE, State.NOTE]


def test_a_service_that_is_not_there_is_a_failure_only_while_up_runs() -> None:
    ports = Ports.from_base(0, "127.0.0.1")
    settings = load_settings(
        {
            "GROUNDSWELL_INGEST_PORT": str(ports.ingest),
            "GROUNDSWELL_DETECTOR_PORT": str(ports.detector),
            "GROUNDSWELL_API_PORT": str(ports.page),
        }
    )
    assert {one.state for one in check_services(settings, expected=False)} == {State.NOTE}
    assert {one.state for one in check_services(settings, expected=True)} == {State.WRONG}


def test_a_port_that_another_program_has_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=answer_nonsense, args=(other,))
        thread.start()
        settings = load_settings({"GROUNDSWELL_INGEST_PORT": str(other.getsockname()[1])})
        found = next(iter(check_services(settings, expected=False)))
        thread.join()
    assert "is taken by another program" in found.detail
    assert "GROUNDSWELL_INGEST_PORT" in found.todo


def answer_nonsense(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")


def test_a_wrong_setting_is_a_finding_with_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GROUNDSWELL_DATA", str(tmp_path))
    monkeypatch.setenv("GROUNDSWELL_PARTITIONS", "none")
    assert run(["doctor", "--json"]) == 2
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["state"] == "wrong"
    assert "GROUNDSWELL_PARTITIONS" in finding["detail"]


def test_the_list_of_settings_holds_all_of_them_and_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_ID_SECRET", "hush-hush-hush-hush")
    assert run(["doctor", "--settings", "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["GROUNDSWELL_SEAL_HOURS"] == {"value": 6, "set": False}
    assert json.loads(shown)["GROUNDSWELL_ID_SECRET"] == {"value": "(secret)", "set": True}
    assert "hush" not in shown


def test_a_secret_that_others_may_read_or_that_is_too_short_is_wrong(tmp_path: Path) -> None:
    settings = load_settings({"GROUNDSWELL_DATA": str(tmp_path)})
    assert next(iter(check_secret(settings))).state is State.NOTE
    file = tmp_path / "id-secret"
    file.write_text("0123456789abcdef" * 2)
    file.chmod(0o640)
    found = next(iter(check_secret(settings)))
    assert (found.state, found.todo) == (State.WRONG, f"run `chmod 600 {file}`")
    file.chmod(0o600)
    assert next(iter(check_secret(settings))).state is State.OK
    short = next(iter(check_secret(load_settings({"GROUNDSWELL_ID_SECRET": "short"}))))
    assert (short.state, "short" in short.detail + short.todo) == (State.WRONG, False)


@pytest.mark.parametrize(("free", "state"), [(2**29, State.WRONG), (2**31, State.NOTE), (2**35, State.OK)])
def test_a_full_disk_is_told_before_it_stops_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: State
) -> None:
    usage = shutil._ntuple_diskusage(2**36, 2**36 - free, free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    found = next(iter(check_disk(load_settings({"GROUNDSWELL_DATA": str(tmp_path / "not-yet")}))))
    assert found.state is state


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "a"}, ["SASL_MECHANISM", "SASL_PASSWORD"]),
        ({"KAFKA_SSL_CERTFILE": "c.pem"}, ["KAFKA_SSL_KEYFILE"]),
        ({"PROXY_USER_HEADER": "X-User"}, ["PROXY_SECRET"]),
        ({"PROXY_SECRET": "0123456789abcdef"}, ["PROXY_USER_HEADER"]),
    ],
)
def test_half_of_what_belongs_together_is_wrong_and_the_other_half_is_named(
    environ: dict[str, str], named: list[str]
) -> None:
    found = list(check_security(load_settings({f"GROUNDSWELL_{name}": value for name, value in environ.items()})))
    assert [one.state for one in found] == [State.WRONG] * len(named)
    assert all(name in one.todo for name, one in zip(named, found, strict=True))
    assert next(iter(check_security(load_settings({})))).state is State.OK
