"""`groundswell schemas`: what it writes, what it says, and its exit status."""

import gzip
import json
from pathlib import Path

import pytest

from schemas.documents.generate import shipped
from services.cli.__main__ import run

CALL = b'{"id":"1","source":"crm","time":"2026-01-31T08:15:00Z","line":"211","needs":["BH"]}\n'
SECRET = "Jean-Dupont"


def test_export_writes_every_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into a folder that it makes."""
    assert run(["schemas", "export", str(tmp_path / "new" / "folder"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {file.name for file in (tmp_path / "new" / "folder").iterdir()} == set(said["files"]) == set(shipped())


def test_check_names_file_line_and_field_but_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good lines pass, blank lines are none, bad ones are named."""
    file = tmp_path / "calls.ndjson"
    file.write_bytes(CALL + b"\n" + CALL.replace(b'"211"', f'"{SECRET}"'.encode()) + b"{")
    assert run(["schemas", "check", str(file)]) == 1
    out = capsys.readouterr().out
    assert f"{file}:3: line must be 211, 311 or other, as text" in out
    assert f"{file}:4: $ is not JSON in UTF-8" in out
    assert "3 checked as call-event, 2 do not fit." in out
    assert SECRET not in out


def test_check_reads_gzip_and_says_when_it_is_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A truncated file is an error, not a short file."""
    whole, cut = tmp_path / "whole.ndjson.gz", tmp_path / "cut.ndjson.gz"
    whole.write_bytes(gzip.compress(CALL * 1000))
    cut.write_bytes(whole.read_bytes()[:-12])
    assert run(["schemas", "check", str(whole), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked"] == 1000
    assert run(["schemas", "check", str(cut)]) == 1
    assert "is not a whole gzip file" in capsys.readouterr().err


def test_check_takes_a_document_that_spans_lines(tmp_path: Path) -> None:
    """`.json` may be one message over many lines."""
    file = tmp_path / "call.json"
    file.write_text(json.dumps(json.loads(CALL), indent=2))
    assert run(["schemas", "check", str(file)]) == 0


def test_an_unknown_contract_or_file_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 with a sentence."""
    assert run(["schemas", "check", "--as", "nonsense", str(tmp_path)]) == 2
    assert "known are call-event" in capsys.readouterr().err
    assert run(["schemas", "check", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err
