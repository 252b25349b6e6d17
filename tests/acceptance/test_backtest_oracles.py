"""EARS and Farrington against the figures of R's `surveillance` 1.20.3, number by number.

Matched: limits and alarms of C1 and C2 (to 1e-9), with no floor under the standard deviation; the sums of C2 that R's
C3 is made of (to 1e-9); farringtonFlexible with nbPlugin, ten periods, trend always, 26 weeks left out: expected counts
(to 1e-5 of them), every limit and every alarm; every alarm of 168 simulated series.

Not matched, on purpose: R's C3 limit as such (it leaves the day itself out; ours is the CDC's sum of three days), the
"delta" and "muan" thresholds, and the settings of the original Farrington (one period, trend by its p-value).
"""

import csv
from datetime import date, timedelta
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pyarrow.csv
import pytest
from numpy.typing import NDArray

from services.detector.backtest.comparators import ears
from services.detector.backtest.comparators.baseline import earlier
from services.detector.backtest.comparators.farrington import foretold, same_weeks, surprise, yearly_past
from services.detector.backtest.comparators.quasi_poisson import upper_tail

Floats = NDArray[np.float64]
SERIES = {"agona": "salmonella.agona.csv", "newport": "salmNewport.csv"}
YEARS = 4
FIRST, WEEKS = 575, 624
BEGIN = date(2000, 1, 3)
EVERY_SEVENTH = 7
BOTH = pytest.mark.parametrize("name", list(SERIES))


@pytest.fixture(scope="session")
def r_data(shared_data: Path) -> Path:
    """Series and figures of the R package."""
    return shared_data / "surveillance_datasets"


def series(folder: Path, name: str) -> tuple[list[date], Floats]:
    """Weeks and counts, summed over regions."""
    total: dict[str, int] = {}
    with (folder / SERIES[name]).open() as lines:
        for row in csv.DictReader(lines):
            total[row["date"]] = total.get(row["date"], 0) + int(row["observed"])
    return [date.fromisoformat(day) for day in total], np.array(list(total.values()), float)[None]


