"""From the score of a trend or a drop to the budget that it needs, and back."""

import pytest

from services.detector.domain import drops, trends
from services.detector.domain.cases import Case
from services.detector.domain.chances import Table, budget_needed


@pytest.mark.parametrize("table", [trends.CHANCE, drops.CHANCE], ids=["trend", "drop"])
@pytest.mark.parametrize("budget", [0.1, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("nodes", [1, 20, 5_000])
@pytest.mark.parametrize("real", [1.0, 0.45])
def test_the_threshold_is_where_the_budget_is_just_needed(table: Table, budget: float, nodes: int, real: float) -> None:
    limit = table.threshold(budget, nodes, real)
    needed = [budget_needed(table.false_a_week(limit + more, real), nodes) for more in (-0.1, 0.0, 0.1)]
    assert needed[1] == pytest.approx(budget)
    assert needed[0] > budget > needed[2]


@pytest.mark.parametrize("table", [trends.CHANCE, drops.CHANCE], ids=["trend", "drop"])
def test_where_the_real_past_is_wilder_than_the_table_the_same_score_is_less_rare(table: Table) -> None:
    assert table.false_a_week(5.0, 0.25) == pytest.approx(4.0 * table.false_a_week(5.0))


def test_what_was_raised_never_needs_a_larger_budget_later() -> None:
    case = Case("drop", "BD", "tx", since=0, raised_at=0)
    case.rise_to(12.0, 0.001, 100)
    needed = case.budget_needed
    case.rise_to(12.1, 0.0009, 5_000)
    assert (case.score, case.peak, case.nodes, case.budget_needed) == (12.1, 12.0, 100, needed)
    case.rise_to(30.0, 1e-6, 5_000)
    assert case.budget_needed < needed
    assert (case.peak, case.nodes) == (30.0, 5_000)
