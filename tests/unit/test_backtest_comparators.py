"""Off-the-shelf detectors: what all of them promise, and what each does where its original goes wrong."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from river import anomaly, time_series

from services.detector.backtest.comparators import ears, river_forecast, river_gaussian, river_trees
from services.detector.backtest.comparators.baseline import local_days, strangeness
from services.detector.backtest.comparators.comparator import NOTHING, hours_of
from services.detector.backtest.comparators.farrington import Past, farrington_weekly, foretold, same_weeks, yearly_past
from services.detector.backtest.comparators.quasi_poisson import fit, upper_tail
from services.detector.backtest.comparators.registry import COMPARATORS, UnknownDetector, comparator
from services.detector.backtest.counts import Counts
from tests.backtest_world import calls, counts_of

WEEKS = 11
YEARS_WEEKS = 52 * 5 + 8
JUDGES_WEEKS = pytest.mark.parametrize("name", [name for name in COMPARATORS if name != "farrington-weekly"])


@pytest.fixture(scope="module")
def quiet() -> Counts:
    return counts_of(calls(WEEKS, series=2))


@JUDGES_WEEKS
def test_a_score_uses_nothing_that_comes_after_it(name: str, quiet: Counts) -> None:
    cut = 10 * 168 + 5
    changed = quiet.hourly.copy()
    changed[:, cut:] = changed[:, cut:] * 3 + 40
    one, other = (COMPARATORS[name].score(counts_of(hours)) for hours in (quiet.hourly, changed))
    assert np.isfinite(one[:, :cut]).any()
    assert np.array_equal(one[:, :cut], other[:, :cut])
    assert not np.array_equal(one, other)


@JUDGES_WEEKS
def test_a_surge_is_stranger_than_any_quiet_hour(name: str, quiet: Counts) -> None:
    surge = slice(10 * 168 + 12, 10 * 168 + 48)
    hours = quiet.hourly.copy()
    hours[0, surge] += 30
    score = COMPARATORS[name].score(counts_of(hours))
    assert score[0, surge.start : surge.stop + 1].max() > score[1:, 5 * 168 :].max()


@JUDGES_WEEKS
@pytest.mark.parametrize(
    "hours", [np.zeros((2, WEEKS * 168)), np.full((2, WEEKS * 168), 4.0)], ids=["silent", "constant"]
)
def test_a_series_that_never_changes_is_not_strange(name: str, hours: np.ndarray) -> None:
    score = COMPARATORS[name].score(counts_of(hours))
    assert not np.isnan(score).any()
    assert score[:, -168:].max() < max(COMPARATORS[name].least, 0.9)


@JUDGES_WEEKS
def test_silence_is_not_a_surge(name: str, quiet: Counts) -> None:
    hours = quiet.hourly.copy()
    hours[:, 10 * 168 :] = 0
    score = COMPARATORS[name].score(counts_of(hours))
    assert score[:, 10 * 168 + 48 :].max() <= np.maximum(score[:, : 10 * 168].max(), COMPARATORS[name].least)


def test_every_comparator_gives_one_column_an_hour_and_its_name_is_its_key(quiet: Counts) -> None:
    for name, one in COMPARATORS.items():
        assert one.name == name
        assert one.line
    end, column = list(COMPARATORS["ears-c2"].steps(quiet))[-1]
    assert (end, len(column)) == (quiet.start + WEEKS * 168 * 3600, len(quiet.names))


def test_an_unknown_name_is_refused_with_all_names() -> None:
    with pytest.raises(UnknownDetector, match=r"river-prophet.*groundswell.*ears-c2.*river-gaussian"):
        comparator("river-prophet")


def test_fine_steps_are_added_up_to_hours() -> None:
    hourly = calls(2)
    whole = counts_of(hourly)
    parted = Counts(
        whole.needs,
        whole.areas,
        whole.need_of,
        whole.start,
        hourly[:, :168],
        np.kron(hourly[:, 168:], np.eye(1, 12)),
        168,
        12,
        whole.calendar,
    )
    assert np.array_equal(hours_of(parted), hourly)


def test_days_are_local_days_also_when_the_clocks_change() -> None:
    days = local_days(counts_of(np.ones((1, 168 * 12)), zone="America/Chicago"))
    assert date.fromordinal(int(days.ordinal[0])) == date(2024, 1, 1)
    assert set(days.calls[0]) == {23.0, 24.0}
    assert date.fromordinal(int(days.ordinal[days.calls[0] == 23.0][0])) == date(2024, 3, 10)
    assert days.at_end(days.calls)[0, days.last_hour[0]] == 24.0


def test_less_than_two_local_midnights_hold_no_day() -> None:
    counts = counts_of(np.ones((1, 26)), zone="America/Chicago")
    assert local_days(counts).calls.shape == (1, 0)
    assert (COMPARATORS["ears-c1"].score(counts) == NOTHING).all()


def test_a_baseline_that_is_too_short_says_nothing() -> None:
    z = strangeness(np.arange(10.0)[None], range(1, 4), least=3)
    assert (z[0, :3] == NOTHING).all()
    assert z[0, 3] == pytest.approx(2.0)


def test_c3_counts_the_day_itself_and_two_before() -> None:
    days = np.tile([4.0, 6.0], 10)[None].copy()
    days[0, 15:18] += 10
    excess = np.maximum(ears.c2(days) - 1, 0)
    assert ears.c3(days)[0, 17] == pytest.approx(excess[0, 15:18].sum())
    assert ears.c3(days)[0, 16] == pytest.approx(excess[0, 14:17].sum())


def test_river_s_holtwinters_would_break_on_a_silent_first_week_and_ours_starts_later() -> None:
    model = time_series.HoltWinters(alpha=0.05, beta=0.001, gamma=0.1, seasonality=168)
    for _ in range(167):
        model.learn_one(0.0)
    with pytest.raises(ZeroDivisionError):
        model.learn_one(0.0)
    late = np.concatenate([np.zeros((1, 2 * 168)), calls(8, series=1)], axis=1)
    late[0, -5] = 60
    score = COMPARATORS["river-holtwinters"].score(counts_of(late))
    assert (score[0, : 4 * 168] == 0).all()
    assert score[0, -5] > 1


def test_river_s_forecast_score_stops_at_one_and_ours_goes_on() -> None:
    step = river_forecast.snarimax()
    for calls_of_hour in calls(6, series=1)[0]:
        step(calls_of_hour)
    large = step(60.0)
    for calls_of_hour in calls(2, series=1, seed=2)[0]:
        step(calls_of_hour)
    assert 1.0 < large < step(600.0)


def test_river_s_gaussian_score_stops_at_one_and_ours_goes_on() -> None:
    ours, theirs = river_gaussian.detector(), anomaly.GaussianScorer()
    for calls_of_hour in calls(4, series=1)[0]:
        ours(calls_of_hour)
        theirs.learn_one(None, calls_of_hour)
    assert theirs.score_one(None, 60.0) == theirs.score_one(None, 200.0) == 1.0
    assert 8 < ours(60.0) < ours(200.0)


@pytest.mark.parametrize(
    "made", [river_gaussian.detector, river_trees.detector, river_forecast.holtwinters, river_forecast.snarimax]
)
def test_river_s_detectors_are_made_one_sided(made: Callable[[], Callable[[float], float]]) -> None:
    step = made()
    for calls_of_hour in calls(5, rate=20.0, series=1)[0]:
        step(calls_of_hour)
    assert step(0.0) == 0.0
    assert step(200.0) > 0.5


def test_trees_of_two_series_with_the_same_calls_say_the_same() -> None:
    hours = np.repeat(calls(4, series=1), 2, axis=0)
    score = river_trees.river_halfspacetrees(counts_of(hours))
    assert np.array_equal(score[0], score[1])
    assert 0 < score.max() <= 1


def test_a_regression_finds_what_made_the_counts_and_how_spread_out_they_are() -> None:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(4000), np.arange(4000) % 2, np.linspace(0, 1, 4000)])
    mean = np.exp(design @ np.array([1.0, 0.5, -0.7]))
    counts = np.stack([rng.poisson(mean), rng.negative_binomial(mean / 2, 1 / 3)]).astype(float)
    found = fit(design, counts)
    assert found.coefficients == pytest.approx(np.tile([1.0, 0.5, -0.7], (2, 1)), abs=0.12)
    assert found.dispersion == pytest.approx([1.0, 3.0], abs=0.3)
    assert found.leverage.sum(axis=1) == pytest.approx([3.0, 3.0])


def test_a_regression_lives_with_a_weekday_on_which_nobody_ever_calls() -> None:
    day = np.arange(70)
    counts = np.where(day % 7 == 6, 0.0, 5.0 + day % 3)[None]
    mean, dispersion = foretold(Past(day, day % 7, 6), 76, np.concatenate([counts, np.zeros((1, 10))], axis=1))
    assert mean[0] < 1e-3
    assert dispersion[0] == 1.0


def test_a_trend_that_leads_above_all_that_was_seen_is_left_out() -> None:
    day = np.arange(70)
    growing, level = np.round(5 * np.exp(0.05 * day)), np.full(70, 20.0)
    counts = np.concatenate([np.stack([growing, level]), np.zeros((2, 30))], axis=1)
    mean, _ = foretold(Past(day, day % 7, 6), 95, counts)
    assert mean[0] < growing.max()
    assert mean[1] == pytest.approx(20.0)


def test_the_tail_is_that_of_a_negative_binomial_and_never_zero() -> None:
    size, probability = 4.0, 1 / 3  # mean 8, variance 24
    below = np.cumsum([_choose(size, k) * probability**size * (1 - probability) ** k for k in range(20)])
    tail = upper_tail(np.arange(20.0), np.full(20, 8.0), np.full(20, 3.0))
    assert tail == pytest.approx(np.concatenate([[1.0], 1 - below[:-1]]))
    assert upper_tail(np.array([1e6]), np.array([1.0]), np.array([1.0]))[0] > 0


def _choose(size: float, k: int) -> float:
    return float(np.prod([(size + i) / (i + 1) for i in range(k)]))


def test_a_week_is_compared_with_ten_groups_of_five_years_without_the_last_half_year() -> None:
    same = same_weeks(300, date(2029, 10, 1))
    past = yearly_past(same)
    assert past is not None
    assert same == [300, 248, 196, 143, 91, 39]
    assert set(past.group) == set(range(10))
    assert past.at.max() == 300 - 27
    assert past.at.min() == same[-1] - 3
    assert (past.group[np.isin(past.at, [248 - 3, 248, 248 + 3])] == past.now).all()


def test_the_29_february_is_compared_with_the_weeks_around_1_march() -> None:
    assert same_weeks(300, date(2028, 2, 29), 4)[1:] == [248, 196, 144, 91]


def test_weekly_farrington_says_nothing_for_five_years_and_then_finds_the_surge() -> None:
    hours = calls(YEARS_WEEKS, rate=0.05, series=2)
    hours[0, (YEARS_WEEKS - 2) * 168 : (YEARS_WEEKS - 1) * 168] += 1
    score = farrington_weekly(counts_of(hours))
    told = np.flatnonzero(np.isfinite(score).any(axis=0))
    assert told[0] >= (5 * 52) * 168
    assert set((told + 1) % 168) == {0}
    assert score[0, (YEARS_WEEKS - 1) * 168 - 1] > 20 > score[1].max()


def test_farrington_does_not_judge_a_series_of_fewer_than_five_calls_in_four_weeks() -> None:
    hours = np.zeros((2, 12 * 168))
    hours[:, -30] = [4, 5]
    score = COMPARATORS["farrington"].score(counts_of(hours))
    assert not np.isfinite(score[0]).any()
    assert score[1].max() > 5
