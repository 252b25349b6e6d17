"""Within the seal horizon, cells do not depend on the order in which calls, repeats, revisions and voids arrive."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.ledger import Booked, Ledger

NOW = 500 * HOUR_MS
LEAVES = 4


def above(leaf: int) -> NDArray[np.int64]:
    """Each leaf counts in itself and in one node above all."""
    return np.array([leaf, LEAVES])


@st.composite
def tellings(draw: st.DrawFn) -> list[tuple[int, Booked]]:
    """(id, booking): some calls, each in revisions that differ in all but the hour; a void has no leaves."""
    told: list[tuple[int, Booked]] = []
    for call_id in range(draw(st.integers(1, 6))):
        bucket = draw(st.integers(100, 103))
        for revision in range(draw(st.integers(1, 3))):
            leaves = tuple(draw(st.lists(st.integers(0, LEAVES - 1), max_size=3, unique=True)))
            more = (draw(st.integers(0, 1)), draw(st.integers(1, 3)), leaves)
            told.append((call_id, Booked(revision, bucket, *more)))
    return told


def count(ledger: Ledger, call_id: int, booking: Booked) -> None:
    """Count what is no repeat, as the home area does."""
    if not ledger.repeats(call_id, booking.revision):
        ledger.count(call_id, NOW, booking)


def fold(told: list[tuple[int, Booked]]) -> Ledger:
    ledger = Ledger(sealed_until=100)
    for call_id, booking in told:
        count(ledger, call_id, booking)
    return ledger


def cells(ledger: Ledger) -> dict[int, dict[tuple[int, int], int]]:
    return {bucket: dict(sorted(hour.cells.items())) for bucket, hour in sorted(ledger.hours.items()) if hour.cells}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_order_of_arrival_with_any_repeats_ends_in_the_same_cells(data: st.DataObject) -> None:
    told = data.draw(tellings())
    repeats = data.draw(st.lists(st.sampled_from(told), max_size=6))
    shuffled = data.draw(st.permutations(told + repeats))
    assert cells(fold(shuffled)) == cells(fold(told))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_last_revision_of_each_call_is_what_stands(data: st.DataObject) -> None:
    told = data.draw(st.permutations(data.draw(tellings())))
    newest: dict[int, Booked] = {}
    for call_id, booking in told:
        if call_id not in newest or booking.revision > newest[call_id].revision:
            newest[call_id] = booking
    expected: Counter[tuple[int, int, int]] = Counter()
    for booking in newest.values():
        for leaf in booking.leaves:
            expected[booking.bucket, leaf, booking.feed] += booking.calls
    found = {(bucket, *cell): calls for bucket, row in cells(fold(told)).items() for cell, calls in row.items()}
    assert found == dict(expected)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_node_counts_are_the_roll_up_of_the_cells_whenever_they_are_taken(data: st.DataObject) -> None:
    ledger = Ledger(sealed_until=100)
    for call_id, booking in data.draw(tellings()):
        count(ledger, call_id, booking)
        if data.draw(st.booleans()):
            ledger.roll_up(above, LEAVES + 1)
    ledger.roll_up(above, LEAVES + 1)
    for bucket, row in cells(ledger).items():
        expected = np.zeros(LEAVES + 1)
        for (leaf, _), calls in row.items():
            expected[above(leaf)] += calls
        assert ledger.counts(bucket, LEAVES + 1).tolist() == expected.tolist()
