"""Budget, sources and handover: what a shift lives with and what it leaves to the next."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import eventually, expect_accessible, focus_card

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def test_another_budget_is_previewed_set_and_taken_back(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.push(make_alert("a", budget_needed=2.5))
    page = open_page("#/budget", reduced_motion="reduce")
    card = page.get_by_test_id("budget")
    expect(card).to_contain_text("Houston region: 3 a week")
    expect(card).to_contain_text("1 raised in the last 7 days · 2 held back just under it · 1 labelled false alarm")
    expect(page.get_by_test_id("quality")).to_contain_text("86% of those labelled were real (69% to 94%)")
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("preview")).to_contain_text("At 5 a week you would also have seen this one:")
    expect(page.get_by_test_id("preview")).to_contain_text("Food, MID")
    shoot(page, "budget")
    expect_accessible(page)
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("preview")).to_contain_text("At 2 a week you would not have seen this one:")
    page.get_by_role("button", name="Set to 2 a week").click()
    expect(card).to_contain_text("A. Test asked for 2 a week at 02:05 CDT")
    expect(page.get_by_test_id("toast").get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("u")
    expect(card).to_contain_text("A. Test asked for 3 a week")
    card.get_by_text("Held back in the last 7 days").click()
    expect(card).to_contain_text("would need 6.5 a week")


def test_a_detector_that_tells_nothing_of_what_it_held_back_is_not_taken_for_one_that_held_nothing(
    api: MockApi, open_page: Open
) -> None:
    api.duty.held = None
    page = open_page("#/budget")
    page.get_by_text("Held back in the last 7 days").click()
    expect(page.get_by_test_id("budget")).to_contain_text("This detector does not tell what it held back.")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("preview")).to_contain_text("this cannot be shown")


def test_silent_sources_come_first_and_refusals_say_why(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    page = open_page("#/sources")
    feeds = page.get_by_test_id("feeds").locator("[data-source]")
    expect(feeds).to_have_count(4)
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.silent = ["nonstop-311"]  # asked again after the first beat: what came before it has no time that could be told
    expect(feeds.first).to_contain_text("nonstop-311")
    expect(feeds.first).to_contain_text("silent, posts in batches")
    expect(feeds.first).to_contain_text("00:40 CDT")
    expect(page.get_by_text("A silent source is not a fall in need")).to_be_visible()
    city = page.locator("[data-source=cityline]")
    city.get_by_text("Why refused").click()
    expect(city).to_contain_text("31 records: needs.0.code: code the tree lacks")
    shoot(page, "sources")
    expect_accessible(page)
    api.broken.add("/v1/sources")
    api.silent = []  # the strip's news makes the page ask again
    expect(page.get_by_test_id("trouble")).to_contain_text("What you see is from 02:05 CDT.")
    expect(feeds).to_have_count(4)


def test_a_handover_says_what_rose_what_was_done_and_what_is_open(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.push(make_alert("a", severity="extreme"))
    api.push(make_alert("over", status="ended", ended_at="2026-07-26T05:00:00Z", label="real_surge"))
    page = open_page()
    expect(page.locator("[data-card=a]").get_by_role("button", name="Note")).to_be_visible()
    focus_card(page, "a")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.type("Two shelters report full.")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("toast").filter(has_text="Note saved.")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("h")
    sheet = page.get_by_test_id("handover")
    expect(sheet).to_contain_text("Sat, Jul 25, 18:05 CDT to Sun, Jul 26, 02:05 CDT")
    expect(sheet.locator("[data-part=rose]")).to_contain_text("What rose 2")
    expect(sheet.locator("[data-part=done]")).to_contain_text("A. Test wrote: “Two shelters report full.”")
    expect(sheet.locator("[data-part=open]")).to_contain_text("acknowledged by A. Test")
    expect(sheet.locator("[data-part=ended]")).to_contain_text("Real rise")
    expect(sheet).to_contain_text("Silent sources: county-chat")
    link = page.get_by_role("link", name="Markdown")
    expect(link).to_have_attribute("href", re.compile(r"^v1/handover\.md\?since=2026-07-25T23%3A05"))
    shoot(page, "handover")
    expect_accessible(page)
    page.emulate_media(media="print")
    expect(page.locator("button:visible")).to_have_count(0)
    expect(sheet).to_be_visible()
    shoot(page, "handover-print")
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Français").click()
    expect(sheet).to_contain_text("A. Test a écrit : « Two shelters report full. »")
    eventually(page, lambda: api.duty.handovers_asked[-1]["language"] == "fr", "asked in French")
