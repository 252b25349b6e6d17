"""Edges of the model that no other test holds: one node, a need without a past, the last three hours."""

import pytest

from services.detector.domain.alerts import Episode
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.ledger import Booked, Ledger
from services.detector.domain.quiet import WEEK_MS, QuietPast
from services.detector.domain.rarity import home_recurrence_days, recurrence_days
from services.detector.domain.tree import Tree
from tests.detector_world import SECOND, WARM, alerts, warm

NAMES = [("BD-1", "tx"), ("BH", "tx")]


def test_with_one_node_the_home_area_alarms_as_often_as_the_node() -> None:
    assert home_recurrence_days(9.0, 1) == pytest.approx(recurrence_days(9.0))
    assert home_recurrence_days(9.0, 0) == home_recurrence_days(9.0, 1)
    assert home_recurrence_days(9.0, 2) == pytest.approx(recurrence_days(9.0) / 2)


def test_what_is_taken_off_one_need_leaves_the_peaks_of_another_as_they_were() -> None:
    past = QuietPast(begun=WARM - WEEK_MS)
    past.of_need = {"BD-1": 2.0}
    now = WARM - WEEK_MS // 2
    past.follow([Episode(0, now, 0, score=9.0), Episode(1, now + 1, 0, score=8.0)], NAMES, now + 1)
    weeks = past._weeks(WARM, NAMES)
    taken_off = {node: peak for (_, node), peak in past.peaks.items()}
    assert weeks == [sorted((taken_off[0] - 2.0, taken_off[1]), reverse=True)]


def test_a_young_alert_is_judged_by_its_last_three_hours() -> None:
    world = warm()
    said = [output for number in range(1, 16) for output in world.one("BD-1", "tx-1a", at=WARM + number * SECOND)]
    said += world.tick(WARM + 60 * SECOND)
    because = alerts(said)[-1].because
    assert because is not None
    assert because.ends is not None
    assert because.ends.window_hours == 3


def test_a_tree_holds_the_codes_that_it_was_made_of_and_no_others() -> None:
    tree = Tree([("B", ""), ("BD", "B")])
    assert "BD" in tree
    assert "BH" not in tree


def test_the_first_hour_that_is_not_sealed_takes_revisions_and_the_last_sealed_one_does_not() -> None:
    ledger, now = Ledger(sealed_until=90), 1_000 * HOUR_MS
    for call_id, bucket, word in ((1, 90, "revised"), (2, 89, "revised_after_seal")):
        ledger.count(call_id, now, Booked(0, bucket, 0, 1, (0,)))
        assert ledger.count(call_id, now, Booked(1, bucket, 0, 3, (0,))) == word
    assert ledger.hours[90].cells == {(0, 0): 3}


def test_what_a_feed_brought_is_taken_back_in_the_hours_asked_for_alone() -> None:
    ledger, now = Ledger(sealed_until=90), 1_000 * HOUR_MS
    for call_id, bucket in ((1, 95), (2, 96), (3, 97)):
        ledger.count(call_id, now, Booked(0, bucket, 0, 1, (0,)))
    ledger.take_back(range(96, 97), {0})
    assert {bucket: sum(hour.cells.values()) for bucket, hour in ledger.hours.items()} == {95: 1, 96: 0, 97: 1}
    assert [ledger.repeats(call_id, 0) for call_id in (1, 2, 3)] == [True, False, True], "sent again, it counts again"


def test_what_a_feed_is_heard_to_bring_is_as_many_as_its_totals_say_revisions_included() -> None:
    ledger, now = Ledger(sealed_until=90), 1_000 * HOUR_MS
    ledger.count(1, now, Booked(0, 95, 7, 3, (0,)))
    ledger.count(2, now, Booked(0, 95, 7, 4, (0,)))
    assert ledger.heard(95) == {7: 7}
    ledger.count(1, now, Booked(1, 95, 7, 2, (0,)))
    assert ledger.heard(95) == {7: 6}
