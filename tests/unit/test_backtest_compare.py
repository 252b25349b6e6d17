"""Judging detectors: budgets, episodes, delays, truth files, and the command that prints the table."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from services.cli.__main__ import run
from services.detector.backtest.protocol import (
    Run,
    delay_seconds,
    episodes,
    false_alarm_rate,
    judge,
    lowest_threshold,
    shared,
)
from services.detector.backtest.rows import Rows, collect
from services.detector.backtest.truth import BadTruth, Surge, Truth, read_truth
from tests.backtest_world import SERIES, calls, write_folder, write_truth

HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
ALL = np.ones(2, bool)


def rows(*of: tuple[int, float, float]) -> Rows:
    """Rows of (series, hour, score)."""
    series, hour, score = zip(*of, strict=True) if of else ((), (), ())
    return Rows(np.array(series, np.int64), np.array(hour, np.int64) * HOUR, np.array(score, float))


def judged(found: Rows, *surges: Surge) -> Run:
    """A run over one week of two series."""
    quiet = np.array([i not in {member for surge in surges for member in surge.members} for i in range(2)])
    return Run(found, Truth(0, WEEK, surges, quiet), HOUR)


def test_an_episode_ends_after_a_quiet_day_and_each_series_has_its_own() -> None:
    series, time = episodes(rows((0, 1, 9.0), (0, 2, 9.0), (0, 26, 9.0), (0, 51, 9.0), (1, 52, 9.0)), 8.0, ALL)
    assert series.tolist() == [0, 0, 1]
    assert (time // HOUR).tolist() == [1, 51, 52]


def test_the_threshold_is_the_lowest_score_that_keeps_the_budget() -> None:
    run = judged(rows((0, 1, 3.0), (0, 60, 5.0), (1, 5, 4.0)))
    assert [lowest_threshold([run], budget) for budget in (0.0, 0.5, 1.0, 2.0)] == [5.0, 4.0, 3.0, 0.0]
    assert false_alarm_rate([run], 3.5) == pytest.approx(1.0)


def test_a_series_with_a_surge_sets_no_threshold_and_raises_no_false_alarm() -> None:
    run = judged(rows((0, 1, 50.0), (1, 5, 4.0)), Surge("step", 0, DAY, (0,)))
    assert lowest_threshold([run], 0.0) == 4.0
    assert false_alarm_rate([run], 3.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("hour", "delay_hours"),
    [(100, np.inf), (101, 1.0), (130, 30.0), (131, np.inf)],
    ids=["at onset", "after an hour", "the interval that ends it", "too late"],
)
def test_a_surge_is_found_between_onset_and_end(hour: int, delay_hours: float) -> None:
    surge = Surge("step", 100 * HOUR, 130 * HOUR, (0,))
    run = judged(rows((0, hour, 9.0), (1, 110, 20.0)), surge)
    assert delay_seconds(run, surge, 8.0) == delay_hours * HOUR


def test_a_surge_of_a_week_is_missed_when_the_first_three_days_are() -> None:
    surge = Surge("step", 0, WEEK, (0,))
    run = judged(rows((0, 74, 9.0)), surge)
    assert delay_seconds(run, surge, 8.0) == np.inf
    verdict = judge([judged(rows())], [run], 0.01)
    assert (verdict.found, verdict.rmd72_hours) == (0.0, 72.0)


def test_sudden_jumps_do_not_count_for_the_share_that_is_found() -> None:
    jump = Surge("jump", 0, DAY, (0,))
    assert judge([judged(rows())], [judged(rows((0, 5, 9.0)), jump)], 0.01).surges == 0


def test_a_detector_without_any_score_finds_nothing_and_raises_nothing() -> None:
    verdict = judge([judged(rows())], [judged(rows(), Surge("step", 0, DAY, (0,)))], 0.01)
    assert (verdict.threshold, verdict.false_alarms, verdict.found) == (0.0, 0.0, 0.0)


def test_alarms_agree_within_a_day_on_the_same_series() -> None:
    one = rows((0, 30, 9.0), (0, 90, 9.0), (1, 30, 9.0))
    other = rows((0, 6, 5.0), (0, 60, 5.0), (0, 115, 5.0), (1, 54, 5.0))
    assert shared(one, other, 8.0, 4.0, ALL) == pytest.approx(2 / 3)
    assert np.isnan(shared(rows(), other, 8.0, 4.0, ALL))
    assert shared(one, rows(), 8.0, 4.0, ALL) == 0.0


def test_rows_are_what_reaches_the_least_score_sorted_by_series_within_the_judged_time() -> None:
    steps = [(1 * HOUR, np.array([1.0, 3.0])), (2 * HOUR, np.array([4.0, -np.inf])), (3 * HOUR, np.array([5.0, 6.0]))]
    found = collect(iter(steps), 3.0)
    assert found.time.tolist() == [HOUR, 2 * HOUR, 3 * HOUR, 3 * HOUR]
    inside = found.between(HOUR, 3 * HOUR)
    assert inside.series.tolist() == [0, 0, 1]
    assert inside.score.tolist() == [4.0, 5.0, 6.0]
    assert inside.step_seconds(0, 300) == HOUR
    assert collect(iter([(300, np.array([3.0]))]), 1.0).step_seconds(0, 300) == 300


def test_a_truth_of_other_counts_is_refused(tmp_path: Path) -> None:
    folder = write_truth(tmp_path / "truth", hours=168, test_from=0)
    with pytest.raises(BadTruth, match="truth of other counts"):
        read_truth(folder, SERIES[:2])
    with pytest.raises(BadTruth, match=r"no truth\.json"):
        read_truth(tmp_path, SERIES)
    (folder / "truth.json").write_text('{"series": []}')
    with pytest.raises(BadTruth, match="other counts"):
        read_truth(folder, SERIES)
    (folder / "truth.json").write_text("[")
    with pytest.raises(BadTruth, match="malformed"):
        read_truth(folder, SERIES)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """calm and truth-calm, stormy (one strong surge in the last week) and truth-stormy: six weeks each."""
    folder, hours = tmp_path_factory.mktemp("world"), 6 * 168
    stormy = calls(6, seed=2)
    stormy[1, 5 * 168 + 30 : 5 * 168 + 60] += 25
    write_folder(folder / "calm", calls(6))
    write_folder(folder / "stormy", stormy)
    write_truth(folder / "truth-calm", hours=hours, test_from=4 * 168)
    surge = {"series": 1, "onset": 5 * 168 + 30, "end": 5 * 168 + 60}
    write_truth(folder / "truth-stormy", surge, hours=hours, test_from=4 * 168)
    return folder


def test_the_scores_of_a_comparator_are_a_scores_file_like_any_other(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    assert run(["backtest", "--counts", str(world / "stormy"), "--scores", str(out), "--detector", "ears-c2"]) == 0
    table = pq.read_table(out)
    assert table.column_names == ["time", "area", "need", "score"]
    strangest = table.sort_by([("score", "descending")]).slice(0, 1).to_pylist()[0]
    assert (strangest["need"], strangest["area"]) == SERIES[1]
    assert strangest["time"].hour == 0
    assert min(table["score"].to_pylist()) >= 1.0


def test_a_wrong_name_is_status_2_and_lists_the_right_ones(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.parquet"
    assert run(["backtest", "--counts", str(world / "calm"), "--scores", str(out), "--detector", "prophet"]) == 2
    said = capsys.readouterr().err
    for name in ("prophet", "groundswell", "river-holtwinters", "farrington"):
        assert name in said
    assert not out.exists()


def test_compare_sets_thresholds_on_the_first_folder_and_measures_on_the_second(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["backtest", "--compare", "--detectors", "groundswell,ears-c2,gaussian-cusum", "--json"]
    for name in ("calm", "stormy"):
        arguments += ["--counts", str(world / name), "--truth", str(world / f"truth-{name}")]
    assert run([*arguments, "--false-alarms", "0.1"]) == 0
    shown = capsys.readouterr()
    lines = {line["detector"]: line for line in json.loads(shown.out)}
    assert set(lines) == {"groundswell", "ears-c2", "gaussian-cusum"}
    assert lines["groundswell"]["pod"] == lines["gaussian-cusum"]["pod"] == 1.0
    assert lines["groundswell"]["rmd72_hours"] < lines["ears-c2"]["rmd72_hours"]
    assert all(line["calibrated_false_alarms"] <= 0.1 and line["threshold"] > 0 for line in lines.values())
    assert "ears-c2 on calm" in shown.err


def test_the_table_names_threshold_false_alarms_and_delay_of_each(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["backtest", "--compare", "--detectors", "ears-c1,daily-z,farrington-weekly", "--calibrate", "1"]
    for name in ("calm", "stormy"):
        arguments += ["--counts", str(world / name), "--truth", str(world / f"truth-{name}")]
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.count("daily-z") == 2
    assert "at 0.003 false alarms per series-week (1 surges)" in shown
    assert "farrington-weekly    has no score here" in shown


def test_without_truth_all_alarm_equally_often_and_the_table_says_how_far_they_agree(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["backtest", "--compare", "--counts", str(world / "stormy"), "--detectors", "ears-c1,gaussian-cusum"]
    assert run([*base, "--false-alarms", "0.5", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert all(0 < line["alarms_per_series_week"] <= 0.5 for line in lines)
    assert 0 < lines[0]["agreement"]["gaussian-cusum"] <= 1
    assert run([*base, "--false-alarms", "0.5"]) == 0
    assert "share of the row's alarms" in capsys.readouterr().out


def test_a_figure_that_says_nothing_is_null(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of weeks is too short for Farrington's years: it has no score, so nothing to agree with."""

    def no_number(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    base = ["backtest", "--compare", "--counts", str(world / "stormy"), "--detectors", "ears-c1,farrington-weekly"]
    assert run([*base, "--false-alarms", "0.5", "--json"]) == 0
    lines = {line["detector"]: line for line in json.loads(capsys.readouterr().out, parse_constant=no_number)}
    assert lines["farrington-weekly"]["agreement"] == {"ears-c1": None}
    assert lines["ears-c1"]["agreement"] == {"farrington-weekly": 0.0}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--compare"], "--counts"),
        (["--compare", "--counts", "calm", "--truth", "truth-calm"], "at least two"),
        (["--compare", "--counts", "calm", "--counts", "stormy", "--truth", "truth-calm"], "one truth for each"),
        (["--compare", "--counts", "calm", "--calibrate", "1"], "needs --truth"),
        (["--compare", "--counts", "calm", "--detectors", "ears-c9"], "there is no detector ears-c9"),
        (["--compare", "--counts", "nowhere"], "nowhere is not a folder of counts"),
        (["--compare", "--counts", "calm", "--scores", "calm"], "no --scores"),
        (["--counts", "calm"], "--scores"),
        (["--counts", "calm", "--scores", "out", "--history", "past"], "--history goes with --events"),
        (["--counts", "calm", "--counts", "stormy", "--scores", "out"], "--compare"),
        (["--counts", "calm", "--scores", "out", "--every", "2h"], "--every is one of"),
    ],
)
def test_wrong_use_is_status_2_and_says_what_to_do(
    arguments: list[str],
    word: str,
    world: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(world)
    assert run(["backtest", *arguments]) == 2
    assert word in capsys.readouterr().err
