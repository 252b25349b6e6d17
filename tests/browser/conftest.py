"""One Chromium and one fresh page for the whole run; a made-up API and a clean browser profile for each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

import hatch_web
from tests.browser.alerts import NOW
from tests.browser.mock_api import MockApi
from tests.browser.waiting import DEADLINE_SECONDS, SLOWER

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WEB = ROOT / "services" / "api" / "web"
DEADLINE_MS = 1000 * DEADLINE_SECONDS
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><path d="M0 0h256v256H0z" fill="#cde"/></svg>'
RECORD_VIOLATIONS = """
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In CI, where a failure cannot be looked at, a browser test has a second try in a new profile.

    The summary names it as RERUN: it has shown a race that is to be mended. On a desk the first failure counts.
    """
    if "CI" not in os.environ:
        return
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def dist() -> Path:
    """The page as built from the sources as they are now."""
    hatch_web.build_page(WEB, environment={**os.environ, hatch_web.SKIP: ""})
    return WEB / "dist"


@pytest.fixture(scope="session")
def shoot() -> Callable[[Page, str], None]:
    """Keeps a picture of a page under a name, in the folder that SCREENSHOTS names; without it, does nothing."""
    folder = os.environ.get("SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take


@pytest.fixture(scope="session")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """A real Chromium, started once."""
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def api(dist: Path) -> Iterator[MockApi]:
    """A made-up API that listens on a free port, with no alerts."""
    server = MockApi(dist, now=NOW)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def open_page(browser: Browser, api: MockApi) -> Iterator[Callable[..., Page]]:
    """Opens the page in a profile of its own; afterwards nothing may have broken the policy or left the origin.

    What is asked of `elsewhere`, an origin that an operator allows, is answered with a plain picture.
    """
    contexts = []
    foreign: list[str] = []
    also: set[str] = set()
    errors: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((api.url, *also)):
            foreign.append(request.url)

    def opener(
        path: str = "",
        *,
        fake_clock: bool = False,
        who: str | None = None,
        init_script: str = "",
        elsewhere: str | None = None,
        **options: Any,
    ) -> Page:
        context = browser.new_context(**{"locale": "en-US", "timezone_id": "Europe/Paris", **options})
        contexts.append(context)
        context.add_init_script(RECORD_VIOLATIONS)
        if init_script:
            context.add_init_script(init_script)
        if who is not None:
            context.add_cookies([{"name": "who", "value": who, "url": api.url}])
        page = context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        if SLOWER > 1:
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.on("request", note)
        if elsewhere is not None:
            also.add(elsewhere)
            context.route(f"{elsewhere}/**", lambda route: route.fulfill(body=DOT, content_type="image/svg+xml"))
        page.on("pageerror", lambda error: errors.append(str(error)))
        if fake_clock:
            page.clock.install()
        page.goto(api.url + path)
        return page

    yield opener
    violations = [
        found for context in contexts for page in context.pages for found in page.evaluate("window.violations")
    ]
    for context in contexts:
        context.close()
    assert violations == []
    assert foreign == []
    assert errors == []
