"""Languages, keyboard, screen reader, small screens, dark mode, reduced motion."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import expect_accessible, expect_no_wider, expect_order, expect_value, focus_card

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DARK = {"color_scheme": "dark"}
WATCH_NEW_CARDS = """
  window.drawn = new Set();
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes)
        if (node instanceof Element)
          for (const card of [node, ...node.querySelectorAll('[data-card]')])
            if (card.matches('[data-card]')) window.drawn.add(card.dataset.card);
  }).observe(document.body, { childList: true, subtree: true });
"""


def some_alerts(api: MockApi) -> None:
    for severity in ("extreme", "severe", "moderate", "minor"):
        api.push(make_alert(severity, severity=severity))
    api.push(make_alert("over", status="ended", severity="severe", ended_at="2026-07-26T06:00:00Z"))


def expect_focused(page: Page, name: str) -> None:
    """Wait until a card has the focus."""
    expect(page.locator(f"[data-card={name}]")).to_be_focused()


def test_the_language_switch_changes_every_word_and_number_and_is_remembered(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    told = {
        "en": "84 calls since 23:40 CDT.",
        "fr": "84 appels depuis 23 h 40 CDT.",
        "es": "84 llamadas desde las 23:40.",
    }
    api.push(make_alert("a", severity="extreme", observed=1284, explanation=told))
    page = open_page()
    expect(page.locator("[data-card=a] .explanation")).to_have_text("84 calls since 23:40 CDT.")
    page.get_by_role("button", name="Français").click()
    expect(page.locator("[data-card=a] .explanation")).to_have_text("84 appels depuis 23 h 40 HAC.")
    expect(page.get_by_role("heading", level=3)).to_have_text("En hausse : Factures d\u2019électricité, Harris County")
    expect(page.locator("[data-number=observed]")).to_contain_text("1\u00a0284")
    expect(page.locator("[data-card=a]")).to_contain_text("Extrême")
    expect(page.locator("html")).to_have_attribute("lang", "fr-CA")
    shoot(page, "now-fr")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("[data-number=chance]")).to_contain_text("En un año normal, la probabilidad")
    shoot(page, "now-es")
    page.reload()
    expect(page.get_by_role("heading", level=3)).to_contain_text("En aumento: Facturas de luz")


def test_the_first_language_is_the_browsers(api: MockApi, open_page: Open) -> None:
    page = open_page(locale="es-MX")
    expect(page.get_by_test_id("empty")).to_contain_text("No hay alertas abiertas.")


def test_the_list_has_one_tab_stop_and_j_k_and_enter_work_in_it(api: MockApi, open_page: Open) -> None:
    some_alerts(api)
    page = open_page()
    expect(page.locator("[data-card=minor]")).to_be_visible()
    expect(page.locator("[data-card][tabindex='0']")).to_have_count(1)
    focus_card(page, "extreme")
    page.keyboard.press("j")
    expect_focused(page, "severe")
    page.keyboard.press("ArrowDown")
    expect_focused(page, "moderate")
    page.keyboard.press("k")
    expect_focused(page, "severe")
    page.keyboard.press("d")
    expect(page.locator("[data-card=severe]")).to_contain_text("No weather feed is set up.")
    page.keyboard.press("t")
    expect(page.locator("[data-card=severe] table")).to_be_visible()
    expect(page.locator("[data-card=severe]")).to_have_css("outline-width", "3px")


def test_letters_can_be_switched_off_and_arrows_still_work(api: MockApi, open_page: Open) -> None:
    some_alerts(api)
    page = open_page()
    focus_card(page, "extreme")
    page.keyboard.press("?")
    page.get_by_label("Single-letter keys are on").uncheck()
    page.keyboard.press("Escape")
    focus_card(page, "extreme")
    page.keyboard.press("j")
    expect_focused(page, "extreme")
    page.keyboard.press("ArrowDown")
    expect_focused(page, "severe")


def test_the_order_is_frozen_under_the_focus_and_serious_news_waits_above(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a", severity="moderate"))
    api.push(make_alert("b", severity="minor"))
    page = open_page()
    focus_card(page, "a")
    api.push(make_alert("quiet", severity="moderate", minutes_ago=-1))
    api.push(make_alert("loud", severity="extreme", minutes_ago=-1))
    expect(page.get_by_test_id("pending")).to_contain_text("2 new")
    expect(page.locator(".tray [data-card=loud]")).to_be_visible()
    main = page.locator("[data-testid=open] [data-card]")
    expect(main).to_have_count(2)
    expect(page.locator("[role=alert]").filter(has_text="New extreme alert.")).to_have_count(1)
    page.keyboard.press(".")
    expect(main).to_have_count(4)
    expect_order(page, ["loud", "quiet", "a", "b"])
    expect_focused(page, "a")


def test_a_card_that_ends_under_the_focus_stays_until_the_focus_leaves(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    focus_card(page, "a")
    api.push(make_alert("a", version=2, status="ended", ended_at="2026-07-26T07:05:00Z"))
    expect(page.locator("[data-card=a] [data-status=ended]")).to_be_visible()
    page.locator("[data-card=a]").evaluate("card => card.blur()")
    expect(page.locator("[data-card=a]")).to_have_count(0)


def test_changes_are_told_politely_in_one_sentence(api: MockApi, open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.mute = True
    api.push(make_alert("a", severity="minor"))
    api.push(make_alert("b", severity="minor"))
    api.mute = False  # both come together
    expect(page.locator("[role=status]")).to_have_text("2 new alerts")


@pytest.mark.parametrize("options", [{}, DARK, PHONE, PHONE | DARK], ids=["light", "dark", "phone", "phone-dark"])
def test_axe_finds_nothing(api: MockApi, open_page: Open, options: dict[str, Any]) -> None:
    some_alerts(api)
    page = open_page(**options, reduced_motion="reduce")
    page.locator("[data-card=extreme]").get_by_role("button", name="Details").click()
    page.locator("[data-card=extreme] figure").scroll_into_view_if_needed()
    expect(page.locator("[data-card=extreme] canvas")).to_be_visible()
    page.get_by_test_id("ended").locator("summary").click()
    page.locator("[data-card=extreme]").get_by_role("button", name="Table").click()
    unsure = [item["id"] for item in expect_accessible(page)]
    assert set(unsure) <= {"color-contrast"}, unsure


def test_axe_finds_nothing_on_the_sign_in_form(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.key_needed = True
    page = open_page()
    expect(page.get_by_label("Key", exact=True)).to_be_visible()
    shoot(page, "sign-in")
    expect_accessible(page)


@pytest.mark.parametrize("language", ["en-US", "fr-CA", "es-US"])
def test_nothing_sticks_out_of_a_360_pixel_screen(api: MockApi, open_page: Open, shoot: Shoot, language: str) -> None:
    some_alerts(api)
    page = open_page(**PHONE, locale=language)
    page.locator("[data-card=extreme] [aria-expanded]").click()
    page.locator("[data-card=extreme] figure").scroll_into_view_if_needed()
    expect(page.locator("[data-card=extreme] canvas")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    expect_no_wider(page, 360)
    expect_value(page, "document.querySelector('[data-testid=state]').getBoundingClientRect().y < 120", True)
    shoot(page, f"now-phone-{language[:2]}")


def test_the_theme_follows_the_device_until_it_is_chosen(api: MockApi, open_page: Open) -> None:
    page = open_page(**DARK)
    expect(page.locator("body")).to_have_css("background-color", "rgb(11, 16, 22)")
    page.get_by_role("button", name="Theme: as the device").click()
    expect(page.locator("body")).to_have_css("background-color", "rgb(243, 245, 247)")


def test_with_reduced_motion_nothing_fades_or_pulses(api: MockApi, open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    expect(page.get_by_test_id("state")).to_contain_text("Live")
    api.push(make_alert("a", minutes_ago=-1))
    expect(page.locator("[data-card=a]")).to_be_visible()
    running = "document.getAnimations().filter(a => a.effect.getComputedTiming().duration > 0).length"
    expect_value(page, running, 0)


def test_the_page_says_something_before_any_script_has_run(api: MockApi, open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    expect(page.locator(".skeleton-card").first).to_be_visible()
    expect(page.locator(".skeleton-top")).to_have_text("Groundswell")


def test_of_five_hundred_alerts_only_the_one_that_changed_is_drawn_again(api: MockApi, open_page: Open) -> None:
    for number in range(500):
        api.alerts[f"n{number}"] = make_alert(f"n{number}", severity="minor")
    api.beat_seconds = 60
    page = open_page()
    page.get_by_role("button", name="492 more").click()
    expect(page.locator("[data-card]")).to_have_count(500)
    page.evaluate(WATCH_NEW_CARDS)
    api.push(make_alert("n250", severity="minor", version=2, observed=99))
    expect(page.locator("[data-card=n250]")).to_have_attribute("data-version", "2")
    assert set(page.evaluate("[...window.drawn]")) <= {"n250"}
    fold = page.locator(".fold")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(page.locator("[data-card]")).to_have_count(8)
