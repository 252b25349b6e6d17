"""Past calls through the command: what the log takes, the replay takes."""

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.codes import CONTACTS
from schemas.log_record import HistoryCell, encode_record
from services.cli.__main__ import run
from services.cli.history_records import history_records

NYC = """unique_key,account,opendate,closedate,complaint_type,descriptor,zip,borough,city,council_dist,community_board
N1,NYCC18,2020-08-04,,Utilities,Outage,11373,Queens,Elmhurst,NYCC21,04 Queens
N2,NYCC18,2020-08-05,,Select One,Outage,11373,Queens,Elmhurst,NYCC21,04 Queens
N3,NYCC18,2020-08-06,,Utilities,,11373,Queens,Elmhurst,NYCC21,04 Queens
"""


def test_a_call_whose_need_is_not_known_is_replayed_like_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export, reference, alerts = tmp_path / "nyc.csv", tmp_path / "reference", tmp_path / "alerts.ndjson"
    export.write_text(NYC, encoding="utf-8")
    assert run(["reference", str(export), "--source", "nyc-council", "--out", str(reference)]) == 0
    capsys.readouterr()
    told = ["--source", "nyc-council", "--reference", str(reference), "--alerts", str(alerts)]
    assert run(["backtest", "--events", str(export), *told, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["calls"], summary["refused"]) == (3, 0)


START = datetime(2025, 1, 6, tzinfo=UTC)
REFERENCE = {
    "areas.csv": "code,parent,name,timezone\ncity,,City,UTC\ncity-1,city,North,UTC\nelse,,Elsewhere,UTC\n",
    "needs.csv": "code,parent,name_en\nBD,,Food\n",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with reference files."""
    (tmp_path / "reference").mkdir()
    for name, body in REFERENCE.items():
        (tmp_path / "reference" / name).write_text(body, encoding="utf-8")
    return tmp_path


def write_calls(place: Path, days: float, *, surge: int = 0, areas: tuple[str, ...] = ("city-1",)) -> Path:
    """One call an hour in each area, and in the end as many more as asked for."""
    moments = [START + timedelta(hours=hour, minutes=5) for hour in range(int(days * 24))]
    moments += [moments[-1] + timedelta(minutes=1 + number) for number in range(surge)]
    rows = [
        {"id": f"{area}-{number}", "source": "crm", "time": moment.isoformat(), "line": "211", "needs": ["BD"]}
        | {"area": area}
        for number, moment in enumerate(moments)
        for area in areas
    ]
    file = place / "calls.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def write_past(place: Path, days: int, *, name: str = "history.ndjson") -> Path:
    """Hourly counts before the calls, as `simulate` writes them."""
    end = int(START.timestamp()) // 3600
    cells = [
        HistoryCell(need, "city-1", hour, "211", 1) for hour in range(end - 24 * days, end) for need in ("BD", CONTACTS)
    ]
    body = b"".join(encode_record(one) + b"\n" for one in history_records("crm", cells, end - 24 * days, end))
    (place / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return place / name


def backtest(place: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[dict[str, Any], str]:
    """Summary and what is said beside it."""
    where = ["--reference", str(place / "reference"), "--alerts", str(place / "alerts.ndjson")]
    events = ["backtest", "--events", str(place / "calls.ndjson"), "--source", "call-event"]
    assert run([*events, *where, "--json", *more]) == 0
    shown = capsys.readouterr()
    return json.loads(shown.out), shown.err


def test_four_days_are_not_watched_and_it_says_how_much_past_is_missing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_calls(place, 4, surge=40)
    summary, said = backtest(place, capsys)
    assert (summary["weeks"], summary["watched_weeks"], summary["alerts_per_week"]) == (0.6, 0.0, None)
    missing = re.search(r"nothing was watched yet: .* and (\d+) hours of them are missing; .*--history FILE", said)
    assert missing is not None
    assert 336 - 96 < int(missing[1]) <= 336 - 96 + 8  # six hours are waited for late calls, the first is a part


def test_alerts_a_week_are_those_of_the_time_in_which_anything_was_watched(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_calls(place, 21, surge=40)
    summary, said = backtest(place, capsys)
    assert "watched yet" not in said
    assert (summary["weeks"], summary["watched_weeks"]) == (3.0, 1.0)
    assert summary["alerts"] >= 1
    assert summary["alerts_per_week"] == pytest.approx(summary["alerts"] / 0.95, rel=0.06)


def test_with_history_the_first_call_is_watched(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_calls(place, 4, surge=40)
    past = write_past(place, 21, name="history.ndjson.gz")
    summary, said = backtest(place, capsys, "--history", str(past))
    assert "watched yet" not in said
    assert summary["watched_weeks"] == summary["weeks"] == 0.6
    told = [json.loads(line) for line in (place / "alerts.ndjson").read_text(encoding="utf-8").splitlines()]
    assert "surge" in {alert["kind"] for alert in told}


def test_a_home_area_that_is_still_learning_beside_one_that_is_watched_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_calls(place, 2, areas=("city-1", "else"))
    summary, said = backtest(place, capsys, "--history", str(write_past(place, 21)))
    assert summary["watched_weeks"] > 0
    assert "else was not watched yet" in said


def test_a_history_that_is_none_names_the_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past = write_past(place, 1)
    past.write_bytes(past.read_bytes() + b'{"kind":"tick","v":1,"at":5}\n')
    write_calls(place, 1)
    where = ["--reference", str(place / "reference"), "--alerts", str(place / "alerts.ndjson")]
    events = ["backtest", "--events", str(place / "calls.ndjson"), "--source", "call-event"]
    assert run([*events, *where, "--history", str(past)]) == 2
    assert "history.ndjson line 2 is not a history record" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "--events needs --source and --reference and --alerts too"),
        (["--source", "call-event", "--alerts", "out"], "--events needs --reference too"),
        (["--reference", "reference", "--alerts", "out"], "--events needs --source too"),
        (
            ["--source", "call-event", "--alerts", "out", "--reference", "nowhere"],
            "--reference nowhere is no folder; give the one that holds areas.csv",
        ),
    ],
)
def test_an_option_that_is_missing_or_wrong_is_named(
    place: Path, given: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_calls(place, 1)
    monkeypatch.chdir(place)
    assert run(["backtest", "--events", "calls.ndjson", *given]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "REFERENCE" not in error
