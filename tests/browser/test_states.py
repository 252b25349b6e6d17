"""States that are easily drawn wrong: a rule of a plan, nothing yet, not loaded, lost, behind, on paper."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
EVERYWHERE = {"viewport": {"width": 1366, "height": 900}, "reduced_motion": "reduce"}


def a_rule_of_the_plan(status: str = "rising") -> dict[str, object]:
    """A trigger in an area where nobody calls; what the detector says of it."""
    said = {"en": "22 calls in the last 3 hours; the rule of the emergency plan is 20 in 3 hours. Open the shelter."}
    return make_alert("rule", kind="trigger", need="BH", status=status, observed=22, drivers=[], checks=[]) | {
        "expected": 0.0,
        "ratio": None,
        "band_low": 0.0,
        "band_high": 0.0,
        "recurrence_days": 0.0,
        "headline": {"en": "Plan rule met: Shelter, Downtown", "fr": "…", "es": "…"},
        "explanation": said | {"fr": "…", "es": "…"},
    }


def test_a_rule_of_the_plan_is_met_not_rising_and_nothing_is_about_zero(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.mode = "live"
    api.push(a_rule_of_the_plan())
    page = open_page(**EVERYWHERE)
    card = page.locator("[data-card=rule]")
    expect(card.locator("[data-status]")).to_have_text("rule met")
    expect(card.locator("[data-number=expected]")).to_have_text("hardly any")
    expect(card.locator("[data-number=ratio]")).to_have_count(0)
    expect(card).not_to_contain_text("Is it real?")  # nothing was checked: it is a fact
    expect(card.locator("canvas")).to_be_visible()
    shoot(page, "now-rule")
    api.push(a_rule_of_the_plan("easing") | {"version": 2})
    expect(card.locator("[data-status]")).to_have_text("rule no longer met")


def test_counts_that_could_not_be_had_are_no_zeros(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.broken.update({"/v1/alerts", "/v1/alerts/stream"})
    page = open_page(**EVERYWHERE)
    expect(page.get_by_test_id("failed")).to_be_visible()
    expect(page.locator("[data-count=extreme]")).to_contain_text("\u2013")
    shoot(page, "failed")


def test_before_the_first_call_the_page_says_what_is_missing(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.log_time = None
    page = open_page(**EVERYWHERE)
    expect(page.get_by_test_id("empty")).to_contain_text("Waiting for the first calls.")
    expect(page.get_by_test_id("empty")).to_contain_text("with a key for each source")
    shoot(page, "first-start")


@pytest.mark.parametrize("state", ["lost", "late", "warming", "quiet"])
def test_how_far_the_page_can_be_trusted_is_told(api: MockApi, open_page: Open, shoot: Shoot, state: str) -> None:
    if state in ("lost", "late"):
        api.push(make_alert("a"))
    api.lag_seconds = 240 if state == "late" else 1
    api.warming = state == "warming"
    page = open_page(**EVERYWHERE)
    if state == "lost":
        expect(page.locator("[data-card=a] canvas")).to_be_visible()
        api.stop()
    told = {
        "lost": "You see what was known at",
        "late": "The detector is 4 min behind.",
        "warming": "still learning what is usual here",
        "quiet": "Everything that is watched is within its usual range.",
    }
    expect(page.get_by_text(told[state]).first).to_be_visible()
    shoot(page, state)


def test_nothing_is_called_usual_before_the_page_is_connected_nor_after(api: MockApi, open_page: Open) -> None:
    api.broken.add("/v1/alerts/stream")
    page = open_page()
    empty = page.get_by_test_id("empty")
    expect(empty).to_contain_text("No open alerts.")
    expect(empty).to_contain_text("Connecting")
    expect(empty).not_to_contain_text("usual range")
    api.broken.clear()
    expect(empty).to_contain_text("within its usual range")
    api.stop()
    expect(page.get_by_test_id("state")).to_contain_text("Not connected")
    expect(empty).not_to_contain_text("usual range")


def test_many_versions_are_folded_to_what_changed(api: MockApi, open_page: Open) -> None:
    for version in range(1, 12):
        severity = "moderate" if version < 5 else "severe"
        moved = {"area": "TX-DT", "area_name": "Downtown"} if version > 8 else {}
        at = f"2026-07-26T06:{version + 10}:00Z"
        api.push(make_alert("a", version=version, severity=severity, observed=50 + version, updated_at=at, **moved))
    page = open_page("#/alert/a")
    rows = page.get_by_test_id("history").get_by_role("listitem")
    expect(rows).to_have_count(4)  # the newest, moved to Downtown, became severe, the first
    expect(rows.nth(1)).to_contain_text("Rising: Electricity bills, Downtown Version 9")
    page.get_by_role("button", name="Show all 11 versions").click()
    expect(rows).to_have_count(11)


def test_hours_without_any_data_are_a_gap_in_the_chart_and_unknown_in_its_table(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a"))
    api.records.silent_hours = range(20, 40)
    page = open_page("#/alert/a")
    expect(page.locator("canvas")).to_be_visible()
    page.locator("canvas").scroll_into_view_if_needed()
    shoot(page, "gap")
    page.get_by_role("button", name="Table").click()
    rows = page.get_by_role("region", name="Calls per hour").get_by_role("row")
    expect(rows).to_have_count(73)
    expect(rows).to_have_count(73)
    expect(rows.locator("td:first-of-type", has_text="\u2013")).to_have_count(20)
    for hour in (20, 39):  # the first and the last of them; the newest row is the top one
        expect(rows.nth(72 - hour).get_by_role("cell").first).to_have_text("\u2013")


def test_where_one_feed_of_several_was_silent_the_chart_and_its_table_say_so(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a"))
    over = {"source": "county-chat", "start": "2026-07-24T10:00:00Z", "end": "2026-07-24T22:30:00Z"}
    still = {"source": "nonstop-311", "start": "2026-07-26T04:20:00Z", "end": None}
    api.records.silences = [over, still]
    page = open_page("#/alert/a", reduced_motion="reduce")
    expect(page.locator("canvas")).to_be_visible()
    expect(page.locator("[data-alert=a] figure")).to_contain_text("county-chat, nonstop-311 silent")
    page.locator("canvas").scroll_into_view_if_needed()
    shoot(page, "gap-one-feed")
    page.get_by_role("button", name="Table").click()
    rows = page.get_by_role("region", name="Calls per hour").get_by_role("row")
    expect(rows).to_have_count(73)
    said = [1, 2, 3, 4, *range(34, 47)]
    expect(rows.filter(has_text="silent")).to_have_count(len(said))
    for row in said:
        expect(rows.nth(row)).to_contain_text("silent")
    expect(rows.nth(40)).to_contain_text("county-chat silent")


def test_hours_before_the_first_count_are_unknown_not_zero(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    api.records.first_known = 50
    page = open_page("#/alert/a")
    page.get_by_role("button", name="Table").click()
    rows = page.get_by_role("region", name="Calls per hour").get_by_role("row")
    expect(rows.nth(1)).not_to_contain_text("\u2013")
    expect(rows.last.get_by_role("cell").first).to_have_text("\u2013")
