"""What a home area's own past does to its scores, and what was held back under the budget."""

import numpy as np
import pytest

from services.detector.domain.alerts import Episode
from services.detector.domain.quiet import FIRST_GUESS_NATS, LEAST_NATS, MOST_NATS, MOST_OF_A_NEED, WEEK_MS, QuietPast
from services.detector.domain.rarity import FROM_NATS, MOST_RATE, handicap, real_share, threshold

DAY_MS = WEEK_MS // 7
NODES = [(f"need-{number}", "tx") for number in range(1_000)]
START = 1_700_000_000_000


def lived(peaks_a_week: list[list[float]], days: int = 70, budget: float = 3.0, *, again: bool = False) -> QuietPast:
    """A home area whose weeks bring episodes with these scores, over and over, of the same needs `again` or not."""
    past, now = QuietPast(), START
    past.follow([], NODES, now)
    for day in range(days):
        week = peaks_a_week[(day // 7) % len(peaks_a_week)]
        for place, peak in enumerate(week):
            if place % 7 == day % 7:
                rise = Episode(
                    place if again else (37 * day + place) % len(NODES), now + place, 0, score=peak - past.nats
                )
                past.follow([rise], NODES, now)
        now += DAY_MS
        past.settle(now, budget, NODES)
    return past


def test_before_a_week_has_passed_a_cautious_guess_holds() -> None:
    assert lived([[40.0] * 20], days=6).nats == FIRST_GUESS_NATS


@pytest.mark.parametrize("excess", [2.0, 4.0, 8.0])
def test_a_past_that_keeps_coming_higher_than_the_table_says_is_taken_off(excess: float) -> None:
    nominal = threshold(3.0, len(NODES))
    peaks = [nominal + excess + step for step in (3.0, 2.0, 1.0, -1.0, -2.0, -3.0)]
    found = lived([peaks]).nats
    assert 0.7 * excess < found < excess + 2.0


def test_a_storm_week_now_and_then_changes_little() -> None:
    nominal = threshold(3.0, len(NODES))
    calm = [nominal + step for step in (1.0, 0.5, 0.2, -0.5)]
    storm = [nominal + 15.0] * 40
    assert lived([calm, calm, calm, calm, calm, storm]).nats == pytest.approx(lived([calm]).nats, abs=0.5)


def test_weeks_that_chance_filled_count_as_far_as_the_fullest_of_the_others() -> None:
    high = threshold(3.0, len(NODES)) + 3.0
    uneven = [[high] * number for number in (1, 4, 2, 4, 2, 5, 2, 3)]
    even = [[high] * 2]
    assert lived(even).nats < 1.2 < 2.0 < lived(uneven).nats


def test_the_correction_is_bounded_and_moves_slowly() -> None:
    assert lived([[60.0] * 30], days=300).nats == MOST_NATS
    assert lived([[]], days=300).nats == LEAST_NATS
    assert lived([[60.0] * 30], days=9).nats < FIRST_GUESS_NATS + 1.0


def test_a_need_that_rises_every_week_must_stand_out_from_its_own_past_and_the_others_need_not() -> None:
    usual, rare = threshold(3.0, len(NODES)) + FIRST_GUESS_NATS + 4.0, threshold(3.0, len(NODES)) - 1.0
    past = lived([[usual, rare]], again=True)
    assert list(past.of_need) == ["need-0"]
    assert usual - threshold(3.0, len(NODES)) - past.nats - past.of_need["need-0"] <= 0.0
    assert lived([[60.0, rare]], again=True).of_need["need-0"] == MOST_OF_A_NEED
    assert lived([[usual, rare]]).of_need == {}


def test_where_more_was_told_than_asked_for_less_is_asked_for() -> None:
    week = [threshold(3.0, len(NODES)) + FIRST_GUESS_NATS + step for step in (4.0, 3.0, 2.0, 1.0, 0.0)]
    past = lived([week])
    told = lived([week])
    told.told = {key: key[0] for key in told.peaks}
    now = max(key[0] for key in past.peaks)
    for day in range(7):
        for one in (past, told):
            one.settle(now + day * DAY_MS, 3.0, NODES)
    assert told.nats > past.nats + 0.5


def test_what_people_call_real_is_no_chance_and_leaves_the_threshold_where_it_was() -> None:
    nominal = threshold(3.0, len(NODES))
    calm, real = [nominal + step for step in (0.5, -0.5)], [nominal + 12.0 + step for step in range(4)]

    def lived_and_said(*, caused: bool) -> QuietPast:
        past, now = QuietPast(), START
        past.follow([], NODES, now)
        for day in range(70):
            for place, peak in enumerate(calm + real):
                if place == day % 7:
                    rise = Episode((37 * day) % len(NODES), now + place, 0, f"{day}", peak - past.nats, raised_at=now)
                    past.follow([rise], NODES, now)
                    past.say(f"{day}", caused=True)
                    past.say(f"{day}", caused=caused and peak > nominal + 10.0)
            now += DAY_MS
            past.settle(now, 3.0, NODES)
        return past

    silent, labelled = lived_and_said(caused=False), lived_and_said(caused=True)
    assert labelled.nats == pytest.approx(lived([calm]).nats, abs=0.3)
    assert labelled.nats < silent.nats - 5.0
    assert labelled.caused < set(labelled.peaks) == set(labelled.alerts.values())


def test_two_rises_of_a_need_in_eight_weeks_are_its_share() -> None:
    high = threshold(3.0, len(NODES)) + FIRST_GUESS_NATS + 4.0
    assert lived([[high], [], [], [], [], [], []], days=28, again=True).of_need == {}
    assert "need-0" in lived([[high]], days=28, again=True).of_need


def test_busy_nodes_carry_a_handicap_and_rare_ones_none() -> None:
    off = handicap(np.array([0.0, 0.005, 0.1, 1.0, MOST_RATE, 10_000.0]))
    assert off[0] == off[1] == 0.0
    assert (np.diff(off[1:5]) > 0).all()
    assert off[4] == off[5] < 3.0
    assert off[4] < FROM_NATS


def test_a_city_that_needs_more_nats_leaves_less_of_the_budget_to_other_tables() -> None:
    assert real_share(0.0) == real_share(-0.5) == 1.0
    assert real_share(4.0) < 0.05
