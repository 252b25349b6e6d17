"""The page served by the real API over a real database: sign-in, list, chart, a live version, under its own policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from services.runtime.clock import SystemClock
from tests.api_parts import (
    HOUR,
    Parts,
    Tape,
    alert,
    home_status,
    iso,
    partition_status,
    parts,
    point,
    prepared,
    running,
)
from tests.api_parts import series as series_record
from tests.browser.conftest import RECORD_VIOLATIONS


@pytest.fixture
def made(dist: Path, tmp_path: Path) -> Iterator[tuple[Parts, Tape, int]]:
    """An API with one alert and its hours, the tape that writes more, and its log time in ms."""
    database = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    built = parts(database, tmp_path, page=dist, beat_seconds=0.5)
    now = SystemClock().now_ms()
    hour = now - now % HOUR
    tape = Tape(database)
    tape.status(partition_status(written_at=now), home_status(log_time=now))
    hours = [point(hour - back * HOUR, 10 + back % 7, is_open=back == 0) for back in range(48)]
    tape.series(series_record(*hours, known_at=now))
    tape.alerts(alert(started_at=iso(now - 2 * HOUR), raised_at=iso(now - HOUR), updated_at=iso(now)))
    yield built, tape, now
    database.close()


def test_the_page_works_with_the_real_api(browser: Browser, made: tuple[Parts, Tape, int]) -> None:
    built, tape, now = made
    with running(built.app, built.health) as address:
        context = browser.new_context(locale="en-US")
        context.add_init_script(RECORD_VIOLATIONS)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/#key={built.key('viewer')}")
        card = page.locator("[data-card=a1]")
        expect(card.get_by_role("heading", level=3)).to_have_text("Rising: shelter, East side")
        expect(card.locator("canvas")).to_be_visible()
        expect(page.get_by_test_id("state")).to_contain_text("Live")
        expect(page.get_by_test_id("sources")).to_have_text("1 source, not silent")
        expect(page.get_by_role("note")).to_have_count(0)
        tape.alerts(alert(version=2, severity="extreme", updated_at=iso(now + 1000)))
        built.hub.wake()
        expect(card).to_have_attribute("data-version", "2")
        expect(card.locator("[data-number=observed]")).to_contain_text("42")
        assert page.evaluate("window.violations") == []
        assert [url for url in asked if not url.startswith(address)] == []
        context.close()


def test_actions_and_every_screen_work_with_the_real_api(browser: Browser, made: tuple[Parts, Tape, int]) -> None:
    built, _, _ = made
    with running(built.app, built.health) as address:
        context = browser.new_context(locale="en-US")
        context.add_init_script(RECORD_VIOLATIONS)
        page = context.new_page()
        failed: list[str] = []
        page.on(
            "response", lambda answer: failed.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        )
        page.goto(f"{address}/#key={built.key('coordinator')}")
        card = page.locator("[data-card=a1]")
        card.get_by_role("button", name="Acknowledge").click()
        expect(card.get_by_test_id("human")).to_contain_text("acknowledged by")
        page.get_by_role("button", name="Undo").click()
        expect(card.get_by_test_id("human")).to_contain_text("not acknowledged yet")
        card.get_by_role("button", name="Note").click()
        page.get_by_label("What should the next person know?").fill("Gym opens at six.")
        page.keyboard.press("Enter")
        expect(card.get_by_test_id("human")).to_contain_text("Gym opens at six.")
        card.get_by_role("button", name="Silence").click()
        expect(page.get_by_test_id("preview")).to_contain_text("Hides 1 open alert now")
        page.keyboard.press("Escape")
        page.goto(f"{address}/#/alert/a1")
        expect(page.get_by_test_id("history")).to_contain_text("wrote: “Gym opens at six.”")
        expect(page.get_by_test_id("similar")).to_contain_text("Nothing like it is on record.")
        for screen, sign in (
            ("map", "areas"),
            ("budget", "budget"),
            ("sources", "feeds"),
            ("handover", "handover"),
            ("explore", "movers"),
        ):
            page.goto(f"{address}/#/{screen}")
            expect(page.get_by_test_id(sign)).to_be_visible()
            expect(page.get_by_test_id("trouble")).to_have_count(0)
        page.goto(f"{address}/#/event")
        expect(page.get_by_text("No event is declared.")).to_be_visible()
        assert page.evaluate("window.violations") == []
        assert failed == []
        context.close()
