"""New York's council offices, eight weeks up to the storm Isaias, through the commands: cases dated by day, at noon."""

import csv
import gzip
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.alert import Alert
from services.cli.__main__ import run

FIRST, LAST = date(2020, 6, 8), date(2020, 8, 6)
ZONE = ZoneInfo("America/New_York")
ISAIAS = datetime(2020, 8, 4, 12, tzinfo=ZONE)


@pytest.fixture(scope="module")
def told(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Alert, ...]:
    """All versions of all alerts, in the order told."""
    folder = tmp_path_factory.mktemp("nyc")
    export, reference, out = folder / "cases.csv", folder / "reference", folder / "alerts.ndjson"
    _cut(shared_data / "nyc_council_cases_2015_2025" / "cases.csv.gz", export)
    assert run(["reference", str(export), "--source", "nyc-council", "--out", str(reference)]) == 0
    where = ["--source", "nyc-council", "--reference", str(reference), "--alerts", str(out)]
    assert run(["backtest", "--events", str(export), *where, "--budget", "3"]) == 0
    return tuple(Alert.model_validate_json(line) for line in out.read_text(encoding="utf-8").splitlines())


def _cut(export: Path, to: Path) -> None:
    """The rows of the weeks, in order of their days."""
    with gzip.open(export, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        names = rows.fieldnames or []
        kept = [row for row in rows if FIRST.isoformat() <= row["opendate"] <= LAST.isoformat()]
    with to.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(sorted(kept, key=lambda row: row["opendate"]))


def test_the_storm_is_raised_in_the_hour_in_which_its_first_cases_stand(told: tuple[Alert, ...]) -> None:
    storm = [alert for alert in told if alert.need is not None and alert.need.split(".")[0] == "utilities"]
    assert storm[0].kind == "surge"
    assert storm[0].raised_at.astimezone(ZONE).replace(minute=0, second=0, microsecond=0) == ISAIAS


def test_a_day_s_cases_that_all_stand_at_noon_are_no_feed_that_stopped(told: tuple[Alert, ...]) -> None:
    assert [alert.kind for alert in told if alert.kind == "silence"] == []
