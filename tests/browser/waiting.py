"""Waiting for what Playwright's own `expect` cannot say."""

from collections.abc import Sequence

from playwright.sync_api import Page, expect


def expect_order(page: Page, wanted: Sequence[str], *, among: str = "[data-testid=open] [data-card]") -> None:
    """Wait until the cards stand in this order, top first; fails with what stands there."""
    cards = page.locator(among)
    expect(cards).to_have_count(len(wanted))
    for place, name in enumerate(wanted):
        expect(cards.nth(place)).to_have_attribute("data-card", name)
