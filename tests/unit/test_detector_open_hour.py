"""What an hour that is not over may say: all that the hours before it said, and less of what it adds itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.detector.domain.rarity import EARLY_NATS, told_so_far

nats = st.floats(0.0, 40.0)


@given(nats, nats, st.floats(0.0, 1.0))
def test_it_says_no_more_than_the_scores_and_owes_no_more_than_the_debt(
    before: float, now: float, share: float
) -> None:
    told = float(told_so_far(np.array([before]), np.array([now]), share)[0])
    assert now - EARLY_NATS <= told <= now
    assert told >= min(before, now)


@given(nats, nats)
def test_an_hour_that_is_over_owes_nothing(before: float, now: float) -> None:
    assert told_so_far(np.array([before]), np.array([now]), 1.0)[0] == now


def test_the_debt_melts_while_the_hour_passes() -> None:
    told = [float(told_so_far(np.array([0.0]), np.array([9.0]), share)[0]) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert told == sorted(told)
    assert told[0] == 9.0 - EARLY_NATS
