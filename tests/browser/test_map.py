"""The map: what is unusual, what cannot be told, and the same for those who use no mouse."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from services.api.tiles import Tiles
from tests.browser import mock_world
from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import expect_accessible, expect_in_address, expect_no_wider, expect_value

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def expect_filled(page: Page, code: str, fill: str) -> None:
    """Wait until an area is filled so: a level from level-3 to level3, or what is known of it instead."""
    expect(page.locator(f"[data-area={code}]")).to_have_attribute("data-fill", fill)


def test_areas_are_coloured_by_how_unusual_they_are_and_what_cannot_be_told_looks_different(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.push(make_alert("a", severity="severe", area="TX-DT", area_name="Downtown"))
    page = open_page("#/map?need=BV&hours=12")
    expect(page.get_by_role("img", name="Map of 12 areas")).to_be_visible()
    expect_filled(page, "TX-DT", "level1")
    assert api.states_asked[0] == {"need": "BV", "hours": "12"}
    expect_filled(page, "TX-3W", "silent")
    expect_filled(page, "TX-ALF", "warming")
    expect_filled(page, "TX-EE", "level0")  # 3 calls where 1 is usual may be chance
    expect_filled(page, "TX-HTS", "stale level1")
    expect_filled(page, "TX-SP", "level0")
    expect_filled(page, "TX-KTY", "level-2")
    expect(page.locator(".mark.severe")).to_have_count(1)
    page.locator("[data-area=TX-3W]").hover()
    expect(page.get_by_test_id("readout")).to_have_text(
        "Third Ward: 0 calls, usually 5 · silent: its sources send nothing"
    )
    page.locator("[data-area=TX-DT]").click()
    expect(page.get_by_test_id("picked")).to_contain_text("Rising: Electricity bills, Downtown")
    expect_in_address(page, "area=TX-DT")
    shoot(page, "map")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    shoot(page, "map-dark")
    expect_accessible(page)


def test_everything_on_the_map_is_in_its_table_by_keyboard(api: MockApi, open_page: Open) -> None:
    page = open_page("#/map")
    rows = page.get_by_test_id("areas").get_by_role("row")
    expect(rows).to_have_count(13)
    expect(rows.nth(1)).to_contain_text("Humble")
    expect(rows.nth(1)).to_contain_text("at least \u00d72")
    expect(page.get_by_test_id("areas")).to_contain_text("silent")
    rows.nth(1).get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("picked").get_by_role("heading")).to_have_text("Humble")
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("img", name="Map of")).to_have_count(0)
    expect_in_address(page, "as=table")


def test_an_operator_s_tiles_lie_under_the_areas_and_nothing_else_may_come_from_elsewhere(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.tiles = Tiles("https://tiles.example/{z}/{x}/{y}.png", "Map data: Example")
    api.people.map_tiles = {"url": api.tiles.url, "credit": api.tiles.credit}
    page = open_page("#/map", elsewhere=api.tiles.origin)
    tiles = page.locator("svg image")
    expect(tiles.first).to_have_attribute("href", re.compile(r"https://tiles\.example/\d+/\d+/\d+\.png"))
    expect(page.get_by_text("Map data: Example")).to_be_visible()
    zooms = {one.split("/")[3] for one in tiles.evaluate_all("all => all.map(one => one.getAttribute('href'))")}
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    before = int(zooms.pop())
    finer = (f"svg image[href*='.example/{before + more}/']" for more in (1, 2))  # 2.56 times as large
    expect(page.locator(", ".join(finer)).first).to_be_attached()
    shoot(page, "map-tiles")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    expect(page.locator("svg .tiles")).to_have_css("filter", re.compile("^invert"))  # tiles are made for light
    shoot(page, "map-tiles-dark")
    expect_accessible(page)
    assert page.evaluate("window.violations") == []
    for script in (
        "new Image().src = 'https://tiles.example:8443/x.png'",
        "fetch('https://tiles.example/x').catch(() => 0)",
    ):
        page.evaluate(script)
        page.wait_for_function("() => window.violations.length > 0")
        page.evaluate("window.violations = []")


def test_without_shapes_there_are_circles_and_without_places_there_is_the_table(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.shapes = False
    page = open_page("#/map", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.locator("[data-area][d*=a]").first).to_be_visible()
    expect_no_wider(page, 360)
    shoot(page, "map-phone")
    bare = mock_world.areas(shapes=False)
    for feature in bare["features"]:
        feature["geometry"] = None
    api.map = bare
    page.reload()
    expect(page.get_by_text("gives no place on a map")).to_be_visible()
    expect(page.get_by_test_id("areas").get_by_role("row")).to_have_count(13)


def test_a_map_that_cannot_be_refreshed_keeps_what_it_has_and_says_from_when(api: MockApi, open_page: Open) -> None:
    api.broken.add("/v1/areas/state")
    page = open_page("#/map")
    expect(page.get_by_test_id("state")).to_contain_text("Live")  # what came before has no time that could be told
    expect(page.get_by_test_id("trouble")).to_contain_text("This could not be loaded: The log is not reachable.")
    api.broken.clear()
    page.get_by_role("combobox", name="Time").select_option("24")
    expect(page.get_by_test_id("trouble")).to_have_count(0)
    api.broken.add("/v1/areas/state")
    page.get_by_role("combobox", name="Time").select_option("72")
    expect(page.get_by_test_id("trouble")).to_contain_text("What you see is from 02:05 CDT.")
    expect(page.locator("[data-area=TX-DT]")).to_be_visible()


def test_a_click_among_two_thousand_areas_draws_none_of_them_again(api: MockApi, open_page: Open) -> None:
    api.map = mock_world.many_areas(2000)
    page = open_page("#/map")
    expect(page.locator("[data-area]")).to_have_count(2000)
    page.evaluate("""window.before = new Set(document.querySelectorAll('[data-area]'))""")
    page.locator("[data-area=Z1000]").dispatch_event("click")
    expect(page.get_by_test_id("picked").get_by_role("heading")).to_have_text("Area 1000")
    same = "[...document.querySelectorAll('[data-area]')].filter((one) => window.before.has(one)).length"
    assert page.evaluate(same) == 2000


def test_of_two_thousand_areas_one_is_found_by_typing_and_none_is_drawn_before(
    api: MockApi, open_page: Open, shoot: Shoot
) -> None:
    api.map = mock_world.many_areas(2000)
    page = open_page("#/explore?need=BV&area=Z7")
    field = page.get_by_role("combobox", name="Area", exact=True)
    expect(field).to_have_value("Area 7")
    expect(page.get_by_role("option", name="Area 1", exact=False)).to_have_count(0)
    field.click()
    listed = page.get_by_role("listbox", name="Area", exact=True).get_by_role("option")
    expect(listed.last).to_contain_text("more: type to find them")
    expect(listed).to_have_count(51)
    field.fill("area 150")
    expect(listed.first).to_have_text("Area 150")
    field.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", str(listed.nth(1).get_attribute("id")))
    shoot(page, "choice")
    expect_accessible(page)
    field.press("Enter")
    expect(page.get_by_test_id("chart").get_by_role("heading")).to_have_text("Electricity bills, Area 1500")
    expect(field).to_have_value("Area 1500")
    field.fill("nowhere")
    expect(listed).to_have_text("Nothing has this name.")
    field.press("Escape")
    expect(field).to_have_value("Area 1500")
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_on_a_wall_screen_the_map_stands_beside_the_list(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    api.push(make_alert("a", severity="severe", area="TX-DT", area_name="Downtown"))
    api.push(make_alert("b", severity="minor"))
    page = open_page(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    beside = page.get_by_test_id("side-map")
    expect(beside.locator("[data-area=TX-DT]")).to_have_attribute("data-fill", "level1")
    expect(page.locator("[data-card=a] canvas")).to_be_visible()
    edge = "document.querySelector('{}').getBoundingClientRect().{}"
    left, right = edge.format("[data-testid=side-map]", "left"), edge.format("[data-card=a]", "right")
    expect_value(page, f"{left} > {right}", True)
    shoot(page, "wall")
    expect_accessible(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(beside).to_have_count(0)
