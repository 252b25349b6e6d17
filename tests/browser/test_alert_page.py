"""An alert's own page: what, how sure, where from, what it cannot tell, what was done, what we knew when."""

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.browser.alerts import NOW, make_alert
from tests.browser.mock_api import MockApi
from tests.browser.mock_records import past_alert
from tests.browser.waiting import eventually, expect_accessible, expect_no_wider, focus_card

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def said(what: str) -> dict[str, str]:
    """A sentence of the detector in three languages."""
    return {"en": f"{what} (en)", "fr": f"{what} (fr)", "es": f"{what} (es)"}


BECAUSE = {
    "hours": 2.4,
    "per_hour": 13.0,
    "parts": [{"name": "level", "factor": 31.2, "calls": 31.2}],
    "expected_words": said("13 an hour"),
    "onset": {"earliest": "2026-07-26T04:00:00Z", "likely": "2026-07-26T04:40:00Z", "latest": "2026-07-26T05:00:00Z"},
    "onset_words": said("began about 23:40"),
    "ends": {"calls_below": 40, "window_hours": 3, "dwell_hours": 6.0},
    "ends_words": said("eases when fewer than 40"),
    "limits": {"usual_per_day": 300.0, "smallest_rise_in_an_hour": 9, "smallest_rise_in_a_day": 60},
    "limits_words": said("a rise of fewer than 60 in a day would not be seen"),
}


def test_why_comes_in_the_detector_s_own_sentences_and_in_the_reader_s_language(api: MockApi, open_page: Open) -> None:
    check = {"name": "other_centre", "verdict": "fine", "detail": "Both show it.", "words": said("both show it")}
    api.push(make_alert("a", because=BECAUSE, checks=[check]))
    page = open_page(locale="fr-CA")
    focus_card(page, "a")
    page.keyboard.press("Enter")
    alert = page.locator("[data-alert=a]")
    why = alert.get_by_test_id("why").get_by_role("listitem")
    expect(why).to_have_text(["13 an hour (fr)", "began about 23:40 (fr)", "eases when fewer than 40 (fr)"])
    expect(alert.get_by_test_id("limits")).to_contain_text("would not be seen (fr)")
    expect(alert.get_by_test_id("checks")).to_contain_text("Un autre centre\u00a0: both show it (fr)")


def test_the_page_of_an_alert_says_all_that_is_known_of_it(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.push(make_alert("a", severity="moderate", observed=60, updated_at="2026-07-26T06:45:00Z"))
    api.push(make_alert("a", severity="extreme", version=2, updated_at="2026-07-26T06:58:00Z"))
    api.push(make_alert("b", severity="minor", need="BD"))
    api.records.similar = [
        past_alert("p1", "same_node", "real_surge", NOW - timedelta(days=164)),
        past_alert("p2", "same_area", None, NOW - timedelta(days=145)),
    ]
    page = open_page()
    focus_card(page, "a")
    page.keyboard.press("Enter")
    alert = page.locator("[data-alert=a]")
    expect(alert.get_by_role("heading", level=2)).to_be_focused()
    expect(alert.get_by_role("heading", level=2)).to_have_text("Rising: Electricity bills, Harris County")
    expect(alert).to_contain_text("In an ordinary year, the chance of a rise this large here is about 9%.")
    expect(alert.get_by_test_id("checks")).to_contain_text("Calendar: No holiday or known event.")
    drivers = alert.get_by_test_id("drivers")
    expect(drivers).to_contain_text("Downtown 41, usually 9.1")
    expect(drivers.get_by_role("img", name="60% of the rise")).to_be_visible()
    expect(drivers.locator("ul ul")).to_contain_text("Food")
    expect(alert.get_by_test_id("limits")).to_contain_text("A rise of fewer than about 10 calls")
    expect(alert.get_by_test_id("limits")).to_contain_text("Calls are not need")
    expect(alert.get_by_test_id("similar")).to_contain_text("Real rise")
    expect(alert.get_by_test_id("similar")).to_contain_text("not labelled")
    history = alert.get_by_test_id("history").get_by_role("listitem")
    expect(history.first).to_contain_text("Version 2: rising, Extreme, 84 calls, usually 31")
    page.keyboard.press("a")
    expect(history.first).to_contain_text("A. Test acknowledged")
    expect(alert.get_by_test_id("human")).to_contain_text("acknowledged by A. Test")
    expect(alert.locator("canvas")).to_be_visible()
    with page.expect_response("**/v1/series?*bucket=day*"):
        page.get_by_role("button", name="12 weeks, by day").click()
    expect(alert.locator("canvas")).to_be_visible()
    shoot(page, "alert")
    page.emulate_media(reduced_motion="reduce")
    expect_accessible(page)
    page.emulate_media(media="print")
    shoot(page, "alert-print")
    page.emulate_media(media="screen")
    page.keyboard.press("]")
    expect(page.locator("[data-alert=b]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-card=a]")).to_be_visible()
    expect(page.locator("[data-card=a]")).to_be_focused()


def test_what_was_known_at_an_earlier_moment_can_be_seen_and_is_marked(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a", severity="moderate", observed=60, updated_at="2026-07-26T06:45:00Z"))
    api.push(make_alert("a", severity="extreme", version=2, updated_at="2026-07-26T06:58:00Z"))
    page = open_page("#/alert/a")
    page.get_by_label("What did we know at").fill("2026-07-26T01:50")  # in the area's zone, not in the browser's
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("note").last).to_contain_text("You see what was known at Sun, Jul 26, 01:50 CDT")
    expect(page.locator("[data-alert=a]")).to_have_attribute("data-version", "1")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(page.locator("[data-alert=a] canvas")).to_be_visible()
    eventually(page, lambda: api.series_asked[-1].get("known_at") == "2026-07-26T06:50:00.000Z", "hours as known then")
    shoot(page, "alert-known-at")
    page.get_by_role("link", name="Back to now", exact=True).click()
    expect(page.locator("[data-alert=a]")).to_have_attribute("data-version", "2")


def test_a_shared_link_opens_an_old_alert_and_an_unknown_one_says_so(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("old", status="ended", ended_at="2026-06-01T06:00:00Z", updated_at="2026-06-01T06:00:00Z"))
    page = open_page("#/alert/old", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.locator("[data-alert=old] canvas")).to_be_visible()
    expect_no_wider(page, 360)
    shoot(page, "alert-phone")
    page.get_by_role("button", name="Label").click()
    page.get_by_role("button", name="Data problem").click()
    expect(page.get_by_test_id("human")).to_contain_text("labelled: Data problem")
    page.goto(api.url + "#/alert/gone")
    expect(page.get_by_text("There is no such alert")).to_be_visible()


def test_a_printed_alert_has_no_buttons_and_says_when_and_where_it_was_printed(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page("#/alert/a")
    expect(page.locator("[data-alert=a] canvas")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_text("Groundswell, Sun, Jul 26, 02:05 CDT. Version 1.")).to_be_visible()
    expect(page.locator("button:visible")).to_have_count(0)
    expect(page.get_by_role("note")).to_contain_text("EXERCISE")
