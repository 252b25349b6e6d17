"""The page is honest about its connection and its age, and comes back by itself."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import KEY, MockApi

Open = Callable[..., Page]


def test_a_cut_stream_is_taken_up_where_it_stopped(api: MockApi, open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.push(make_alert("a"))
    expect(page.locator("[data-card=a]")).to_be_visible()
    api.cut()
    api.push(make_alert("b", severity="minor"))
    expect(page.locator("[data-card=b]")).to_be_visible()
    assert api.last_event_ids == [None, "1"]


def test_a_server_that_restarts_is_shown_as_lost_and_then_picked_up(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.stop()
    expect(page.get_by_test_id("banner")).to_contain_text("You see what was known at Sun, Jul 26, 02:05 CDT.")
    expect(page.get_by_test_id("state")).to_contain_text("Not connected. You see 02:05.")
    expect(page.locator("[data-card=a]")).to_be_visible()
    api.push(make_alert("b"))
    api.start()
    expect(page.locator("[data-card=b]")).to_be_visible()
    expect(page.get_by_test_id("banner")).to_have_count(0)
    expect(page.locator("[role=status]")).to_contain_text("Connected again")


@pytest.mark.parametrize("code", [503, 401])
def test_an_error_during_the_reconnect_does_not_end_the_stream_for_good(
    api: MockApi, open_page: Open, code: int
) -> None:
    page = open_page()
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    if code == 503:
        api.broken.add("/v1/alerts/stream")
        api.cut()
        expect(page.get_by_test_id("banner")).to_be_visible()
        api.broken.clear()
    else:
        api.key_needed = True
        api.cut()
        page.get_by_label("Key", exact=True).fill(KEY)
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.push(make_alert("a"))
    expect(page.locator("[data-card=a]")).to_be_visible()


def test_a_connection_that_goes_silent_is_lost_after_fifteen_seconds(api: MockApi, open_page: Open) -> None:
    page = open_page(fake_clock=True)
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.mute = True
    page.clock.fast_forward(16_000)
    expect(page.get_by_test_id("state")).to_contain_text("Not connected")
    api.mute = False
    expect(page.get_by_test_id("state")).to_contain_text("Live")


def test_the_age_of_the_data_grows_with_the_lag_and_turns_late(api: MockApi, open_page: Open) -> None:
    api.lag_seconds = 12
    page = open_page()
    expect(page.get_by_test_id("state")).to_contain_text("data 12 sec old")
    api.lag_seconds = 240
    expect(page.get_by_test_id("state")).to_contain_text("Late: the detector is 4 min behind")
    expect(page.get_by_test_id("banner")).to_contain_text("New rises may already be under way.")


def test_after_a_gap_the_page_asks_again_and_drops_what_is_gone(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("ended-meanwhile"))
    api.push(make_alert("forbidden-meanwhile"))
    page = open_page()
    expect(page.locator("[data-card=forbidden-meanwhile]")).to_be_visible()
    api.gap = True
    api.alerts["ended-meanwhile"] = make_alert(
        "ended-meanwhile", version=2, status="ended", ended_at="2026-07-26T07:00:00Z"
    )
    api.alerts["missed"] = make_alert("missed")
    del api.alerts["forbidden-meanwhile"]
    api.cut()
    expect(page.locator("[data-card=missed]")).to_be_visible()
    expect(page.locator("[data-card=forbidden-meanwhile]")).to_have_count(0)
    expect(page.locator("[data-card=ended-meanwhile]")).to_have_count(0)
    page.get_by_test_id("ended").locator("summary").click()
    expect(page.locator("[data-ended=ended-meanwhile]")).to_be_visible()


def test_a_list_that_cannot_be_loaded_says_why_and_recovers(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    api.broken.update({"/v1/alerts", "/v1/alerts/stream"})
    page = open_page()
    expect(page.get_by_test_id("failed")).to_contain_text("503 The log is not reachable")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_test_id("failed")).to_contain_text("503 The log is not reachable")
    api.broken.clear()
    expect(page.locator("[data-card=a]")).to_be_visible(timeout=30_000)


def test_a_new_build_of_the_page_is_offered_not_forced(api: MockApi, open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.build = "two"
    api.cut()
    expect(page.get_by_test_id("build")).to_contain_text("A new version of this page is ready.")


def test_a_second_tab_shares_the_stream_and_takes_over_when_the_first_closes(api: MockApi, open_page: Open) -> None:
    first = open_page()
    expect(first.get_by_test_id("state")).to_contain_text("Live")
    second = first.context.new_page()
    second.goto(api.url)
    expect(second.get_by_test_id("state")).to_contain_text("Live")
    api.push(make_alert("a"))
    expect(second.locator("[data-card=a]")).to_be_visible()
    assert len(api.last_event_ids) == 1
    first.close()
    api.wait_for_streams(2)
    api.push(make_alert("b"))
    expect(second.locator("[data-card=b]")).to_be_visible()
    assert api.last_event_ids == [None, "1"]


def test_without_a_key_the_page_asks_for_one_and_names_a_wrong_one(api: MockApi, open_page: Open) -> None:
    api.key_needed = True
    api.push(make_alert("a"))
    page = open_page()
    page.get_by_label("Key", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="not valid")).to_be_visible()
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[data-card=a]")).to_be_visible()
    expect(page.get_by_test_id("state")).to_contain_text("Live")


def test_a_key_in_the_address_signs_in_once_and_leaves_no_trace(api: MockApi, open_page: Open) -> None:
    api.key_needed = True
    api.push(make_alert("a"))
    page = open_page(f"#key={KEY}")
    expect(page.locator("[data-card=a]")).to_be_visible()
    assert KEY not in page.url
    assert KEY not in page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie")
    page.reload()
    expect(page.locator("[data-card=a]")).to_be_visible()


def test_the_page_can_be_told_to_try_again_at_once(api: MockApi, open_page: Open) -> None:
    page = open_page(fake_clock=True)
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.broken.add("/v1/alerts/stream")
    api.cut()
    page.clock.fast_forward(5_000)
    expect(page.get_by_test_id("banner")).to_be_visible()
    page.clock.pause_at(page.evaluate("Date.now()") + 20_000)
    expect(page.get_by_test_id("banner")).to_contain_text("Trying again in")
    api.broken.clear()
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_test_id("banner")).to_have_count(0)  # no timer runs, so only the button can have done it
