"""The ledger: repeats, revisions, voids, the seal, and how long it remembers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.ledger import REMEMBERED_HOURS, Booked, Late, Ledger, bookings

ABOVE = {0: np.array([0, 2]), 1: np.array([1, 2]), 2: np.array([2])}
NOW = 1_000 * HOUR_MS


def above(leaf: int) -> NDArray[np.int64]:
    return ABOVE[leaf]


def booked(*leaves: int, revision: int = 0, bucket: int = 100, feed: int = 0, calls: int = 1) -> Booked:
    return Booked(revision, bucket, feed, calls, leaves)


def void(revision: int = 1, bucket: int = 100) -> Booked:
    return Booked(revision, bucket, 0, 1, ())


def count(ledger: Ledger, call_id: int, logged_at: int, booking: Booked) -> str:
    """Count what is no repeat, as the home area does."""
    if ledger.repeats(call_id, booking.revision):
        return "duplicate"
    return ledger.count(call_id, logged_at, booking)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(sealed_until=90)


def cells(ledger: Ledger) -> dict[int, dict[tuple[int, int], int]]:
    return {bucket: hour.cells for bucket, hour in ledger.hours.items() if hour.cells}


def test_a_call_is_counted_in_its_cell_once(ledger: Ledger) -> None:
    assert count(ledger, 7, NOW, booked(0)) == "counted"
    assert count(ledger, 7, NOW + 5, booked(0)) == "duplicate"
    assert count(ledger, 7, NOW + 5, booked(1, bucket=101)) == "duplicate"
    assert cells(ledger) == {100: {(0, 0): 1}}


def test_a_call_for_the_common_ancestor_is_taken_off_there(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(*bookings([(0, 1), (1, 1), (2, -1)])))
    assert cells(ledger) == {100: {(0, 0): 1, (1, 0): 1, (2, 0): -1}}
    ledger.roll_up(above, 3)
    assert ledger.counts(100, 3).tolist() == [1.0, 1.0, 1.0]


def test_totals_of_several_calls_count_as_many(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0, ~2, calls=12))
    assert cells(ledger) == {100: {(0, 0): 12, (2, 0): -12}}


def test_a_higher_revision_replaces_all_but_the_hour(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    assert count(ledger, 7, NOW, booked(1, revision=2, bucket=103, feed=4, calls=3)) == "revised"
    assert cells(ledger) == {100: {(1, 4): 3}}


def test_a_stale_revision_is_a_duplicate(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    count(ledger, 7, NOW, booked(1, revision=2))
    assert count(ledger, 7, NOW, booked(0, revision=1)) == "duplicate"
    assert count(ledger, 7, NOW, booked(0, revision=2)) == "duplicate"
    assert cells(ledger) == {100: {(1, 0): 1}}


def test_a_void_takes_back_and_a_later_revision_brings_back(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    assert count(ledger, 7, NOW, void(1)) == "revised"
    assert cells(ledger) == {}
    assert count(ledger, 7, NOW, booked(0, revision=1)) == "duplicate"
    assert count(ledger, 7, NOW, booked(1, revision=2)) == "revised"
    assert cells(ledger) == {100: {(1, 0): 1}}


def test_a_void_that_comes_first_keeps_the_original_out(ledger: Ledger) -> None:
    count(ledger, 7, NOW, void(1))
    assert count(ledger, 7, NOW, booked(0)) == "duplicate"
    assert cells(ledger) == {}


def test_after_the_seal_a_call_is_late_and_not_booked(ledger: Ledger) -> None:
    assert count(ledger, 7, NOW, booked(0, ~2, bucket=89, calls=2)) == "late_after_seal"
    assert cells(ledger) == {}
    assert ledger.late == [Late(89, 0, 2), Late(89, 2, -2)]
    assert ledger.pending
    assert count(ledger, 7, NOW, booked(0, bucket=89)) == "duplicate"


def test_after_the_seal_a_revision_changes_nothing_but_its_number(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    hour = ledger.seal(100)
    assert hour.cells == {(0, 0): 1}
    assert count(ledger, 7, NOW, booked(1, revision=1)) == "revised_after_seal"
    assert count(ledger, 7, NOW, booked(1, revision=1)) == "duplicate"
    assert count(ledger, 7, NOW, void(2)) == "revised_after_seal"
    assert cells(ledger) == {}
    assert ledger.late == []


def test_an_empty_hour_is_sealed_too(ledger: Ledger) -> None:
    assert ledger.seal(95).cells == {}
    assert ledger.sealed_until == 96


def test_a_call_is_remembered_for_72_hours_of_log_time(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    ledger.forget(NOW + REMEMBERED_HOURS * HOUR_MS)
    assert ledger.find(7) is not None
    assert count(ledger, 7, NOW + REMEMBERED_HOURS * HOUR_MS, booked(0)) == "duplicate"
    ledger.forget(NOW + (REMEMBERED_HOURS + 1) * HOUR_MS)
    assert ledger.find(7) is None
    assert ledger.seen == {}
    assert REMEMBERED_HOURS == 72


def test_forgetting_leaves_younger_calls_and_all_counts(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    count(ledger, 8, NOW + 2 * HOUR_MS, booked(0))
    ledger.forget(NOW + (REMEMBERED_HOURS + 1) * HOUR_MS)
    assert ledger.find(7) is None
    assert ledger.find(8) is not None
    assert cells(ledger) == {100: {(0, 0): 2}}


def test_a_roll_up_tells_which_nodes_changed_in_which_hour(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    count(ledger, 8, NOW, booked(1, bucket=101))
    assert ledger.waiting() == [100, 101]
    assert ledger.roll_up(above, 3) == {100: {0, 2}, 101: {1, 2}}
    assert ledger.roll_up(above, 3) == {}
    assert not ledger.pending


def test_what_changed_before_its_seal_but_was_not_rolled_up_is_in_the_sealed_cells(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    assert ledger.seal(100).cells == {(0, 0): 1}
    assert ledger.roll_up(above, 3) == {}


def test_counts_after_a_restore_leave_out_what_nobody_has_looked_at(ledger: Ledger) -> None:
    count(ledger, 7, NOW, booked(0))
    ledger.roll_up(above, 3)
    count(ledger, 8, NOW, booked(1))
    again = Ledger(ledger.sealed_until, ledger.hours, ledger.seen)
    again.book_again(ledger.unbooked())
    again.rebuild_counts(above, 3)
    assert again.counts(100, 3).tolist() == [1.0, 0.0, 1.0]
    assert again.roll_up(above, 3) == {100: {1, 2}}
    assert again.counts(100, 3).tolist() == [1.0, 1.0, 2.0]
    assert again.find(8) == ledger.find(8)


def test_a_calls_own_stamp_decides_whether_it_is_late_even_before_its_hour_is_sealed() -> None:
    """The hour was to be sealed when the call was logged; that nobody has looked since makes no difference."""
    ledger = Ledger(sealed_until=100)
    late = Booked(0, 101, 0, 1, (0,))
    assert ledger.count(1, 500 * HOUR_MS, late, late_before=102) == "late_after_seal"
    assert ledger.hours == {}
    assert ledger.take_late() == []
    ledger.seal(100)
    ledger.seal(101)
    assert [one.bucket for one in ledger.take_late()] == [101]
    assert ledger.take_late() == []
