"""One series as a River estimator and many as arrays are the same model; River's own checks hold where they apply."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river.checks import common

from services.detector.domain.estimator import CountSurgeBank, CountSurgeDetector

WEEK = 168
HOURS = round(2.5 * WEEK)


def dataset() -> list[tuple[dict[str, float], bool]]:
    """Two and a half quiet weeks, then hours of which every fifth is a surge."""
    rng = np.random.default_rng(5)
    rows = []
    for hour in range(HOURS):
        surge = hour > 2.3 * WEEK and hour % 5 == 0
        rows.append(({"count": float(rng.poisson(12.0 if surge else 3.0)), "slot": float(hour % WEEK)}, surge))
    return rows


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    later=st.lists(st.tuples(st.floats(0.01, 300.0), st.sampled_from([1.0, 0.0, 0.3, 4.0])), min_size=2, max_size=5),
)
def test_many_series_as_arrays_and_one_by_one_give_the_same_scores(seed: int, later: list[tuple[float, float]]) -> None:
    """Through warm-up, surges, falls, and a new normal that is accepted after a week."""
    rng = np.random.default_rng(seed)
    rates, factors = np.array(later).T
    usual = np.repeat(rates[None, :], 4 * WEEK, axis=0)
    usual[HOURS:] *= factors
    counts = rng.negative_binomial(3.0, 3.0 / (3.0 + usual)).astype(np.float64)
    together, alone = CountSurgeBank(len(rates)), [CountSurgeDetector() for _ in rates]
    for hour, row in enumerate(counts):
        slot = hour % WEEK
        if hour % 24 == 5:
            expected = [one.score_one({"count": row[i], "slot": slot, "share": 0.5}) for i, one in enumerate(alone)]
            assert together.score_many(row, slot=slot, share=0.5) == pytest.approx(expected, abs=1e-9)
            means = [one.predict_one({"count": 0.0, "slot": slot}) for one in alone]
            assert together.predict(slot).mean == pytest.approx(means, rel=1e-9)
        together.learn_many(row, slot=slot)
        for i, one in enumerate(alone):
            one.learn_one({"count": row[i], "slot": slot})
    assert together.warm


def test_an_explanation_s_parts_multiply_to_what_was_expected() -> None:
    detector = CountSurgeDetector()
    for x, _ in dataset():
        detector.learn_one(x)
    why = detector.explain_one({"count": 9.0, "slot": 30.0, "share": 0.25})
    assert why["expected"] == pytest.approx(why["level"] * why["hour_of_week"] * why["tide"] * why["share"], rel=1e-9)
    assert why["score"] > 3.0
    assert why["hours_to_warm"] == 0.0
    young = CountSurgeDetector()
    assert young.explain_one({"count": 9.0, "slot": 0.0})["hours_to_warm"] == 2 * WEEK
    for hour in range(100):
        young.learn_one({"count": 1.0, "slot": hour})
    assert young.explain_one({"count": 9.0, "slot": 0.0})["hours_to_warm"] == 2 * WEEK - 100


APPLY: list[Callable[..., Any]] = [
    common.check_learn_one,
    common.check_shuffle_features_no_impact,
    common.check_pickling,
    common.check_clone_is_independent,
    common.check_predict_one_before_any_learn,
    common.check_no_state_aliasing_with_input,
    common.check_seeding_is_idempotent,
]
"""With calls as data. Left out: features that appear and vanish, for an hour without a count is not an hour."""


ALONE: list[Callable[..., Any]] = [
    common.check_repr,
    common.check_str,
    common.check_tags,
    common.check_clone_same_class,
    common.check_clone_is_idempotent,
    common.check_init_has_default_params_for_tests,
    common.check_init_default_params_are_not_mutable,
    common.check_doc,
    common.check_get_params_matches_signature,
    common.check_pickling_supports_roundtrip,
]


@pytest.mark.parametrize("check", APPLY, ids=lambda check: str(check.__name__))
def test_river_s_checks_hold_on_hourly_calls(check: Callable[..., Any]) -> None:
    check(CountSurgeDetector(), dataset())


@pytest.mark.parametrize("check", ALONE, ids=lambda check: str(check.__name__))
def test_river_s_checks_of_an_estimator_hold(check: Callable[..., Any]) -> None:
    check(CountSurgeDetector())
