"""The model of a series: levels, dispersion, CUSUMs, and the mistakes that real series once exposed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.detector.domain.bank import SIZES, TUNING, Bank, advance

WEEK = 168
Hours = NDArray[np.float64]


def learn(series: Hours, *, bank: Bank | None = None, profile: Hours | None = None) -> tuple[Bank, Hours]:
    """Learn hours (rows) of nodes (columns); returns the bank and the weights that hours were learned with."""
    bank = bank or Bank()
    bank.grow(series.shape[1])
    weights: list[Hours] = []
    for row in series:
        slot = bank.hours % WEEK
        factor = np.full(series.shape[1], 1.0 if profile is None else profile[slot])
        weights.append(bank.learn_many(row.astype(np.float64), bank.predict_many(factor), factor, bank.hours))
        if bank.hours % 24 == 0:
            bank.end_day()
    return bank, np.array(weights)


def poisson(mean: float, weeks: float, seed: int = 1) -> Hours:
    return np.random.default_rng(seed).poisson(mean, (round(WEEK * weeks), 1)).astype(np.float64)


def score_of(bank: Bank, observed: float, share: float = 1.0) -> float:
    """Score of the next hour of the first node."""
    after = advance(bank.sealed_scores(), np.array([observed]), bank.predict_many(np.ones(1)), bank.hours, share)
    return float(after.best()[0])


@pytest.mark.parametrize("rate", [0.1, 1.0, 10.0, 100.0, 1_000.0, 30_000.0])
def test_the_level_of_a_steady_series_is_found_within_three_weeks_whatever_its_size(rate: float) -> None:
    bank, _ = learn(poisson(rate, 3))
    assert bank.level()[0] == pytest.approx(rate, rel=0.05 if rate >= 1 else 0.4)


def test_the_level_is_found_through_a_weekly_profile() -> None:
    profile = 1.0 + 0.9 * np.sin(np.arange(WEEK) / 24 * 2 * np.pi)
    rng = np.random.default_rng(3)
    series = rng.poisson(20.0 * profile[np.arange(4 * WEEK) % WEEK])[:, None].astype(np.float64)
    bank, _ = learn(series, profile=profile)
    assert bank.level()[0] == pytest.approx(20.0, rel=0.05)
    assert bank.kappa()[0] < 0.05


def test_before_two_seasons_nothing_is_doubted_so_a_wrong_first_guess_is_not_frozen() -> None:
    bank, weights = learn(poisson(50.0, 2))
    assert (weights == 1.0).all()
    assert (bank.up == 0.0).all()
    assert bank.careful
    assert not learn(poisson(50.0, 1.9))[0].careful


def test_an_overdispersed_series_moves_its_level_less_than_a_poisson_one() -> None:
    steady, _ = learn(poisson(20.0, 6))
    rng = np.random.default_rng(2)
    wild, _ = learn(rng.negative_binomial(1.0, 1.0 / 21.0, (6 * WEEK, 1)).astype(np.float64))
    assert wild.kappa()[0] > 0.5 > 0.05 > steady.kappa()[0]
    moved = []
    for bank in (steady, wild):
        before = bank.level()[0]
        learn(np.full((1, 1), before + 6.0), bank=bank)
        moved.append(bank.level()[0] - before)
    assert 0 < moved[1] < 0.5 * moved[0]


def test_after_two_seasons_a_wild_series_has_told_less_than_a_steady_one() -> None:
    rng = np.random.default_rng(2)
    wild, _ = learn(rng.negative_binomial(1.0, 1.0 / 21.0, (2 * WEEK, 1)).astype(np.float64))
    steady, _ = learn(poisson(20.0, 2))
    assert wild.level()[0] == pytest.approx(20.0, rel=0.2)
    assert wild.level_b[0] < 0.3 * steady.level_b[0]


def test_the_first_guess_weighs_little_against_two_weeks() -> None:
    bank, _ = learn(np.full((2 * WEEK, 1), 400.0))
    assert bank.level()[0] == pytest.approx(400.0, rel=0.02)


def test_dispersion_is_not_learned_before_a_season_has_been_seen() -> None:
    daily = np.where(np.arange(WEEK) % 24 < 12, 40.0, 0.0)[:, None]
    bank, _ = learn(daily)
    assert bank.kappa()[0] == pytest.approx(TUNING.kappa, rel=0.01)
    assert (bank.kappa_den == 0.0).all()


def test_dispersion_of_a_seasonal_series_does_not_run_away_once_its_profile_is_known() -> None:
    profile = np.where(np.arange(WEEK) % 24 < 12, 1.9, 0.1)
    rng = np.random.default_rng(4)
    series = rng.poisson(30.0 * profile[np.arange(5 * WEEK) % WEEK])[:, None].astype(np.float64)
    bank, _ = learn(series[:WEEK])
    learn(series[WEEK:], bank=bank, profile=profile)
    assert bank.kappa()[0] < 0.1


def test_dispersion_of_a_negative_binomial_series_is_found() -> None:
    rng = np.random.default_rng(5)
    bank, _ = learn(rng.negative_binomial(2.0, 2.0 / 12.0, (10 * WEEK, 1)).astype(np.float64))
    assert bank.kappa()[0] == pytest.approx(0.5, rel=0.4)


def test_calls_that_come_singly_are_hardly_ever_taken_for_clumps_and_clumps_are_found() -> None:
    singly = np.concatenate([poisson(rate, 6, seed) for seed, rate in enumerate([0.02, 0.05, 0.1, 0.3] * 5)], axis=1)
    alone, _ = learn(singly)
    assert (alone.clump() > 0.0).mean() <= 0.25
    assert alone.clump().max() < 0.1
    threes, _ = learn(3.0 * singly)
    assert (threes.clump() > 0.4).all()


def test_the_cusum_is_capped_so_that_a_huge_surge_does_not_linger() -> None:
    bank, _ = learn(np.concatenate([poisson(5.0, 4), np.full((48, 1), 500.0)]))
    assert bank.up.max() == TUNING.cap_nats
    learn(poisson(5.0, 1, seed=9), bank=bank)
    assert bank.sealed_scores().best()[0] < 3.0


def test_a_surge_is_not_learned_as_the_new_normal() -> None:
    before, _ = learn(poisson(5.0, 4))
    level = before.level()[0]
    after, weights = learn(np.full((48, 1), 40.0), bank=before)
    assert weights[1:].max() == pytest.approx(0.05)
    assert after.level()[0] == pytest.approx(level, rel=0.15)


def test_a_level_that_stays_for_more_than_a_week_is_the_new_normal() -> None:
    bank, _ = learn(np.concatenate([poisson(5.0, 4), poisson(10.0, 3, seed=6)]))
    assert bank.level()[0] == pytest.approx(10.0, rel=0.15)


def test_a_need_that_is_first_asked_for_after_a_quarter_is_known_within_a_month() -> None:
    bank, _ = learn(poisson(1.0, 13))
    bank.grow(2)
    assert bank.level()[1] == pytest.approx(0.01, abs=0.005)
    learn(np.random.default_rng(7).poisson(1.0, (4 * WEEK, 2)).astype(np.float64), bank=bank)
    assert bank.level()[1] == pytest.approx(1.0, rel=0.3)


def test_one_wild_hour_hardly_moves_the_level() -> None:
    bank, _ = learn(poisson(5.0, 4))
    before = bank.level()[0]
    learn(np.full((1, 1), 100_000.0), bank=bank)
    assert bank.level()[0] == pytest.approx(before, rel=0.05)


def test_an_enormous_series_does_not_forget_in_half_an_hour() -> None:
    bank, _ = learn(poisson(30_000.0, 4))
    before = bank.level()[0]
    learn(np.full((1, 1), 60_000.0), bank=bank)
    assert bank.level()[0] == pytest.approx(before, rel=0.02)
    learn(poisson(30_000.0, 1, seed=8), bank=bank)
    assert bank.level()[0] == pytest.approx(30_000.0, rel=0.02)


def test_a_month_of_silence_brings_no_rise_and_the_return_is_learned_again() -> None:
    bank, _ = learn(poisson(5.0, 4))
    learn(np.zeros((30 * 24, 1)), bank=bank)
    assert bank.up.max() == 0.0
    assert bank.down[0] == TUNING.cap_nats
    assert 0.0 < bank.level()[0] < 5.0
    learn(poisson(5.0, 6, seed=11), bank=bank)
    assert bank.level()[0] == pytest.approx(5.0, rel=0.2)


def test_a_series_of_zeros_stays_finite_and_a_single_call_does_not_alarm() -> None:
    bank, _ = learn(np.zeros((6 * WEEK, 2)))
    assert all(np.isfinite(column).all() for column in bank.columns().values())
    assert bank.level()[0] == TUNING.least_rate
    after = advance(bank.sealed_scores(), np.array([1.0, 0.0]), bank.predict_many(np.ones(2)), bank.hours)
    assert 0.0 < after.best()[0] < 8.0
    assert after.best()[1] == 0.0


def test_scoring_changes_nothing_and_knows_nothing_of_what_comes() -> None:
    bank, _ = learn(poisson(5.0, 4))
    before = {name: column.copy() for name, column in bank.columns().items()}
    first = score_of(bank, 9.0)
    score_of(bank, 500.0)
    assert score_of(bank, 9.0) == first
    assert all((before[name] == column).all() for name, column in bank.columns().items())


def test_what_was_learned_until_an_hour_does_not_depend_on_the_hours_after() -> None:
    quiet, wild = poisson(5.0, 4), poisson(5.0, 4)
    wild[-24:] = 400.0
    one, _ = learn(quiet[:-24])
    other, _ = learn(wild[:-24])
    assert score_of(one, 9.0) == score_of(other, 9.0)
    assert all((one.columns()[name] == column).all() for name, column in other.columns().items())


def test_scores_rise_with_the_count_and_the_same_count_says_more_the_earlier_it_comes() -> None:
    bank, _ = learn(poisson(5.0, 4))
    scores = [score_of(bank, calls) for calls in (5, 10, 20, 40)]
    assert scores == sorted(scores)
    assert score_of(bank, 7.0, share=0.4) > score_of(bank, 7.0, share=0.6) > score_of(bank, 7.0)
    assert score_of(bank, 0.5, share=0.1) < 3.0


def test_one_hour_says_no_more_than_a_street_of_reports_at_once_and_two_hours_say_more() -> None:
    bank, _ = learn(poisson(5.0, 4))
    assert score_of(bank, 4_000.0) == score_of(bank, 400.0) <= TUNING.hour_most + 3.0
    learn(np.full((1, 1), 400.0), bank=bank)
    assert score_of(bank, 400.0) > TUNING.hour_most + 8.0


def test_a_fall_never_raises_the_upward_score() -> None:
    bank, _ = learn(poisson(20.0, 4))
    assert score_of(bank, 0.0) <= float(bank.sealed_scores().best()[0])


def test_a_run_begins_in_the_bucket_in_which_its_score_left_zero() -> None:
    bank, _ = learn(np.full((4 * WEEK, 1), 5.0))
    prediction, scores = bank.predict_many(np.ones(1)), bank.sealed_scores()
    assert scores.up.max() == 0.0
    for bucket, calls in ((1_000, 5.0), (1_001, 30.0), (1_002, 30.0)):
        scores = advance(scores, np.array([calls]), prediction, bucket)
    assert scores.run[0, SIZES.tolist().index(8.0)] == 1_001


def test_rows_of_a_bank_do_not_depend_on_their_neighbours_beyond_the_pool() -> None:
    one, _ = learn(poisson(5.0, 3))
    both, _ = learn(np.concatenate([poisson(5.0, 3), np.zeros((3 * WEEK, 1))], axis=1))
    assert both.level()[0] == pytest.approx(one.level()[0], rel=1e-6)
    assert both.kappa()[0] == pytest.approx(one.kappa()[0], rel=1e-6)


def test_growing_keeps_what_was_learned_and_a_new_node_was_silent_so_far() -> None:
    bank, _ = learn(poisson(5.0, 3))
    before = bank.level()[0]
    bank.grow(500)
    assert bank.level()[0] == before
    assert bank.level()[499] == TUNING.least_rate
    bank.grow(10)
    assert bank.size == 500


def test_a_restored_bank_goes_on_exactly() -> None:
    bank, _ = learn(poisson(5.0, 3))
    again = Bank.restored(bank.size, bank.hours, bank.columns())
    more = poisson(6.0, 1, seed=4)
    learn(more, bank=bank)
    learn(more, bank=again)
    assert all((bank.columns()[name] == column).all() for name, column in again.columns().items())


def test_forgetting_scores_touches_the_named_nodes_only() -> None:
    bank, _ = learn(np.concatenate([poisson(5.0, 3), np.full((6, 1), 60.0)]).repeat(2, axis=1))
    bank.forget_scores(np.array([1]))
    assert bank.up[0].max() > 10.0
    assert bank.up[1].max() == 0.0
