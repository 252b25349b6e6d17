"""From scores to recurrence and budget, and how needs share their week."""

import numpy as np
import pytest

from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.profile import Profiles
from services.detector.domain.rarity import (
    RARE_DAYS,
    budget_needed,
    false_alarms_a_week,
    recurrence_days,
    severity,
    threshold,
)


@pytest.mark.parametrize("budget", [0.1, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("nodes", [1, 20, 5_000])
def test_the_threshold_is_where_the_budget_is_just_needed(budget: float, nodes: int) -> None:
    limit = threshold(budget, nodes)
    assert budget_needed(limit, nodes) == pytest.approx(budget)
    assert budget_needed(limit + 0.1, nodes) < budget < budget_needed(limit - 0.1, nodes)


def test_more_nodes_and_smaller_budgets_ask_for_more() -> None:
    assert threshold(3.0, 100) < threshold(3.0, 1_000)
    assert threshold(3.0, 100) < threshold(1.0, 100)
    assert threshold(3.0, 0) == threshold(3.0, 1)


def test_recurrence_is_the_inverse_of_false_alarms_and_bounded() -> None:
    assert recurrence_days(10.0) == pytest.approx(7.0 / false_alarms_a_week(10.0))
    assert recurrence_days(12.0) > recurrence_days(10.0)
    assert recurrence_days(40.0) == RARE_DAYS


@pytest.mark.parametrize(
    ("days", "excess", "word"),
    [
        (29.9, 1_000, "minor"),
        (30.0, 1, "moderate"),
        (365.0, 9.9, "moderate"),
        (365.0, 10.0, "severe"),
        (3_650.0, 24.9, "severe"),
        (3_650.0, 25.0, "extreme"),
        (3_649.0, 1_000.0, "severe"),
    ],
)
def test_severity_asks_for_rarity_and_for_calls(days: float, excess: float, word: str) -> None:
    assert severity(days, excess) == word


def learned(shape: np.ndarray, weeks: int, needs: int = 1) -> Profiles:  # type: ignore[type-arg]
    profiles = Profiles()
    profiles.grow(needs)
    for hour in range(weeks * WEEK_HOURS):
        calls = np.zeros(needs)
        calls[0] = shape[hour % WEEK_HOURS]
        profiles.learn(hour % WEEK_HOURS, calls, np.ones(needs))
    return profiles


DAILY = 10.0 * (1.0 + np.sin(np.arange(WEEK_HOURS) / 24 * 2 * np.pi))


def factors(profiles: Profiles, need: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([profiles.factors(slot)[need] for slot in range(WEEK_HOURS)])


def test_before_anything_is_learned_every_hour_is_alike() -> None:
    profiles = Profiles()
    profiles.grow(2)
    assert factors(profiles, 1) == pytest.approx(np.ones(WEEK_HOURS))


@pytest.mark.parametrize("pooled", [True, False])
def test_a_home_area_whose_calls_have_named_no_need_yet_has_no_profiles(pooled: bool) -> None:
    profiles = Profiles(pooled=pooled)
    profiles.grow(0)
    profiles.learn(3, np.zeros(0), np.zeros(0))
    assert profiles.factors(3).shape == (0,)


def test_a_daily_course_is_learned_in_two_weeks_and_its_mean_is_one() -> None:
    found = factors(learned(DAILY, 2))
    assert found.mean() == pytest.approx(1.0, abs=0.01)
    assert np.corrcoef(found, DAILY)[0, 1] > 0.97
    assert found.min() >= 0.01
    assert np.abs(factors(learned(DAILY, 10)) - DAILY / 10.0).mean() < np.abs(found - DAILY / 10.0).mean()


def test_a_need_without_calls_takes_the_course_of_the_pool() -> None:
    profiles = learned(DAILY, 6, needs=2)
    assert np.corrcoef(factors(profiles, 1), factors(profiles, 0))[0, 1] > 0.99


def test_a_new_need_has_been_silent_so_far_and_changes_no_other() -> None:
    profiles = learned(DAILY, 3)
    before = factors(profiles)
    profiles.grow(5)
    assert factors(profiles) == pytest.approx(before, rel=1e-6)
    assert np.isfinite(factors(profiles, 4)).all()


def test_an_hour_that_is_not_believed_changes_nothing() -> None:
    profiles = learned(DAILY, 3)
    before = factors(profiles)
    profiles.learn(5, np.array([1_000.0]), np.zeros(1))
    assert factors(profiles) == pytest.approx(before)
