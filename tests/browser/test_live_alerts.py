"""What a coordinator sees while calls come in: the alerts, live, in the right order, with everything they rest on."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.alerts import make_alert
from tests.browser.mock_api import MockApi
from tests.browser.waiting import expect_order
from tests.ranking_cases import ORDERED

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def card(page: Page, alert_id: str) -> Locator:
    """The card of one alert, wherever it stands."""
    return page.locator(f"[data-card={alert_id}]")


def test_the_page_opens_with_every_open_alert_most_serious_first_then_newest(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("old-moderate", severity="moderate", minutes_ago=50))
    api.push(make_alert("minor", severity="minor", minutes_ago=1))
    api.push(make_alert("extreme", severity="extreme", minutes_ago=90))
    api.push(make_alert("new-moderate", severity="moderate", minutes_ago=5))
    page = open_page()
    expect(card(page, "extreme")).to_be_visible()
    expect_order(page, ["extreme", "new-moderate", "old-moderate", "minor"])


def test_among_equals_in_severity_and_rarity_the_wider_and_the_stronger_rise_stands_above_the_newer(
    api: MockApi, open_page: Open
) -> None:
    for name in ("weaker", "heat", "minor", "bills", "extreme", "likelier", "rent", "narrow"):
        api.push(make_alert(name, **ORDERED[name]))
    page = open_page()
    expect(card(page, "minor")).to_be_visible()
    expect_order(page, list(ORDERED))


def test_a_card_stays_where_it_is_while_its_strength_wavers_and_moves_when_it_truly_changes(
    api: MockApi, open_page: Open
) -> None:
    for name, score in (("upper", 22.1), ("lower", 21.9)):
        api.push(make_alert(name, severity="severe", minutes_ago=20, score=score))
    page = open_page()
    expect(card(page, "lower")).to_be_visible()
    expect_order(page, ["upper", "lower"])
    for version, scores in ((2, (21.9, 22.1)), (3, (21.0, 22.8))):
        for name, score in zip(("upper", "lower"), scores, strict=True):
            api.push(make_alert(name, version=version, severity="severe", minutes_ago=20, score=score))
    for name in ("upper", "lower"):
        expect(page.locator(f"[data-card={name}][data-version='3']")).to_be_visible()
    expect_order(page, ["upper", "lower"])
    api.push(make_alert("lower", version=4, severity="severe", minutes_ago=20, score=34.0))
    expect(page.locator("[data-testid=open] [data-card]").first).to_have_attribute("data-card", "lower")


def test_an_alert_appears_without_a_reload_and_takes_its_place(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("first", severity="moderate", minutes_ago=90))
    page = open_page()
    expect(card(page, "first")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    api.push(make_alert("second", severity="extreme", need="BH", minutes_ago=-1))
    expect(card(page, "second")).to_be_visible()
    expect_order(page, ["second", "first"])
    expect(page.locator("[data-count=extreme]")).to_contain_text("1")
    expect(page.get_by_test_id("new")).to_contain_text("1 new since")
    expect(page).to_have_title(re.compile(r"\(2\) Groundswell"))
    assert page.evaluate("window.sameDocument")


def test_what_comes_before_the_data_s_clock_is_known_is_new_as_well(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("first", severity="moderate", minutes_ago=90))
    before, api.log_time = api.log_time, None
    page = open_page()
    expect(card(page, "first")).to_be_visible()
    api.push(make_alert("second", minutes_ago=-1))
    expect(card(page, "second")).to_be_visible()
    api.log_time = before
    expect(page.get_by_test_id("new")).to_contain_text("1 new since")


def test_a_new_version_changes_the_card_in_place_and_keeps_what_was_opened(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a", severity="moderate"))
    page = open_page()
    card(page, "a").get_by_role("button", name="Details").click()
    card(page, "a").evaluate("element => { element.marked = true }")
    page.mouse.move(5, 5)
    api.push(make_alert("a", severity="severe", observed=96, version=2))
    expect(card(page, "a")).to_have_attribute("data-version", "2")
    expect(card(page, "a").locator("[data-number=observed]")).to_contain_text("96")
    expect(card(page, "a")).to_contain_text("was Moderate until")
    expect(card(page, "a").get_by_role("button", name="Less")).to_be_visible()
    assert card(page, "a").evaluate("element => element.marked")


def test_an_older_version_that_comes_late_changes_nothing(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a", observed=90, version=3))
    page = open_page()
    expect(card(page, "a")).to_be_visible()
    api.push(make_alert("a", observed=50, version=2))
    api.push(make_alert("b"))
    expect(card(page, "b")).to_be_visible()
    expect(card(page, "a").locator("[data-number=observed]")).to_contain_text("90")


def test_an_action_of_a_person_is_shown_though_the_version_is_the_same(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    expect(card(page, "a")).to_contain_text("not acknowledged yet")
    api.push(make_alert("a", human_version=1, acknowledged={"by": "M. Ortiz", "at": "2026-07-26T06:50:00Z"}))
    expect(card(page, "a")).to_contain_text("acknowledged by M. Ortiz, 01:50 CDT")


def test_an_alert_that_ends_leaves_the_list_for_the_last_24_hours(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    api.push(make_alert("long-ago", status="ended", ended_at="2026-07-24T06:00:00Z"))
    page = open_page()
    expect(card(page, "a")).to_be_visible()
    api.push(make_alert("a", status="ended", version=2, ended_at="2026-07-26T07:05:00Z"))
    expect(page.get_by_test_id("empty")).to_be_visible()
    page.get_by_test_id("ended").locator("summary").click()
    expect(page.locator("[data-ended=a]")).to_contain_text("ended 02:05 CDT")
    expect(page.locator("[data-ended=long-ago]")).to_have_count(0)


def test_an_alert_that_became_part_of_a_wider_one_does_not_read_as_over(api: MockApi, open_page: Open) -> None:
    ended = {"status": "ended", "version": 2, "ended_at": "2026-07-26T07:05:00Z"}
    api.push(make_alert("part", **ended, ended_by="merged"))
    api.push(make_alert("over", **ended))
    page = open_page()
    page.get_by_test_id("ended").locator("summary").click()
    expect(page.locator("[data-ended=part]")).to_contain_text("part of a wider alert since 02:05 CDT")
    expect(page.locator("[data-ended=over]")).to_contain_text("ended 02:05 CDT")


def test_a_card_says_severity_sentence_numbers_chance_checks_and_drivers(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a", severity="extreme", observed=1284, expected=31.2))
    page = open_page()
    one = card(page, "a")
    expect(one).to_contain_text("Extreme")
    expect(one.get_by_role("heading", level=3)).to_have_text("Rising: Electricity bills, Harris County")
    expect(one.locator("[data-number=observed]")).to_contain_text("1,284")
    expect(one.locator("[data-number=expected]")).to_contain_text("about 31")
    expect(one.locator("[data-number=ratio]")).to_have_text("41\u00d7")
    expect(one.locator("[data-number=chance]")).to_have_text(
        "In an ordinary year, the chance of a rise this large here is about 9%."
    )
    expect(one).to_contain_text("One source only: Only CityLine shows it (94%).")
    expect(one).to_contain_text("3 fine, 1 could not be checked, 1 to look at")
    expect(one).to_contain_text("Downtown 41, usually 9.1")
    expect(one).to_contain_text("raised 01:45 CDT")
    expect(one).not_to_contain_text("No weather feed is set up.")
    one.get_by_role("button", name="Details").click()
    expect(one).to_contain_text("No weather feed is set up.")


def test_a_card_lists_parts_that_share_no_call_until_all_are_asked_for(api: MockApi, open_page: Open) -> None:
    parts = (("BD", "TX-HOU", 90), ("BV", "TX-HARRIS", 60), ("BV", "TX-DT", 41), ("BV", "TX-MID", 12))
    drivers = [{"need": need, "area": area, "observed": calls, "expected": 4.0} for need, area, calls in parts]
    api.push(make_alert("a", area="TX-HOU", area_name="Houston region", drivers=drivers))
    page = open_page()
    one = card(page, "a")
    expect(one).to_contain_text("Harris County 60, usually 4")
    expect(one).not_to_contain_text("Downtown 41")
    expect(one).not_to_contain_text("Food 90")
    expect(one).to_contain_text("+ 3")
    one.get_by_role("button", name="Details").click()
    expect(one).to_contain_text("Downtown 41, usually 4")
    expect(one).to_contain_text("Food 90, usually 4")


def test_ages_follow_the_clock_of_the_data_not_of_the_wall(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a", minutes_ago=20))
    page = open_page()
    expect(card(page, "a")).to_contain_text("20 min. ago")
    expect(page.get_by_test_id("state")).to_contain_text("Jul 26, 02:05 CDT")


def test_the_chart_asks_for_its_own_hours_and_has_a_table_twin(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("a"))
    page = open_page()
    expect(card(page, "a").locator("canvas")).to_be_visible()
    asked = api.series_asked[0]
    assert (asked["need"], asked["area"], asked["bucket"]) == ("BV", "TX-HARRIS", "hour")
    assert (asked["start"], asked["end"]) == ("2026-07-23T08:00:00.000Z", "2026-07-26T08:00:00.000Z")
    card(page, "a").get_by_role("button", name="Table").click()
    rows = card(page, "a").get_by_role("row")
    expect(rows).to_have_count(73)
    expect(rows.nth(1)).to_contain_text("Sun, Jul 26, 02:00 CDT")
    expect(rows.nth(1)).to_contain_text("hour not over")


def test_a_chart_that_cannot_be_loaded_says_so_and_leaves_the_card_usable(api: MockApi, open_page: Open) -> None:
    api.broken.add("/v1/series")
    api.push(make_alert("a"))
    page = open_page()
    expect(card(page, "a")).to_contain_text("The chart could not be loaded.")
    api.broken.clear()
    card(page, "a").get_by_role("button", name="Try again").click()
    expect(card(page, "a").locator("canvas")).to_be_visible()


def test_a_silent_feed_is_told_apart_from_a_fall_and_has_no_chart(api: MockApi, open_page: Open, shoot: Shoot) -> None:
    words = {"en": "No data from county-chat since 00:40. This is not a fall in need.", "fr": "…", "es": "…"}
    headline = {"en": "Silent: county-chat", "fr": "…", "es": "…"}
    silence = {"kind": "silence", "need_name": None, "source": "county-chat", "ratio": None, "explanation": words}
    silence |= {"headline": headline, "drivers": [], "checks": []}
    api.push({**make_alert("a", **silence), "need": None})
    api.silent = ["county-chat"]
    page = open_page()
    expect(card(page, "a")).to_contain_text("This is not a fall in need.")
    expect(card(page, "a").locator("figure")).to_have_count(0)
    expect(page.get_by_test_id("sources")).to_have_text("1 of 4 sources silent")
    shoot(page, "silent-feed")


def test_an_exercise_and_a_replay_are_marked_and_a_live_space_is_not(api: MockApi, open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_role("note")).to_contain_text("EXERCISE Made-up calls. Nothing here is real.")
    expect(page).to_have_title(re.compile("^EXERCISE"))
    api.mode = "replay"
    expect(page.get_by_role("note")).to_contain_text("REPLAY Calls from the past.")
    api.mode = "live"
    expect(page.get_by_role("note")).to_have_count(0)


def test_no_alerts_is_a_statement_about_the_sources_not_a_blank(api: MockApi, open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_test_id("empty")).to_contain_text("within its usual range")
    api.silent = ["county-chat"]
    expect(page.get_by_test_id("empty")).to_contain_text("Some sources are silent")
    api.log_time = None
    expect(page.get_by_test_id("empty")).to_contain_text("No calls have come in yet")


def test_while_the_usual_is_still_being_learned_no_alerts_is_not_called_normal(api: MockApi, open_page: Open) -> None:
    api.warming = True
    page = open_page()
    expect(page.get_by_test_id("empty")).to_contain_text("still learning what is usual here")


def test_new_alerts_stay_counted_until_they_are_marked_as_seen(api: MockApi, open_page: Open) -> None:
    api.push(make_alert("old", minutes_ago=90))
    api.push(make_alert("recent", minutes_ago=20))
    page = open_page()
    expect(page.get_by_test_id("new")).to_contain_text("1 new since 01:05 CDT")  # the first look: the last hour is new
    expect(card(page, "recent")).to_contain_text("New")
    page.get_by_role("button", name="Mark as seen").click()
    expect(page.get_by_test_id("new")).to_contain_text("Nothing new since 02:05 CDT")
    api.push(make_alert("a", minutes_ago=-2))
    expect(card(page, "a")).to_contain_text("New")
    page.get_by_role("button", name="Mark as seen").click()
    expect(page.get_by_test_id("new")).to_contain_text("Nothing new")