def figures(folder: Path, name: str) -> dict[str, Floats]:
    """Columns of R's output for the newest weeks."""
    with (folder / "reference_outputs" / f"{name}.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0] if column != "date"}


@BOTH
@pytest.mark.parametrize("method", ["C1", "C2"])
def test_limits_and_alarms_of_ears_are_those_of_r(name: str, method: str, r_data: Path) -> None:
    _, counts = series(r_data, name)
    theirs = figures(r_data, f"{name}_ears{method}")
    weeks = len(theirs["observed"])
    assert np.array_equal(counts[0, -weeks:], theirs["observed"])
    mean, sd = earlier(counts, ears.C1_LAGS if method == "C1" else ears.C2_LAGS)
    strange = NormalDist().inv_cdf(0.999)
    assert (mean + strange * sd)[0, -weeks:] == pytest.approx(theirs["upperbound"], rel=1e-9)
    ours = (ears.c1 if method == "C1" else ears.c2)(counts, least_sd=1e-12)[0, -weeks:]
    assert np.array_equal(ours > strange, theirs["alarm"] == 1)


@BOTH
def test_the_sums_in_r_s_c3_are_sums_of_our_c2(name: str, r_data: Path) -> None:
    _, counts = series(r_data, name)
    theirs = figures(r_data, f"{name}_earsC3")
    weeks = len(theirs["observed"])
    excess = np.maximum(ears.c2(counts, least_sd=1e-12) - 1.0, 0.0)
    two_before = excess[0, -weeks - 1 : -1] + excess[0, -weeks - 2 : -2]
    _, sd = earlier(counts, ears.C2_LAGS)
    limit = counts[0, -weeks:] + sd[0, -weeks:] * (NormalDist().inv_cdf(0.975) - two_before)
    assert np.maximum(limit, 0.0) == pytest.approx(theirs["upperbound"], rel=1e-9)


@BOTH
@pytest.mark.parametrize("alpha", ["0.01", "0.005"])
def test_expected_counts_limits_and_alarms_of_flexible_farrington_are_those_of_r(
    name: str, alpha: str, r_data: Path
) -> None:
    weeks, counts = series(r_data, name)
    theirs = figures(r_data, f"{name}_farringtonFlexible_nbPlugin_a{alpha}")
    first = len(weeks) - len(theirs["observed"])
    for i, (expected, limit, alarm) in enumerate(
        zip(theirs["expected"], theirs["upperbound"], theirs["alarm"], strict=True)
    ):
        now = first + i
        same = same_weeks(now, weeks[now], YEARS) if name == "newport" else [now - 52 * back for back in range(5)]
        past = yearly_past(same)
        assert past is not None
        mean, dispersion = foretold(past, now, counts)
        assert mean[0] == pytest.approx(expected, rel=1e-5)
        assert upper_tail(np.array([limit + 1.0]), mean, dispersion)[0] <= float(alpha)
        assert upper_tail(np.array([limit]), mean, dispersion)[0] > float(alpha)
        score = surprise(past, now, counts, enough=0.0)[0]
        assert (score >= -np.log(float(alpha))) == (alarm == 1), weeks[now]


def test_every_seventh_simulated_series_alarms_when_r_s_does_and_farrington_beats_ears(shared_data: Path) -> None:
    folder = shared_data / "outbreak_sim_weekly"
    table = pyarrow.csv.read_csv(folder / "simulated_series_42x25.csv.gz")
    chosen = np.flatnonzero(table["rep"].to_numpy().reshape(-1, WEEKS)[:, 0] % EVERY_SEVENTH == 1)
    baseline, past, current = (
        table[column].to_numpy().reshape(-1, WEEKS)[chosen].astype(float)
        for column in ("baseline", "past_outbreak", "current_outbreak")
    )
    quiet, outbreak = baseline + past, baseline + past + current
    with (folder / "reference_R_surveillance_per_run.csv").open() as lines:
        rows = {(row["scenario"], row["rep"]): row for row in csv.DictReader(lines)}
    keys = zip(*(table[c].to_numpy().reshape(-1, WEEKS)[chosen, 0] for c in ("scenario", "rep")), strict=True)
    runs = [rows[str(scenario), str(rep)] for scenario, rep in keys]
    assert len(runs) == 42 * 4

    quiet_score, outbreak_score = farrington_both(quiet, outbreak)
    assert [int(row["ff_fp"]) for row in runs] == (quiet_score > -np.log(0.005)).sum(axis=1).tolist()
    assert [row["ff_det"] == "1" for row in runs] == found(outbreak_score, -np.log(0.005), runs)
    c2_quiet, c2_outbreak = (ears.c2(counts, least_sd=1e-12)[:, FIRST:] for counts in (quiet, outbreak))
    alpha = NormalDist().inv_cdf(0.999)
    assert [int(row["C2_fp"]) for row in runs] == (c2_quiet > alpha).sum(axis=1).tolist()
    assert [row["C2_det"] == "1" for row in runs] == found(c2_outbreak, alpha, runs)

    at_equal_rate = {
        "farrington": np.mean(found(outbreak_score, np.quantile(quiet_score, 0.99), runs)),
        "ears": np.mean(found(c2_outbreak, np.quantile(c2_quiet, 0.99), runs)),
    }
    assert at_equal_rate["farrington"] > at_equal_rate["ears"] + 0.2


def farrington_both(quiet: Floats, outbreak: Floats) -> tuple[Floats, Floats]:
    """Scores of the last 49 weeks; one fit serves both, for 26 weeks are left out and no outbreak lasts that long."""
    both = []
    for week in range(FIRST, WEEKS):
        past = yearly_past(same_weeks(week, BEGIN + timedelta(weeks=week)))
        assert past is not None
        mean, dispersion = foretold(past, week, quiet)
        both.append([-np.log(upper_tail(counts[:, week], mean, dispersion)) for counts in (quiet, outbreak)])
    scores = np.array(both)
    return scores[:, 0].T, scores[:, 1].T


def found(score: Floats, threshold: float, runs: list[dict[str, str]]) -> list[bool]:
    """Whether any week of each run's outbreak is above the threshold."""
    return [
        bool((score[i, int(row["start"]) - FIRST - 1 : int(row["end"]) - FIRST] > threshold).any())
        for i, row in enumerate(runs)
    ]
