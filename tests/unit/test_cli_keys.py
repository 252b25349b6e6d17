"""`groundswell keys`, and the keys that `up` keeps."""

import json
import stat
from pathlib import Path

import pytest

from services.cli.__main__ import run
from services.cli.errors import CliError
from services.cli.up.keyring import demo_label, ensure_keys, wanted_keys
from services.runtime.access import KeyStore


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GROUNDSWELL_DATA", str(tmp_path))
    return tmp_path


def test_a_key_is_printed_once_and_works_until_it_is_revoked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "add", "--role", "ingest", "--source", "county-211", "--home-area", "tx", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made) == {"id", "key"}
    identity = KeyStore(data / "keys.json").find(made["key"])
    assert identity is not None
    assert (identity.role, identity.source, identity.home_area, identity.totals) == (
        "ingest",
        "county-211",
        "tx",
        False,
    )

    assert run(["keys", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    assert json.loads(listed)["items"][0]["id"] == made["id"]
    assert made["key"] not in listed

    assert run(["keys", "revoke", made["id"]]) == 0
    assert KeyStore(data / "keys.json").find(made["key"]) is None


def test_revoking_what_is_not_there_is_wrong_use(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "revoke", "k_nothing"]) == 2
    assert "groundswell keys list" in capsys.readouterr().err


def test_up_keeps_its_keys_for_the_owner_only_and_gives_the_same_again(tmp_path: Path) -> None:
    file, wanted = tmp_path / "up-keys.json", wanted_keys(("demo-feed",))
    first = ensure_keys(file, KeyStore(tmp_path / "keys.json"), wanted, "tx")
    again = ensure_keys(file, KeyStore(tmp_path / "keys.json"), wanted, "tx")
    assert first == again
    assert set(first) == {"ingest", "viewer", "coordinator", "admin", demo_label("demo-feed")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(KeyStore(tmp_path / "keys.json").list()) == 5


def test_a_key_of_up_that_was_revoked_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    file, store = tmp_path / "up-keys.json", KeyStore(tmp_path / "keys.json")
    first = ensure_keys(file, store, wanted_keys(), "tx")
    viewer = store.find(first["viewer"])
    assert viewer is not None
    store.revoke(viewer.id)
    again = ensure_keys(file, store, wanted_keys(), "tx")
    assert {label for label in first if first[label] != again[label]} == {"viewer"}


def test_a_damaged_file_of_keys_is_named(tmp_path: Path) -> None:
    file = tmp_path / "up-keys.json"
    file.write_text("[]")
    with pytest.raises(CliError, match=r"up-keys\.json is damaged"):
        ensure_keys(file, KeyStore(tmp_path / "keys.json"), wanted_keys(), "tx")
