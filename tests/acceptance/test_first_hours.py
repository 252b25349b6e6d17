"""First surge hours and first words, on calls and alerts made by hand."""

import datetime as dt
from collections import Counter

import pytest

from tests.acceptance.first_hours import Hourly, first_spoken, first_surge_hour
from tests.acceptance.known_events import KnownEvent
from tests.acceptance.test_known_events import REFERENCE, STORM, ZONE, alert

TREES = "Tree Emergencies"
NOON = dt.datetime.combine(dt.date(2015, 8, 4), dt.time(12))


def calls(**more: int) -> Hourly:
    """A call of the category at every noon of the weeks before, and so many in hours of the storm ("h16": 41)."""
    usual = Counter({NOON - dt.timedelta(days=days): 1 for days in range(1, 40)})
    return {TREES: usual + Counter({NOON.replace(hour=int(hour[1:])): number for hour, number in more.items()})}


@pytest.mark.parametrize(
    ("more", "hour"),
    [
        ({"h16": 41, "h17": 9}, 16),
        ({"h9": 4, "h16": 41}, 16),
        ({"h12": 5, "h16": 41}, 16),
        ({"h12": 7, "h16": 41}, 12),
        ({"h3": 5}, 3),
        ({"h16": 4}, None),
    ],
    ids=["the first of two", "four are few", "five at noon are not rare enough", "seven are", "at night", "none"],
)
def test_the_first_surge_hour_is_the_first_that_chance_does_not_bring(more: dict[str, int], hour: int | None) -> None:
    found = first_surge_hour(STORM, [STORM], calls(**more), ZONE)
    assert (found and found.hour.hour) == hour
    if found:
        assert found.hour.tzinfo is ZONE
        assert (found.category, found.calls) == (TREES, more[f"h{hour}"])


def test_an_earlier_dated_event_says_nothing_of_what_is_usual() -> None:
    """Twenty calls in each of three days before would make seven at noon look usual."""
    before = KnownEvent(dt.date(2015, 7, 30), dt.date(2015, 8, 1), "Storm", "storm", (TREES,))
    made = calls(h12=8)
    for day in range(3):
        made[TREES][NOON - dt.timedelta(days=3 + day)] += 20
    assert first_surge_hour(STORM, [STORM], made, ZONE) is None
    found = first_surge_hour(STORM, [before, STORM], made, ZONE)
    assert found is not None
    assert found.hour.hour == 12


def test_the_first_word_is_that_of_the_earliest_alert_and_counts_from_the_beginning_of_the_hour() -> None:
    onset = first_surge_hour(STORM, [STORM], calls(h16=41), ZONE)
    assert onset is not None
    told = [alert("2015-08-05T01:00:00Z", id="b"), alert("2015-08-04T21:30:00Z"), alert("2015-08-04T20:30:00Z", id="c")]
    told[2] = told[2].model_copy(update={"need": "noise"})
    spoken = first_spoken(told, STORM, onset, REFERENCE, ZONE)
    assert spoken is not None
    assert (spoken.new, spoken.after(onset)) == (True, dt.timedelta(hours=1, minutes=30))


@pytest.mark.parametrize(
    ("at", "observed", "status", "hours"),
    [
        (22, 12, "rising", 2.0),
        (22, 9, "rising", None),
        (22, 12, "easing", None),
        (19, 12, "rising", None),
    ],
    ids=["rises after the hour", "no more calls", "eases", "rose before the hour"],
)
def test_an_alert_that_was_open_speaks_when_it_rises_after_the_first_surge_hour(
    at: int, observed: int, status: str, hours: float | None
) -> None:
    onset = first_surge_hour(STORM, [STORM], calls(h16=41), ZONE)
    assert onset is not None
    first = alert("2015-07-30T14:00:00Z")
    moment = dt.datetime(2015, 8, 4, at, tzinfo=dt.UTC)
    later = first.model_copy(update={"version": 2, "updated_at": moment, "observed": observed, "status": status})
    spoken = first_spoken([first, later], STORM, onset, REFERENCE, ZONE)
    assert (spoken and spoken.after(onset) / dt.timedelta(hours=1)) == hours
    assert spoken is None or not spoken.new
