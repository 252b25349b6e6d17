"""A shift as one story, by keyboard alone, with a colleague on a phone in the dark who sees all of it."""

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.browser.alerts import NOW, make_alert
from tests.browser.mock_api import MockApi
from tests.browser.mock_world import zulu

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}


def test_a_surge_arrives_is_handled_by_keyboard_eases_ends_and_the_colleague_sees_it_all(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    desk = open_page()
    phone = open_page(who="M. Ortiz", reduced_motion="reduce", **PHONE)
    expect(desk.get_by_test_id("empty")).to_contain_text("within its usual range")
    shoot(desk, "shift-1-quiet")

    api.push(make_alert("s", severity="moderate", observed=31, minutes_ago=-1))
    card, theirs = desk.locator("[data-card=s]"), phone.locator("[data-card=s]")
    expect(theirs).to_be_visible()
    expect(card).to_contain_text("New")
    api.push(make_alert("s", severity="extreme", version=2, minutes_ago=-1))
    expect(theirs).to_contain_text("was Moderate until")
    expect(desk.get_by_test_id("alarm")).to_have_text("")  # it is no new alert
    shoot(desk, "shift-2-arrived")
    shoot(phone, "shift-2-phone")

    desk.keyboard.press("j")
    expect(card).to_be_focused()
    desk.keyboard.press("a")
    expect(theirs).to_contain_text("acknowledged by A. Test")
    desk.keyboard.press("i")
    desk.keyboard.press("Enter")
    expect(theirs).to_contain_text("assigned to A. Test")
    desk.keyboard.press("Enter")
    expect(desk.locator("[data-alert=s]").get_by_role("heading", level=2)).to_be_focused()
    desk.keyboard.press("n")
    desk.keyboard.type("Cooling centre full, second one opens at six.")
    desk.keyboard.press("Enter")
    expect(theirs).to_contain_text("Cooling centre full")
    shoot(desk, "shift-3-handled")

    theirs.get_by_role("button", name="Note").tap()
    phone.get_by_label("What should the next person know?").fill("Buses are on their way.")
    phone.get_by_role("button", name="Save note").tap()
    expect(desk.get_by_test_id("history")).to_contain_text("M. Ortiz wrote: “Buses are on their way.”")

    kept = {name: api.alerts["s"][name] for name in ("acknowledged", "assigned_to", "notes", "human_version")}
    later = {"updated_at": zulu(NOW + timedelta(hours=2)), "minutes_ago": -1}
    api.log_time = NOW + timedelta(hours=2)
    api.push(make_alert("s", severity="extreme", status="easing", version=3, observed=160, **kept, **later))
    expect(desk.locator("[data-alert=s] [data-status=easing]")).to_be_visible()
    desk.keyboard.press("l")
    desk.keyboard.press("1")
    expect(theirs).to_contain_text("labelled: Real rise")
    desk.keyboard.press("Escape")
    expect(card).to_be_focused()
    shoot(desk, "shift-4-easing")

    kept |= {name: api.alerts["s"][name] for name in ("label", "human_version")}
    end = {"ended_at": zulu(NOW + timedelta(hours=2)), "status": "ended"}
    api.push(make_alert("s", severity="extreme", version=4, observed=171, **kept, **later, **end))
    phone.evaluate("document.activeElement.blur()")
    expect(phone.get_by_test_id("empty")).to_be_visible()
    expect(card.locator("[data-status=ended]")).to_be_visible()  # it has the focus, so it stays
    desk.keyboard.press("Escape")
    expect(desk.get_by_test_id("empty")).to_be_visible()
    phone.get_by_test_id("ended").locator("summary").click()
    expect(phone.locator("[data-ended=s]")).to_contain_text("ended 04:05 CDT")

    desk.keyboard.press("g")
    desk.keyboard.press("h")
    sheet = desk.get_by_test_id("handover")
    expect(sheet.locator("[data-part=done]").get_by_role("listitem")).to_have_count(5)
    expect(sheet.locator("[data-part=ended]")).to_contain_text("Real rise")
    shoot(desk, "shift-5-handover")
