"""Slow rises of weeks: how many are found, how rarely chance looks like one, and the life of their alerts."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from services.detector.domain.cases import Case
from services.detector.domain.kinds import Kinds
from services.detector.domain.snapshot_kinds import kinds_again, kinds_arrays, kinds_to_plain
from services.detector.domain.trends import CHANCE, DWELL_MS, FIRST_AFTER_DAYS, Trends, weekly_growth
from services.detector.domain.triggers import Triggers
from tests.slow_world import Shape, SlowWorld, slow_world

BUDGET = 3.0
RISE_DAYS = 56
WORLD = Shape(21, 38, needs=8, areas=6, median=0.2, growth=0.22, every=3, start_weeks=(14, 18))
"""Sixteen needs x areas rise by 22 % a week for eight weeks, 32 only wander."""


@dataclass
class Followed:
    """Trends of a world and what they said: (day, alert, status)."""

    trends: Trends = field(default_factory=lambda: Trends("a"))
    said: list[tuple[int, Case, str]] = field(default_factory=list)

    def raised(self) -> dict[str, tuple[int, Case]]:
        """Day on which each alert was first told."""
        first: dict[str, tuple[int, Case]] = {}
        for day, case, _ in self.said:
            first.setdefault(case.id, (day, case))
        return first


@cache
def followed() -> tuple[SlowWorld, Followed, Followed, Followed]:
    """The world; its trends; the same where a surge alert speaks for every node; the same restored every day."""
    world, plain, surging, restored = slow_world(WORLD), Followed(), Followed(), Followed()
    scoring = world.scoring
    none = np.zeros(len(scoring.nodes), bool)
    for number, hour in world.hours():
        for one, surges in ((plain, none), (surging, ~none), (restored, none)):
            one.trends.sealed(scoring, hour)
            if number % 24 == 23:
                one.trends.end_day(scoring, hour.bucket, surges)
                now = scoring.calendar.start_ms(hour.bucket + 1)
                told = one.trends.look(scoring, now, BUDGET, surges)
                one.said += [(number // 24, case, case.status) for case in told]
        if number % 24 == 23:
            restored.trends = again(restored.trends)
    return world, plain, surging, restored


def again(trends: Trends) -> Trends:
    """From a snapshot."""
    kinds = Kinds.of(Triggers("a"))
    kinds.trends = trends
    return kinds_again("a", kinds_to_plain(kinds), kinds_arrays(kinds)).trends


def test_four_of_five_needs_that_rise_by_22_percent_a_week_are_found_before_eight_weeks_are_over() -> None:
    world, plain, _, _ = followed()
    nodes, found = world.scoring.nodes, []
    for leaf, start in zip(world.leaves[world.changing], world.starts[world.changing], strict=True):
        need, area = nodes.names[int(leaf)]
        alerts = [(day, case) for day, case in plain.raised().values() if case.need == need]
        days = [day - int(start) for day, case in alerts if case.area in (area, "a") and day >= start]
        found.append(bool(days) and min(days) <= RISE_DAYS)
    assert np.mean(found) >= 0.8


def test_wandering_levels_are_seldom_taken_for_a_rise() -> None:
    """At most twice as many as the budget asks for, and two more for the smallness of the sample."""
    world, plain, _, _ = followed()
    rising = {world.scoring.nodes.names[int(leaf)] for leaf in world.leaves[world.changing]}
    needs = {need for need, _ in rising}
    false = [case for _, case in plain.raised().values() if (case.need, case.area) not in rising]
    false = [case for case in false if case.area != "a" or case.need not in needs]
    weeks = WORLD.weeks - FIRST_AFTER_DAYS / 7
    asked = CHANCE.false_a_week(CHANCE.threshold(BUDGET, len(world.scoring.nodes))) * len(world.scoring.nodes) * weeks
    assert len(false) <= 2.0 * asked + 2


def test_alerts_ease_when_the_rise_has_flattened_and_end_after_their_dwell() -> None:
    world, plain, _, _ = followed()
    lasted = []
    for key, (first, case) in plain.raised().items():
        mine = [(day, status) for day, told, status in plain.said if told.id == key]
        if case.open or case.ended_by or first < 14 * 7:
            continue
        assert mine[-1][1] == "ended"
        assert (case.ended_at or 0) - (case.easing_at or 0) >= DWELL_MS
        assert case.observed > case.expected
        lasted.append(mine[-1][0])
    assert len(lasted) >= 8
    flat = (world.starts[world.changing] + RISE_DAYS).max()
    assert np.median(lasted) <= flat + 42


def test_no_two_open_alerts_speak_of_the_same_rise() -> None:
    _, plain, _, _ = followed()
    for day in range(0, WORLD.weeks * 7, 7):
        open_ = [(case.need, case.area) for told, case, status in plain.said if told == day and status != "ended"]
        assert len(open_) == len(set(open_))
        for need, area in open_:
            assert area == "a" or (need, "a") not in open_


def test_where_a_surge_alert_speaks_no_trend_is_raised() -> None:
    assert followed()[2].said == []


def test_nothing_is_said_before_six_weeks_have_been_seen() -> None:
    assert min(day for day, _, _ in followed()[1].said) >= FIRST_AFTER_DAYS


def test_a_restart_every_day_says_the_same() -> None:
    _, plain, _, restored = followed()
    assert [(day, case.id, status) for day, case, status in restored.said] == [
        (day, case.id, status) for day, case, status in plain.said
    ]


@pytest.mark.parametrize("growth", [0.1, 0.22])
def test_the_growth_told_is_the_growth_of_a_steady_rise(growth: float) -> None:
    ago: NDArray[np.float64] = np.arange(400, dtype=float)
    rise = (1 + growth) ** (-ago / 7)
    fast, middle = (float(np.average(rise, weights=np.exp(-ago / memory))) for memory in (7, 14))
    assert weekly_growth(fast / middle) == pytest.approx(growth, abs=0.02)
