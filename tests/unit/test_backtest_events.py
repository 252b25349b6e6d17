"""Past calls through the command: what the log takes, the replay takes."""

import json
from pathlib import Path

import pytest

from services.cli.__main__ import run

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
