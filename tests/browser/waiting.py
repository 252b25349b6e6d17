"""Waiting for what Playwright's own `expect` cannot say."""

import os
import re
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SLOWER = float(os.environ.get("SLOW_CPU", "1"))
"""How many times slower the page computes: shakes out tests that look before the page has drawn."""
DEADLINE_SECONDS = 20.0 if SLOWER == 1 else 60.0


def expect_order(page: Page, wanted: Sequence[str], *, among: str = "[data-testid=open] [data-card]") -> None:
    """Wait until the cards stand in this order, top first; fails with what stands there."""
    cards = page.locator(among)
    expect(cards).to_have_count(len(wanted))
    for place, name in enumerate(wanted):
        expect(cards.nth(place)).to_have_attribute("data-card", name)


def focus_card(page: Page, name: str) -> None:
    """Put the focus on a card once the page knows who is there: before that its letters do nothing."""
    card = page.locator(f"[data-card={name}]")
    expect(card.locator("button.assign")).to_be_visible()
    card.focus()


def eventually(page: Page, is_so: Callable[[], bool], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait, with the page going on, until something is so on the server's side; fails with what was waited for."""
    deadline = monotonic() + seconds
    while not is_so():
        assert monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        page.wait_for_timeout(50)


def expect_value(page: Page, expression: str, wanted: object) -> None:
    """Wait until a script's expression is so on the page; fails with what it is."""
    deadline = monotonic() + DEADLINE_SECONDS
    while (found := page.evaluate(expression)) != wanted:
        assert monotonic() < deadline, f"{expression} is {found!r}, not {wanted!r}"
        page.wait_for_timeout(50)


def expect_no_wider(page: Page, pixels: int) -> None:
    """Wait until nothing sticks out to the right; what is drawn to measure follows a new width a moment later."""
    expect_value(page, f"Math.max({pixels}, document.documentElement.scrollWidth)", pixels)


def expect_in_address(page: Page, part: str) -> None:
    """Wait until the address has this part."""
    expect(page).to_have_url(re.compile(re.escape(part)))


def expect_accessible(page: Page) -> list[dict[str, Any]]:
    """Wait until axe finds no violation; what it could not decide is given back."""
    deadline = monotonic() + DEADLINE_SECONDS
    while (found := Axe().run(page)).violations_count > 0:
        assert monotonic() < deadline, found.generate_report()
        page.wait_for_timeout(250)
    undecided: list[dict[str, Any]] = found.response["incomplete"]
    return undecided
