"""triggers.csv: fixed rules of an emergency plan in the reference folder."""

from pathlib import Path

import pytest

from schemas.reference import Trigger, decode_reference, encode_reference
from schemas.reference_files import BadReference, read_reference
from services.cli.reference_folder import write_reference

HEADER = "need,area,count,hours,playbook_en,playbook_fr,playbook_es,severity"


def folder(path: Path, *rows: str, header: str = HEADER) -> Path:
    (path / "areas.csv").write_text("code,parent,name\ntx,,Texas\ntx-1,tx,North\n", encoding="utf-8")
    (path / "needs.csv").write_text("code,parent,name_en\nBD,,Food\n", encoding="utf-8")
    (path / "triggers.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_a_rule_is_read_with_its_playbook_line_and_written_again(tmp_path: Path) -> None:
    found = read_reference(folder(tmp_path, "BD,tx-1,20,3,Open the pantry,Ouvrir la réserve,,extreme"))
    expected = Trigger("BD", "tx-1", 20, 3, "Open the pantry", "Ouvrir la réserve", "Open the pantry", "extreme")
    assert found.triggers == (expected,)
    write_reference(tmp_path / "again", found)
    assert read_reference(tmp_path / "again").triggers == (expected,)
    assert decode_reference(encode_reference(found)).triggers == (expected,)


def test_only_need_area_count_and_hours_are_needed(tmp_path: Path) -> None:
    found = read_reference(folder(tmp_path, "contacts,tx,500,24", header="need,area,count,hours"))
    assert found.triggers == (Trigger("contacts", "tx", 500, 24),)
    assert found.triggers[0].severity == "severe"


def test_a_folder_without_triggers_has_none(tmp_path: Path) -> None:
    (folder(tmp_path) / "triggers.csv").unlink()
    assert read_reference(tmp_path).triggers == ()


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("ZZ,tx,20,3,,,,", "line 2: need is not a code of needs.csv"),
        ("BD,ok,20,3,,,,", "line 2: area is not a code of areas.csv"),
        ("BD,,20,3,,,,", "line 2: area is not a code"),
        ("BD,tx,0,3,,,,", "line 2: count lies outside 1"),
        ("BD,tx,,3,,,,", "line 2: count is not a whole number"),
        ("BD,tx,2.5,3,,,,", "line 2: count is not a whole number"),
        ("BD,tx,20,73,,,,", "line 2: hours lies outside 1 … 72"),
        ("BD,tx,20,3,,,,awful", "line 2: severity is not one of minor, moderate, severe, extreme"),
    ],
)
def test_a_rule_that_could_never_be_met_is_refused_with_its_line(tmp_path: Path, row: str, sentence: str) -> None:
    with pytest.raises(BadReference, match=sentence.replace(".", r"\.")):
        read_reference(folder(tmp_path, row))


def test_two_rules_for_the_same_need_area_and_hours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadReference, match="line 3: need has a rule for this area and these hours already"):
        read_reference(folder(tmp_path, "BD,tx,20,3,,,,", "BD,tx,30,3,,,,"))
