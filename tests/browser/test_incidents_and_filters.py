"""Alerts that belong together, filters in the address, and who makes a sound."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import eventually, expect_in_address, expect_order

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
COUNT_NOTIFICATIONS = """
  window.told = [];
  window.Notification = class {
    static permission = 'granted';
    static requestPermission() { return Promise.resolve('granted'); }
    constructor(title, options) { window.told.push(title); this.options = options; }
    close() {}
  };
"""


def test_alerts_of_one_region_and_day_are_one_incident_and_taken_note_of_together(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("began", severity="minor", minutes_ago=55))
    api.push(make_alert("worst", severity="extreme", minutes_ago=8))
    api.push(
        make_alert(
            "other", severity="moderate", minutes_ago=4, acknowledged={"by": "J. Roy", "at": "2026-07-26T07:04:00Z"}
        )
    )
    api.push(
        make_alert(
            "elsewhere",
            severity="severe",
            need="BD",
            home_area="TX-DAL",
            area="TX-DAL",
            area_name="Dallas",
            minutes_ago=3000,
        )
    )
    page = open_page()
    head = page.get_by_test_id("incident")
    expect(head).to_have_count(1)
    expect(head.get_by_role("heading")).to_have_text("Incident: Houston region, 3 alerts")
    expect(head).to_contain_text("2 new in the last 10 min")
    expect(head).to_contain_text("Began 01:10 CDT with “Rising: Electricity bills, Harris County”")
    expect_order(page, ["worst", "other", "began", "elsewhere"])
    expect(page.locator("[data-card=began] header")).to_contain_text("first")
    expect(page.locator("[data-card=worst] figure")).to_have_count(1)
    expect(page.locator("[data-card=other] figure")).to_have_count(0)
    shoot(page, "incident")
    head.get_by_role("button", name="Acknowledge all 2").click()
    expect(page.get_by_test_id("toast")).to_contain_text("2 alerts acknowledged.")
    assert len(api.people.headers) == 2
    page.get_by_role("button", name="Undo").click()
    expect(head.get_by_role("button", name="Acknowledge all 2")).to_be_visible()
    eventually(page, lambda: not any(api.alerts[one]["acknowledged"] for one in ("began", "worst")), "both taken back")
    assert api.alerts["other"]["acknowledged"]["by"] == "J. Roy"


def test_what_has_stood_for_a_day_without_news_leaves_the_list_but_not_the_page(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("new", severity="minor"))
    api.push(make_alert("old", severity="severe", minutes_ago=1600, updated_at="2026-07-25T20:00:00Z"))
    page = open_page()
    expect(page.get_by_test_id("standing")).to_contain_text("1")
    expect_order(page, ["new"])
    expect(page.locator("[data-count=severe]")).to_contain_text("1")
    page.get_by_test_id("standing").locator("summary").click()
    expect(page.locator("[data-card=old]")).to_be_visible()


def test_filters_stand_in_the_address_and_work_for_whoever_opens_it(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("light", severity="minor"))
    api.push(make_alert("shelter", severity="severe", need="BH", area="TX-DT", area_name="Downtown"))
    api.push(
        make_alert("food", severity="moderate", need="BD", area="TX-MID", area_name="Midtown", assigned_to="A. Test")
    )
    page = open_page()
    expect(page.locator("[data-card=food]")).to_be_visible()
    page.get_by_label("Severity", exact=True).select_option("moderate")
    expect(page.locator("[data-card]")).to_have_count(2)
    expect(page.get_by_test_id("filtered")).to_have_text("1 alert does not match")
    page.get_by_label("Area", exact=True).select_option("TX-HARRIS")
    page.get_by_label("Mine", exact=True).check()
    expect(page.locator("[data-card]")).to_have_count(1)
    expect_in_address(page, "#/?severity=moderate&area=TX-HARRIS&mine=1")
    expect(page.locator("[data-count=severe]")).to_contain_text("1")
    colleague = open_page("#/?need=BH")
    expect(colleague.locator("[data-card]")).to_have_count(1)
    expect(colleague.locator("[data-card=shelter]")).to_be_visible()
    colleague.get_by_label("Status", exact=True).select_option("easing")
    expect(colleague.get_by_test_id("none")).to_have_text("No open alert matches the filter.")
    colleague.get_by_role("button", name="Clear").click()
    expect(colleague.locator("[data-card]")).to_have_count(3)


def test_only_severe_alerts_make_themselves_heard_and_only_when_asked_to(api: MockApi, open_page: Open) -> None:
    page = open_page(init_script=COUNT_NOTIFICATIONS)
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.push(make_alert("before", severity="extreme"))
    expect(page.locator("[data-card=before]")).to_be_visible()
    assert page.evaluate("window.told") == []
    page.get_by_role("button", name="Sound off").click()
    page.get_by_label("Two soft tones").check()
    page.get_by_label("A notification on the desktop").check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()
    api.push(make_alert("quiet", severity="moderate"))
    api.push(make_alert("loud", severity="severe"))
    expect(page.locator("[data-card=loud]")).to_be_visible()
    page.wait_for_function("window.told.length > 0")
    told = page.evaluate("window.told")
    assert told == ["EXERCISE · Severe: Rising: Electricity bills, Harris County"]
    expect(page).to_have_title(re.compile(r"^EXERCISE · \(3\)"))
