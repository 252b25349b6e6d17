"""What did we know at 14:05: a moment that one jumps to, that plays by itself, and that nobody can take for now."""

from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import eventually, expect_accessible, expect_no_wider

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def a_night(api: MockApi) -> None:
    """Raised as moderate at 00:20 local time, extreme at 01:00; a second one at 01:40."""
    times = {"raised_at": "2026-07-26T05:20:00Z", "started_at": "2026-07-26T05:00:00Z"}
    api.push(make_alert("a", severity="moderate", observed=40, updated_at="2026-07-26T05:20:00Z", **times))
    api.push(make_alert("a", severity="extreme", version=2, updated_at="2026-07-26T06:00:00Z", **times))
    second = {"raised_at": "2026-07-26T06:40:00Z", "updated_at": "2026-07-26T06:40:00Z"}
    api.push(make_alert("b", severity="minor", need="BD", **second))


def known(page: Page) -> list[str]:
    """What is listed: id and version."""
    found: list[str] = page.locator("[data-known]").evaluate_all(
        "all => all.map(one => one.dataset.known + one.dataset.version)"
    )
    return found


def test_the_page_shows_what_was_known_at_a_moment_and_steps_from_change_to_change(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    a_night(api)
    page = open_page("#/replay?at=2026-07-26T05:30:00Z", reduced_motion="reduce")
    expect(page.get_by_test_id("moment")).to_have_text("Sun, Jul 26, 00:30 CDT")
    expect(page.locator("[data-known=a]")).to_have_attribute("data-version", "1")
    expect(page.get_by_test_id("known")).to_contain_text("1 open alert was known")
    expect(page.get_by_role("note").last).to_contain_text("You see what was known at Sun, Jul 26, 00:30 CDT.")
    expect(page.get_by_test_id("watermark")).to_have_attribute("data-word", "REPLAY")
    then = datetime(2026, 7, 26, 5, 30, tzinfo=UTC)
    eventually(page, lambda: api.records.known_asked[-1:] == [then], "alerts as known then")
    places = page.get_by_test_id("known-map")
    expect(places.locator("[data-area=TX-DT]")).to_have_attribute("data-fill", "level0")  # now it is level1
    asked = {"need": "BV", "hours": "3", "known_at": "2026-07-26T05:30:00.000Z"}
    eventually(page, lambda: api.states_asked[-1:] == [asked], "areas as known then")
    page.get_by_role("button", name="Next change").click()
    expect(page.locator("[data-known=b]")).to_be_visible()
    expect(places).to_contain_text("You see what was known at Sun, Jul 26, 01:40 CDT.")
    expect(page.locator("[data-known]")).to_have_count(2)
    eventually(page, lambda: known(page) == ["a2", "b1"], "both as they were then")
    page.wait_for_url("**at=2026-07-26T06%3A40%3A00.000Z")  # can be sent to someone
    expect(page.locator("canvas")).to_be_visible()
    eventually(page, lambda: api.series_asked[-1].get("known_at") == "2026-07-26T06:40:00.000Z", "hours as known then")
    shoot(page, "replay")
    places.scroll_into_view_if_needed()
    shoot(page, "replay-map")
    places.locator("summary").click()
    expect(places.get_by_test_id("areas").get_by_role("row")).to_have_count(13)
    expect(places).to_contain_text("whether data was late then is not kept")
    page.locator("figure").get_by_role("button", name="Table").click()
    expect(page.get_by_role("region", name="Calls per hour")).to_be_visible()
    expect_accessible(page)
    page.get_by_role("heading", level=2).focus()
    page.keyboard.press("[")
    expect(page.locator("[data-known=a]")).to_have_attribute("data-version", "1")
    page.get_by_label("Jump to").fill("2026-07-25T23:00")
    expect(page.get_by_test_id("known")).to_contain_text("No alert was open then")
    page.get_by_role("link", name="Back to now").click()
    expect(page.locator("[data-card=a]")).to_be_visible()


def test_it_plays_by_itself_at_the_speed_chosen_pauses_and_stops_at_now(api: MockApi, open_page: Open) -> None:
    a_night(api)
    api.mode = "live"
    page = open_page("#/replay?at=2026-07-26T05:58:00Z", fake_clock=True)
    expect(page.locator("[data-known=a]")).to_have_attribute("data-version", "1")
    expect(page.get_by_test_id("watermark")).to_be_visible()
    page.get_by_label("Speed").select_option("300")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(500)
    expect(page.locator("[data-known=a]")).to_have_attribute("data-version", "2")
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    moment = page.get_by_test_id("moment").inner_text()
    page.clock.run_for(2000)
    expect(page.get_by_test_id("moment")).to_have_text(moment)
    page.get_by_label("Speed").select_option("3600")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(5000)
    expect(page.get_by_text("This is now.")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_a_replay_fits_a_phone_and_says_when_the_past_cannot_be_had(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    a_night(api)
    page = open_page("#/replay", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.get_by_test_id("moment")).to_have_text("Sun, Jul 26, 01:05 CDT")  # an hour ago, to begin with
    expect(page.get_by_test_id("known")).to_contain_text("1 open alert was known")
    expect_no_wider(page, 360)
    page.get_by_role("slider", name="Moment shown").focus()
    page.keyboard.press("End")
    expect(page.locator("[data-known]")).to_have_count(2)
    shoot(page, "replay-phone")
    api.broken.add("/v1/alerts")
    page.get_by_role("button", name="1 hour back").click()
    expect(page.get_by_test_id("trouble")).to_contain_text("This could not be loaded")


def test_every_picture_of_an_exercise_carries_its_word_and_a_live_page_carries_none(
    api: MockApi, open_page: Open
) -> None:
    api.push(make_alert("a"))
    page = open_page()
    mark = page.get_by_test_id("watermark")
    expect(mark).to_have_attribute("data-word", "EXERCISE")
    expect(page).to_have_title("EXERCISE · (1) Groundswell")
    page.emulate_media(media="print")
    expect(mark).to_be_visible()
    page.emulate_media(media="screen")
    api.mode = "live"
    expect(mark).to_have_count(0)
    expect(page).to_have_title("(1) Groundswell")
