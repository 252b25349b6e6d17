"""hours.csv: read line by line, refused with the line and the field, understood as slots of the week."""

from pathlib import Path

import pytest

from schemas.reference import OpenHours, Reference
from schemas.reference_files import BadReference, read_reference
from schemas.space_config import SpaceConfig
from services.detector.domain.rules import Rules

CONFIG = SpaceConfig("live", 500, 6, 3.0, 1, "hash")


def read(folder: Path, *rows: str) -> tuple[OpenHours, ...]:
    (folder / "areas.csv").write_text("code,parent,name\ntx,,Texas\n")
    (folder / "needs.csv").write_text("code,parent,name_en\nBD,,Food\n")
    (folder / "hours.csv").write_text("\n".join(["source,weekday,open,close", *rows]) + "\n")
    return read_reference(folder).hours


def test_days_are_names_or_numbers_and_midnight_is_24(tmp_path: Path) -> None:
    found = read(tmp_path, "desk,mon,08:30,17:00", "desk,6,00:00,24:00")
    assert found == (OpenHours("desk", 0, 510, 1020), OpenHours("desk", 6, 0, 1440))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("desk,,08:00,17:00", "weekday is not mon"),
        ("desk,7,08:00,17:00", "weekday lies outside"),
        ("desk,1.5,08:00,17:00", "weekday is not mon"),
        (",mon,08:00,17:00", "source is empty"),
        ("desk,mon,08:00,08:00", "close is when it opens"),
        ("desk,mon,08:00,24:30", "close lies after 24:00"),
        ("desk,mon,8am,17:00", "open is not HH:MM"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    with pytest.raises(BadReference, match=f"hours.csv line 2: {complaint}"):
        read(tmp_path, row)


def test_an_hour_of_which_a_minute_is_open_is_not_closed_and_a_night_shift_goes_past_midnight() -> None:
    hours = (OpenHours("desk", 0, 510, 1020), OpenHours("night", 6, 22 * 60, 6 * 60))
    closed = Rules(CONFIG, Reference((), (), hours=hours)).closed_slots
    assert set(range(168)) - closed["desk"] == set(range(8, 17))
    assert set(range(168)) - closed["night"] == {166, 167, *range(6)}
    assert "other" not in closed
