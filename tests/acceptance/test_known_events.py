"""The judge itself, on alerts made by hand."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.alert import Alert, Detector, Words
from schemas.reference import Area, Need, Reference
from tests.acceptance.known_events import KnownEvent, judge, read_known_events, wanted_needs

ZONE = ZoneInfo("America/New_York")
REFERENCE = Reference(
    (Area("boston", "", "Boston"),),
    tuple(
        Need(code, parent, code, code, code)
        for code, parent in [("reason.trees", ""), ("tree-emergencies", "reason.trees"), ("noise", "")]
    ),
)
STORM = KnownEvent(dt.date(2015, 8, 4), dt.date(2015, 8, 5), "Storm", "storm", ("Tree Emergencies", "Nothing like it"))
WORDS = Words(en="", fr="", es="")


def alert(raised: str, **changes: Any) -> Alert:
    instant = dt.datetime.fromisoformat(raised)
    fields: dict[str, Any] = {
        "id": "a", "version": 1, "kind": "surge", "status": "rising", "mode": "replay", "home_area": "boston",
        "need": "tree-emergencies", "area": "boston", "area_name": "Boston", "started_at": instant,
        "raised_at": instant, "updated_at": instant, "observed": 9, "expected": 1.0, "ratio": 9.0, "band_low": 0.0,
        "band_high": 3.0, "score": 12.0, "recurrence_days": 100.0, "recurrence_days_home_area": 10.0,
        "budget_needed": 1.0, "severity": "minor", "headline": WORDS, "explanation": WORDS,
        "detector": Detector(name="d", version="1"),
    }  # fmt: skip
    return Alert.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("raised", "changes", "counts"),
    [
        ("2015-08-04T14:00:00Z", {}, True),
        ("2015-08-04T14:00:00Z", {"need": "reason.trees"}, True),
        ("2015-08-04T14:00:00Z", {"area": "boston-roxbury"}, True),
        ("2015-08-04T14:00:00Z", {"kind": "trend"}, True),
        ("2015-08-07T03:59:00Z", {}, True),
        ("2015-08-07T04:01:00Z", {}, False),
        ("2015-08-04T03:59:00Z", {}, False),
        ("2015-08-04T14:00:00Z", {"need": "noise"}, False),
        ("2015-08-04T14:00:00Z", {"need": None, "kind": "silence", "source": "crm"}, False),
        ("2015-08-04T14:00:00Z", {"kind": "drop"}, False),
    ],
)
def test_an_event_is_raised_by_its_need_or_one_above_in_its_days(
    raised: str, changes: dict[str, Any], counts: bool
) -> None:
    verdict = judge([alert(raised, **changes)], [STORM], REFERENCE, ZONE)
    assert bool(verdict.events[STORM].raised) is counts
    assert len(verdict.other) == (0 if counts else 1)


def test_a_later_version_does_not_raise_an_alert_again() -> None:
    first = alert("2015-07-30T14:00:00Z")
    later = first.model_copy(update={"version": 2, "updated_at": dt.datetime(2015, 8, 4, 15, tzinfo=dt.UTC)})
    verdict = judge([first, later], [STORM], REFERENCE, ZONE)
    assert verdict.events[STORM].raised == ()
    assert verdict.events[STORM].rising == ("a",)
    assert verdict.other == (first,)


def test_an_alert_that_only_eases_does_not_speak_of_the_next_event() -> None:
    first = alert("2015-07-30T14:00:00Z")
    at = dt.datetime(2015, 8, 4, 15, tzinfo=dt.UTC)
    later = first.model_copy(update={"version": 2, "updated_at": at, "status": "easing"})
    assert not judge([first, later], [STORM], REFERENCE, ZONE).events[STORM]


def test_categories_become_needs_and_all_needs_above_them() -> None:
    assert wanted_needs(STORM, REFERENCE) == {"tree-emergencies", "reason.trees"}


def test_every_category_of_the_known_events_of_boston_is_found_in_time_order(shared_data: Path) -> None:
    events = read_known_events(shared_data / "known_events.csv", "boston311_2015")
    assert len(events) == 9
    assert [event.start for event in events] == sorted(event.start for event in events)
    assert events[0].categories == ("Heat - Excessive  Insufficient",)
