"""Past calls as hourly counts: each call once, quiet hours too, the same records for the same files."""

from pathlib import Path

import pytest

from schemas.log_record import History, LogCall
from schemas.reference import Area, Need, Reference
from services.cli.__main__ import run
from services.cli.errors import CliError
from services.cli.history_records import HOUR_MS
from services.cli.hourly import HourlyCounts
from services.cli.load import Counting, count
from services.cli.summary import Refusals
from services.ingest.sources.mapping import load_mapping

REFERENCE = Reference(
    (Area("tx", "", "Texas"), Area("tx-1", "tx", "North"), Area("ok", "", "Oklahoma")),
    (Need("BD", "", "Food", "", ""), Need("BH", "", "Home", "", "")),
)


def call(**changes: object) -> LogCall:
    fields: dict[str, object] = {"id": "1", "source": "crm", "time": 100 * HOUR_MS, "line": "211", "needs": ("BD",)}
    return LogCall(**(fields | {"area": "tx-1"} | changes))  # type: ignore[arg-type]


def cells(counts: HourlyCounts) -> dict[tuple[str, str, int], int]:
    return {(cell.need, cell.area, cell.hour): cell.count for _, one in counts.records() for cell in one.cells}


def test_a_call_with_several_needs_is_one_contact_and_counts_once_in_each() -> None:
    counts = HourlyCounts(REFERENCE)
    counts.add(call(needs=("BD", "BH", "BD")), "tx")
    assert cells(counts) == {("contacts", "tx-1", 100): 1, ("BD", "tx-1", 100): 1, ("BH", "tx-1", 100): 1}


def test_a_call_of_an_unknown_place_counts_as_unmapped() -> None:
    counts = HourlyCounts(REFERENCE)
    counts.add(call(area=None), "tx")
    counts.add(call(id="2", area="atlantis"), "tx")
    assert cells(counts) == {("contacts", "tx:unmapped", 100): 2, ("BD", "tx:unmapped", 100): 2}


def test_a_call_seen_twice_counts_once_and_a_higher_revision_replaces_it() -> None:
    counts = HourlyCounts(REFERENCE)
    assert counts.add(call(), "tx")
    assert not counts.add(call(), "tx")
    assert counts.add(call(revision=2, needs=("BH",)), "tx")
    assert not counts.add(call(revision=1), "tx")
    assert counts.duplicates == 2
    assert cells(counts) == {("contacts", "tx-1", 100): 1, ("BH", "tx-1", 100): 1}


def test_a_void_takes_a_call_back() -> None:
    counts = HourlyCounts(REFERENCE)
    counts.add(call(), "tx")
    counts.add(call(revision=1, void=True), "tx")
    assert cells(counts) == {}


def test_records_cover_every_hour_of_a_file_and_of_files_next_to_each_other_but_no_gap() -> None:
    counts = HourlyCounts(REFERENCE)
    for number, hours in enumerate([(100, 150), (160, 200), (900, 901)]):
        counts.begin_file()
        for hour in hours:
            counts.add(call(id=f"{number}-{hour}", time=hour * HOUR_MS + 5), "tx")
    assert [(one.start // HOUR_MS, one.end // HOUR_MS) for _, one in counts.records()] == [(100, 201), (900, 902)]


def test_each_home_area_and_source_has_records_of_its_own() -> None:
    counts = HourlyCounts(REFERENCE)
    counts.add(call(), "tx")
    counts.add(call(area="ok", source="other"), "ok")
    assert [(home, one.source) for home, one in counts.records()] == [("ok", "other"), ("tx", "crm")]


def counted(text: str, tmp_path: Path, home_area: str | None = None) -> tuple[list[tuple[str, History]], Refusals]:
    path, refusals = tmp_path / "calls.ndjson", Refusals()
    path.write_text(text, encoding="utf-8")
    counts = count([path], load_mapping("call-event"), Counting(REFERENCE, home_area), refusals)
    return list(counts.records()), refusals


LINE = '{"id":"%s","source":"crm","time":"%s","line":"211","needs":["BD"]%s}\n'


def test_a_file_of_call_events_becomes_the_same_records_every_time(tmp_path: Path) -> None:
    text = "".join(LINE % (n, f"2015-01-0{1 + n % 9}T10:00:00Z", ',"area":"tx-1"') for n in range(50))
    one, refusals = counted(text, tmp_path)
    other, _ = counted(text, tmp_path)
    assert one == other
    assert refusals.total == 0
    assert sum(cell.count for _, record in one for cell in record.cells) == 100


def test_what_ingest_would_refuse_is_counted_by_reason_and_the_rest_is_loaded(tmp_path: Path) -> None:
    good = LINE % ("1", "2015-01-01T10:00:00Z", ',"area":"tx-1"')
    nowhere = LINE % ("2", "2015-01-01T10:00:00Z", "")
    ancient = LINE % ("3", "1970-01-01T10:00:00Z", ',"area":"tx-1"')
    records, refusals = counted(good + nowhere + ancient + "{oops\n", tmp_path)
    assert len(records) == 1
    assert sorted(field for field, _ in refusals.reasons) == ["$", "area", "time"]
    records, refusals = counted(good + nowhere, tmp_path, "tx")
    assert refusals.total == 0
    assert {cell.area for _, one in records for cell in one.cells} == {"tx-1", "tx:unmapped"}


def test_a_file_that_is_cut_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "calls.ndjson.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
    with pytest.raises(CliError, match="ends in the middle"):
        count([path], load_mapping("call-event"), Counting(REFERENCE, None), Refusals())


def test_load_without_a_broker_says_so_with_status_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, free_port: int
) -> None:
    monkeypatch.setenv("GROUNDSWELL_KAFKA_BOOTSTRAP", f"127.0.0.1:{free_port}")
    path = tmp_path / "calls.ndjson"
    path.write_text("{}", encoding="utf-8")
    assert run(["load", str(path), "--source", "call-event"]) == 3
    assert "not reachable" in capsys.readouterr().err
