"""`groundswell simulate` as typed: files, the same for the same seed, and none of another's overwritten."""

import gzip
import json
from pathlib import Path

import pytest

from schemas.log_record import History, decode_record
from schemas.reference_files import read_reference
from services.cli.__main__ import run
from services.ingest.sources.mapping import load_mapping

SMALL = ["--days", "1", "--history-weeks", "1"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_events_history_reference_and_labels(tmp_path: Path) -> None:
    out = tmp_path / "region"
    assert run(["simulate", "--out", str(out), "--seed", "5", *SMALL]) == 0
    with (out / "events.ndjson").open("rb") as file:
        rows = list(load_mapping("call-event").read(file))
    assert len(rows) > 2_000
    assert all(row.problem is None and row.logged_at is not None for row in rows)
    records = [decode_record(line) for line in (out / "history.ndjson").read_bytes().splitlines()]
    assert all(isinstance(record, History) for record in records)
    assert read_reference(out / "reference").home_areas == ("marrow",)
    assert json.loads((out / "labels.json").read_text(encoding="utf-8"))["seed"] == 5


def test_the_same_seed_writes_the_same_bytes_compressed_or_not(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run(["simulate", "--out", str(tmp_path / name), "--gz", *SMALL]) == 0
    assert run(["simulate", "--out", str(tmp_path / "plain"), *SMALL]) == 0
    assert files(tmp_path / "a") == files(tmp_path / "b")
    plain = (tmp_path / "plain" / "events.ndjson").read_bytes()
    assert gzip.decompress((tmp_path / "a" / "events.ndjson.gz").read_bytes()) == plain


def test_it_does_not_write_into_a_folder_that_holds_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")
    assert run(["simulate", "--out", str(tmp_path), *SMALL]) == 2
    assert "not empty" in capsys.readouterr().err
    assert list(files(tmp_path)) == ["mine.txt"]


@pytest.mark.parametrize("start", ["tomorrow", "2025-01-01T00:00:00", "1066-10-14T00:00:00Z"])
def test_a_start_that_is_no_time_is_wrong_use(start: str, tmp_path: Path) -> None:
    assert run(["simulate", "--out", str(tmp_path / "x"), "--start", start]) == 2
