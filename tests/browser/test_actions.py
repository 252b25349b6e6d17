"""What a person does to an alert: one click or key, shown at once, with a way back, and seen by everyone else."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import expect_accessible, focus_card

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def card(page: Page, alert_id: str) -> Locator:
    """The card of one alert."""
    return page.locator(f"[data-card={alert_id}]")


def human(page: Page, alert_id: str) -> Locator:
    """The line of a card that says what people did."""
    return card(page, alert_id).get_by_test_id("human")


def toast(page: Page) -> Locator:
    """The newest message."""
    return page.get_by_test_id("toast").last


def test_every_action_is_a_key_and_the_other_browser_sees_it_without_asking(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a"))
    page, other = open_page(), open_page(who="M. Ortiz")
    expect(card(other, "a")).to_be_visible()
    focus_card(page, "a")
    page.keyboard.press("a")
    expect(human(other, "a")).to_contain_text("acknowledged by A. Test, 02:05 CDT")
    page.keyboard.press("i")
    page.keyboard.press("Enter")
    expect(human(page, "a")).to_contain_text("assigned to you")
    expect(human(other, "a")).to_contain_text("assigned to A. Test")
    page.keyboard.press("n")
    page.keyboard.type("Shelter B is full.")
    page.keyboard.press("Enter")
    expect(human(other, "a")).to_contain_text("A. Test: “Shelter B is full.”")
    page.keyboard.press("l")
    shoot(page, "label")
    page.keyboard.press("1")
    expect(human(other, "a")).to_contain_text("labelled: Real rise")
    page.keyboard.press("e")
    page.keyboard.type("Handed to the county.")
    page.keyboard.press("Enter")
    expect(human(other, "a")).to_contain_text("ended by A. Test")
    shoot(page, "now-acted")
    expect(card(page, "a")).to_be_focused()
    assert [one["type"] for one in api.people.history("a")] == ["acknowledge", "assign", "notes", "label", "end"]
    assert all(headers["x-requested-with"] == "groundswell" for headers in api.people.headers)
    assert len({headers["idempotency-key"] for headers in api.people.headers}) == 5


QUICK_HAND = """async () => {
  document.querySelector('dialog[open] button.primary').click();
  document.querySelector('[data-card=a]').dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let i = 0; i < 3; i++) await frame();
}"""
"""The next question is asked before the browser tells that the dialog of the last one was closed."""


def test_a_question_that_is_asked_right_after_another_stays_open(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    focus_card(page, "a")
    page.keyboard.press("i")
    expect(page.get_by_test_id("action").get_by_role("button").first).to_be_focused()
    page.evaluate(QUICK_HAND)
    expect(page.locator("#action-text")).to_be_focused()
    page.keyboard.type("Shelter B is full.")
    page.keyboard.press("Enter")
    expect(human(page, "a")).to_contain_text("Shelter B is full.")


def test_an_action_is_shown_before_the_server_has_answered_and_undone_by_a_key(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    api.hold_actions()
    card(page, "a").get_by_role("button", name="Acknowledge").click()
    expect(human(page, "a")).to_contain_text("acknowledged by A. Test")
    expect(human(page, "a")).to_contain_text("being saved")
    assert api.alerts["a"]["acknowledged"] is None
    api.release_actions()
    expect(toast(page)).to_contain_text("Acknowledged.")
    expect(page.get_by_test_id("said")).to_have_text("Acknowledged.")
    page.keyboard.press("u")
    expect(human(page, "a")).to_contain_text("not acknowledged yet")
    expect(toast(page)).to_contain_text("Taken back.")
    assert api.alerts["a"]["acknowledged"] is None


def test_undo_brings_back_what_was_there_before(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a", assigned_to="J. Roy", label="false_alarm"))
    page = open_page()
    expect(human(page, "a")).to_contain_text("assigned to J. Roy")
    card(page, "a").get_by_role("button", name="Assign").click()
    page.get_by_role("button", name="M. Ortiz").click()
    expect(human(page, "a")).to_contain_text("assigned to M. Ortiz")
    toast(page).get_by_role("button", name="Undo").click()
    expect(human(page, "a")).to_contain_text("assigned to J. Roy")
    card(page, "a").get_by_role("button", name="Label").click()
    page.get_by_role("button", name="New normal").click()
    expect(human(page, "a")).to_contain_text("labelled: New normal")
    expect(toast(page).get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("u")
    expect(human(page, "a")).to_contain_text("labelled: False alarm")


def test_u_pressed_while_a_deed_is_being_saved_takes_back_this_one_and_not_the_one_before(
    api: MockApi, open_page: Open
) -> None:
    api.push(make_alert("a"))
    api.push(make_alert("b"))
    page = open_page()
    card(page, "a").get_by_role("button", name="Acknowledge").click()
    expect(toast(page)).to_contain_text("Acknowledged.")
    api.hold_actions()
    card(page, "b").get_by_role("button", name="Acknowledge").click()
    expect(human(page, "b")).to_contain_text("being saved")
    page.keyboard.press("u")
    expect(human(page, "b")).to_contain_text("being saved")
    api.release_actions()
    expect(human(page, "b")).to_contain_text("not acknowledged yet")
    expect(human(page, "a")).to_contain_text("acknowledged by A. Test")
    assert api.alerts["a"]["acknowledged"] is not None


def test_of_two_people_at_once_the_later_one_sees_what_changed_and_can_go_on(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a"))
    page, other = open_page(), open_page(who="M. Ortiz")
    expect(card(other, "a")).to_be_visible()
    api.mute = True  # what the other does cannot have reached this page yet
    card(other, "a").get_by_role("button", name="Acknowledge").click()
    expect(toast(other)).to_contain_text("Acknowledged.")
    card(page, "a").get_by_role("button", name="Label").click()
    page.get_by_role("button", name="Data problem").click()
    expect(toast(page)).to_contain_text("Somebody else acted first")
    expect(toast(page)).to_contain_text("acknowledged by M. Ortiz")
    expect(page.get_by_test_id("alarm")).to_contain_text("Somebody else acted first")
    expect(human(page, "a")).to_contain_text("acknowledged by M. Ortiz")
    shoot(page, "conflict")
    assert api.alerts["a"]["label"] is None
    toast(page).get_by_role("button", name="Do mine too").click()
    expect(human(page, "a")).to_contain_text("labelled: Data problem")
    api.mute = False
    expect(human(other, "a")).to_contain_text("labelled: Data problem")


def test_what_cannot_be_saved_is_taken_off_the_card_and_can_be_tried_again(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    api.broken.add("/v1/alerts/a/acknowledge")
    card(page, "a").get_by_role("button", name="Acknowledge").click()
    expect(toast(page)).to_contain_text("Not saved: The log is not reachable.")
    expect(human(page, "a")).to_contain_text("not acknowledged yet")
    api.broken.clear()
    toast(page).get_by_role("button", name="Try again").click()
    expect(human(page, "a")).to_contain_text("acknowledged by A. Test")


def test_a_note_that_names_a_caller_is_refused_and_comes_back_for_a_change(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    card(page, "a").get_by_role("button", name="Note").click()
    page.get_by_label("What should the next person know?").fill("Call 555-0123")
    page.keyboard.press("Enter")
    expect(toast(page)).to_contain_text("never of a caller")
    expect(human(page, "a")).not_to_contain_text("555")
    toast(page).get_by_role("button", name="Change it").click()
    field = page.get_by_label("What should the next person know?")
    expect(field).to_have_value("Call 555-0123")
    field.fill("Called back")
    page.keyboard.press("Enter")
    expect(human(page, "a")).to_contain_text("Called back")


def test_a_silence_asks_for_scope_time_and_reason_says_what_it_hides_and_can_be_ended(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a", severity="minor"))
    api.push(make_alert("b", severity="minor", area="TX-DT", area_name="Downtown"))
    api.push(make_alert("food", severity="severe", need="BD", area="TX-DT", area_name="Downtown"))
    page, other = open_page(), open_page(who="M. Ortiz")
    focus_card(page, "b")
    page.keyboard.press("s")
    page.get_by_role("button", name="Silence", exact=True).last.click()
    expect(page.get_by_test_id("action")).to_contain_text("Please fill this in.")
    page.get_by_label("Electricity bills, everywhere").check()
    expect(page.get_by_test_id("preview")).to_have_text("Hides 2 open alerts now; 5 in the last 7 days")
    page.get_by_label("12 hours").check()
    page.get_by_label("Why?").fill("Payday, known")
    shoot(page, "silence")
    expect_accessible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("silences")).to_contain_text("1 silence: 2 alerts hidden")
    expect(card(page, "b")).to_contain_text("silenced until 14:05 CDT")  # stays while it has the focus
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    expect(card(page, "b")).to_have_count(0)
    for browser in (page, other):
        expect(browser.locator("[data-count=minor]")).to_contain_text("0")
    expect(card(other, "a")).to_have_count(0)
    other.get_by_role("button", name="Show", exact=True).click()
    expect(card(other, "a")).to_contain_text("silenced until 14:05 CDT")
    other.get_by_role("button", name=re.compile("2 alerts hidden")).click()
    expect(other.get_by_test_id("silences")).to_contain_text(
        "Electricity bills, until 14:05 CDT: Payday, known (A. Test)"
    )
    shoot(other, "silences")
    other.get_by_role("button", name="End the silence").click()
    expect(card(page, "b")).to_be_visible()
    expect(page.get_by_test_id("silences")).to_have_count(0)


def test_a_viewer_reads_and_is_offered_nothing_else(api: MockApi, open_page: Open) -> None:
    api.people.role = "viewer"
    api.push(make_alert("a"))
    page = open_page()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(card(page, "a").get_by_role("button", name="Acknowledge")).to_have_count(0)
    card(page, "a").focus()
    page.keyboard.press("a")
    page.keyboard.press("l")
    expect(page.get_by_test_id("action")).not_to_be_visible()
    assert api.people.headers == []
