"""Waiting for what Playwright's own `expect` cannot say."""

from collections.abc import Callable, Sequence
from time import monotonic

from playwright.sync_api import Page, expect


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


def eventually(page: Page, is_so: Callable[[], bool], what: str, *, seconds: float = 20) -> None:
    """Wait, with the page going on, until something is so on the server's side; fails with what was waited for."""
    deadline = monotonic() + seconds
    while not is_so():
        assert monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        page.wait_for_timeout(50)
