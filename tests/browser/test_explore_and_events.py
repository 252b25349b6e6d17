"""Any need in any area, and what a coordinator declares."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import mock_world
from tests.browser.alerts import NOW, make_alert
from tests.browser.mock_api import MockApi
from tests.browser.mock_events import heat_wave
from tests.browser.waiting import expect_accessible, expect_in_address, expect_no_wider, expect_value

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def test_a_link_opens_a_need_in_an_area_and_another_one_beside_it(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    page = open_page("#/explore?need=BV&area=TX-HARRIS&range=72h", reduced_motion="reduce")
    chart = page.get_by_test_id("chart")
    expect(chart).to_have_count(1)
    expect(chart.get_by_role("heading")).to_have_text("Electricity bills, Harris County")
    expect(chart.locator("canvas")).to_be_visible()
    page.get_by_label("Compare with: Need").select_option("BH")
    page.get_by_label("Compare with: Area").select_option("TX-DT")
    expect(chart.nth(1).get_by_role("heading")).to_have_text("Shelter, Downtown")
    expect_in_address(page, "need2=BH&area2=TX-DT")
    expect(page.get_by_test_id("small").locator("[data-small]")).to_have_count(5)
    expect(page.get_by_test_id("movers")).to_contain_text("Electricity bills, DT 412, usually 180")
    csv = chart.first.get_by_role("link", name="CSV")
    asked = r"v1/series\.csv\?need=BV&area=TX-HARRIS&start=2026-07-23T08%3A00.*&bucket=hour&audience=us"
    expect(csv).to_have_attribute("href", re.compile(f"^{asked}$"))
    expect(chart.nth(1).locator("canvas")).to_be_visible()
    shoot(page, "explore")
    expect_accessible(page)
    page.set_viewport_size({"width": 360, "height": 740})
    expect_no_wider(page, 360)
    shoot(page, "explore-phone")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator("[data-small=BD]").click()
    expect(chart.first.get_by_role("heading")).to_have_text("Food, Harris County")
    page.goto(api.url + "#/explore?need=NO&area=TX-DT")
    expect(page.get_by_text("names a need or an area that does not exist here")).to_be_visible()


def test_an_event_is_declared_in_the_area_s_own_time_and_its_board_follows(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a", severity="severe"))
    page = open_page("#/event", reduced_motion="reduce")
    expect(page.get_by_text("No event is declared.")).to_be_visible()
    page.get_by_role("button", name="Declare an event").click()
    page.get_by_label("Name").fill("July heat wave")
    expect(page.get_by_label("Start")).to_have_value("2026-07-26T02:05")
    page.get_by_label("Start").fill("2026-07-25T12:00")
    page.get_by_label("End (open if empty)").fill("2026-07-27T12:00")
    page.get_by_role("button", name="Remove Houston region").click()
    areas = page.get_by_role("group", name="Areas")
    areas.get_by_role("searchbox").fill("HARR")
    areas.get_by_role("checkbox", name="Harris County").first.check()
    areas.get_by_role("searchbox").fill("downt")
    page.keyboard.press("Enter")  # the only one left
    page.get_by_role("group", name="Needs").get_by_role("checkbox", name="Electricity bills").check()
    expect_accessible(page)
    page.get_by_role("button", name="Declare", exact=True).click()
    board = page.get_by_test_id("board")
    expect(board).to_contain_text("Harris County, Downtown")
    event = api.events.events["e1"]
    assert (event["start"], event["end"]) == ("2026-07-25T17:00:00.000Z", "2026-07-27T17:00:00.000Z")
    assert (event["areas"], event["needs"], len(event["periods"])) == (["TX-HARRIS", "TX-DT"], ["BV"], 4)
    expect(board).to_contain_text("1 alert of this event")
    expect(board.get_by_role("row", name="Electricity bills 214 80 2.7\u00d7 122")).to_be_visible()
    expect(board).to_contain_text("Unmet share and waits are not told by this detector.")
    shoot(page, "event")
    expect_accessible(page)
    page.get_by_role("button", name="It is over").click()
    expect(page.get_by_test_id("toast").last).to_contain_text("July heat wave: over.")
    expect(page.get_by_role("button", name="It is over")).to_have_count(0)


def test_two_people_who_change_an_event_at_once_are_told(api: MockApi, open_page: Open) -> None:
    api.events.declare(heat_wave(NOW), "M. Ortiz")
    api.events.outcomes = True
    page = open_page("#/event", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.get_by_test_id("board")).to_contain_text("31%")
    expect_no_wider(page, 360)
    page.get_by_role("button", name="Change").click()
    api.events.events["e1"]["version"] = 2  # somebody else's
    page.get_by_label("Name").fill("Heat")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("M. Ortiz changed it meanwhile.")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "PUT") as answer:
        page.get_by_role("button", name="Save").click()
    assert answer.value.status == 409  # still the version that was looked at
    assert api.events.events["e1"]["name"] == "July heat wave"


def test_areas_are_found_among_two_thousand_and_none_is_not_accepted(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.map = mock_world.many_areas(2000)
    page = open_page("#/event", color_scheme="dark", reduced_motion="reduce")
    page.get_by_role("button", name="Declare an event").click()
    areas = page.get_by_role("group", name="Areas")
    expect(areas.get_by_role("checkbox")).to_have_count(40)
    expect(areas.get_by_role("status")).to_have_text("1,961 more: type to find them")
    areas.get_by_role("searchbox").fill("area 1999")
    expect(areas.get_by_role("checkbox")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(areas.get_by_role("button", name="Remove Area 1999")).to_be_visible()
    shoot(page, "event-form-dark")
    expect_accessible(page)
    areas.get_by_role("searchbox").fill("nowhere")
    expect(areas).to_contain_text("Nothing has this name.")
    areas.get_by_role("button", name="Remove Area 1999").click()
    areas.get_by_role("button", name="Remove Houston region").click()
    page.get_by_label("Name").fill("Heat")
    page.get_by_role("button", name="Declare", exact=True).click()
    expect_value(page, "document.querySelector('[type=search]:invalid')?.validationMessage", "Please fill this in.")
    assert api.events.events == {}
