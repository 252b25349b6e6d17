"""Is it real? Each look has three answers: nothing wrong found, look here first, could not check."""

from collections.abc import Callable, Sequence
from functools import cache

import pytest

from schemas.alert import Check
from schemas.controls import EventBody
from schemas.log_record import VERSION, Calls, History, HistoryCell, LogCall
from services.detector.domain.alerts import Episode
from services.detector.domain.check_words import FOUND
from services.detector.domain.checks import checks
from services.detector.domain.explain import episode_totals
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import HOUR, MINUTE, START, World

Place = tuple[str, str, str, str]
"""(need, area, source, line)."""

CRM, CITY = ("crm", "211"), ("city", "311")
BOTH = (CRM, CITY)
MEALS = [("BD-1", "tx-1a", *feed) for feed in BOTH]
PANTRY = [("BD-2", "tx-1a", *feed) for feed in BOTH]
HOMES = [("BH", "tx-1a", *feed) for feed in BOTH]
SOUTH = [("BD-1", "tx-2", *feed) for feed in BOTH]
NOWHERE = [("BD-1", "tx:unmapped", *feed) for feed in BOTH]
EVERYWHERE = [*MEALS, *PANTRY, *HOMES, *SOUTH, *NOWHERE]
DAYS, HOURS = 15, 8
NOW = START + HOURS * HOUR


def history(places: Sequence[Place], source: str) -> History:
    """One call an hour at each place of a source."""
    first = START // HOUR - DAYS * 24
    cells = [
        HistoryCell(need, area, hour, line, 1)
        for hour in range(first, START // HOUR)
        for place_need, area, one, line in places
        if one == source
        for need in (place_need, "contacts")
    ]
    return History(VERSION, source, first * HOUR, START, tuple(cells))


@cache
def _blocks(places: tuple[Place, ...]) -> dict[str, bytes]:
    world = World()
    world.configure()
    for source in sorted({place[2] for place in places}):
        world.put(history(places, source), "tx")
    for number, (need, area, source, line) in enumerate(places):
        call = world.call(need, None if area == "tx:unmapped" else area, at=START + number, source=source, line=line)
        world.calls(call, at=START + number)
    world.tick(START + MINUTE)
    return to_blocks(world.state)


def played(
    rates: Sequence[tuple[Sequence[Place], int]], usual: Sequence[Place] = EVERYWHERE, *, late: bool = False
) -> World:
    """Eight hours in which each place brings so many calls an hour; `late`: all of them are logged at the end."""
    blocks = _blocks(tuple(usual))
    world = World(from_blocks(blocks, World().references.__getitem__))
    calls: list[LogCall] = []
    for hour in range(HOURS):
        for places, an_hour in rates:
            for need, area, source, line in places:
                for number in range(an_hour):
                    at = START + hour * HOUR + 2 * MINUTE + number * 3 * MINUTE + len(calls) % 60
                    place = None if area == "tx:unmapped" else area
                    calls.append(LogCall(f"{len(calls) + 10**9:016x}", source, at, line, needs=(need,), area=place))
    for call in sorted(calls, key=lambda one: one.time):
        world.put(Calls(VERSION, (NOW if late and call.source == "city" else call.time,), (call,)), "tx")
    world.tick(NOW + 30 * MINUTE)
    return world


def look(
    world: World, need: str = "BD-1", area: str = "tx-1a", hours: int = HOURS, event: EventBody | None = None
) -> dict[str, Check]:
    """The checks of an alert that began so many hours ago, by name."""
    home = world.home()
    node = home.scoring.nodes.find(need, area)
    assert node is not None
    episode = Episode(node, world.now, home.scoring.open_bucket - hours)
    if event is not None:
        home.events[event.event_id] = event
    scene = home._scene(world.now)
    found = checks(episode, scene, episode_totals(episode, scene))
    return {check.name: check for check in found}


def quiet(*but: Sequence[Place]) -> list[tuple[Sequence[Place], int]]:
    """One call an hour everywhere else."""
    left_out = [place for places in but for place in places]
    return [([place for place in EVERYWHERE if place not in left_out], 1)]


Scene = Callable[[], dict[str, Check]]

RISE: list[tuple[Sequence[Place], int]] = [(MEALS, 5)]
ONLY_CRM = [("BD-1", "tx-1a", *CRM), ("BD-1", "tx-2", *CRM), ("BH", "tx-1a", *CRM)]


@cache
def _risen() -> dict[str, bytes]:
    return to_blocks(played(quiet(MEALS) + RISE).state)


@cache
def _alone() -> dict[str, bytes]:
    return to_blocks(played([(ONLY_CRM, 5)], ONLY_CRM).state)


def risen() -> World:
    """Both sources bring five meals an hour where one is usual; all else is as ever."""
    return World(from_blocks(_risen(), World().references.__getitem__))


def alone() -> World:
    """One source brings all there is, five times as much as usual."""
    return World(from_blocks(_alone(), World().references.__getitem__))


CASES: dict[str, tuple[Scene, str, str]] = {
    "one_source: one source in all": (lambda: look(alone()), "one_source", "unknown"),
    "one_source: both": (lambda: look(risen()), "one_source", "fine"),
    "one_source: only the city": (
        lambda: look(played([*quiet(MEALS), (MEALS[1:], 12)])),
        "one_source",
        "suspect",
    ),
    "one_source: the city, as the centre is silent": (
        lambda: look(played([([place for place in EVERYWHERE if place[2] == "city"], 1), (MEALS[1:], 12)])),
        "one_source",
        "fine",
    ),
    "other_centre: there is none": (lambda: look(alone()), "other_centre", "unknown"),
    "other_centre: heard": (lambda: look(risen()), "other_centre", "fine"),
    "other_centre: silent, and need rose only here": (
        lambda: look(played([(MEALS[1:], 4)])),
        "other_centre",
        "suspect",
    ),
    "other_centre: silent, and need rose all the same": (
        lambda: look(played([([place for place in EVERYWHERE if place[2] == "city"], 1), (MEALS[1:], 15)])),
        "other_centre",
        "fine",
    ),
    "duplicates: began long ago": (lambda: look(risen(), hours=72), "duplicates", "unknown"),
    "duplicates: none": (lambda: look(risen()), "duplicates", "fine"),
    "late_batch: began long ago": (lambda: look(risen(), hours=72), "late_batch", "unknown"),
    "late_batch: as they happened": (lambda: look(risen()), "late_batch", "fine"),
    "recoded: nothing beside it": (
        lambda: look(alone()),
        "recoded",
        "unknown",
    ),
    "recoded: the others as ever": (lambda: look(risen()), "recoded", "fine"),
    "recoded: pantry is gone": (lambda: look(played([*quiet(MEALS, PANTRY), (MEALS, 2)])), "recoded", "suspect"),
    "denominator: no other calls": (
        lambda: look(played([(MEALS, 5)], MEALS)),
        "denominator",
        "unknown",
    ),
    "denominator: the others as ever": (lambda: look(risen()), "denominator", "fine"),
    "denominator: all others fell": (lambda: look(played([(MEALS, 5)])), "denominator", "suspect"),
    "denominator: the place is new": (
        lambda: look(played([*quiet(MEALS, NOWHERE), (MEALS, 2)])),
        "denominator",
        "suspect",
    ),
    "calendar: nothing": (lambda: look(risen()), "calendar", "fine"),
    "other_line: only one takes such calls": (
        lambda: look(alone()),
        "other_line",
        "unknown",
    ),
    "other_line: it shows it too": (lambda: look(risen()), "other_line", "fine"),
    "other_line: it does not": (lambda: look(played([*quiet(MEALS[:1]), (MEALS[:1], 9)])), "other_line", "suspect"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_look_finds_what_is_there(case: str) -> None:
    scene, name, verdict = CASES[case]
    check = scene()[name]
    assert (check.verdict, check.detail) == (verdict, check.words.en if check.words else "")


def test_records_that_come_twice_are_named_with_their_number() -> None:
    world = risen()
    before = look(world)["duplicates"].verdict
    for _ in range(3):
        for number in range(10):
            call = world.call("BD-1", "tx-1a", at=NOW + number, id=f"{number + 5 * 10**9:016x}")
            world.calls(call, at=NOW + number)
    world.tick(NOW + 31 * MINUTE)
    after = look(world)["duplicates"]
    assert (before, after.verdict) == ("fine", "suspect")
    assert after.detail.startswith("20 records came twice")


def test_a_batch_from_a_source_that_is_usually_quick_is_looked_at_and_a_nightly_one_is_not() -> None:
    quick = played([*quiet(MEALS), (MEALS[:1], 2), (MEALS[1:], 12)], late=False)
    known = quick.home().intake.evidence.sources["city"]
    for number in range(40):
        at = NOW + 29 * MINUTE
        call = quick.call("BD-1", "tx-1a", at=at - 2 * HOUR - number, source="city", line="311")
        quick.calls(call, at=at)
    quick.tick(NOW + 31 * MINUTE)
    found = look(quick, hours=2)["late_batch"]
    assert found.verdict == "suspect"
    assert "came an hour late or more, the last at 12:29 CDT" in found.detail
    known.late, known.calls = 1_000, 1_500
    found = look(quick, hours=2)["late_batch"]
    assert (found.verdict, "as always" in found.detail) == ("fine", True)


@pytest.mark.parametrize(
    ("date", "verdict", "words"),
    [
        ("2025-10-09", "suspect", "Founders' Day: a rise is usual."),
        ("2025-10-08", "suspect", "The day after Founders' Day: a rise is usual."),
        ("2025-10-20", "fine", "No holiday or known event."),
        ("2010-01-01", "unknown", "No list of holidays is known for this time."),
    ],
)
def test_a_holiday_and_the_day_after_it_are_named(date: str, verdict: str, words: str) -> None:
    from datetime import date as day

    world = risen()
    world.home().scoring.calendar.holidays = {day.fromisoformat(date): "Founders' Day"}
    found = look(world)["calendar"]
    assert (found.verdict, found.detail) == (verdict, words)


def test_the_turn_of_the_month_is_named_and_a_declared_event_is_told_first() -> None:
    world = risen()
    turn = (22 * 24 + 3) * HOUR  # from 9 October, 04:00, to 31 October
    calendar = world.home().scoring.calendar
    assert calendar.local(START + turn).day == 31
    back = look(world, hours=-turn // HOUR)["calendar"]
    assert (back.verdict, back.detail.split(":")[0]) == ("suspect", "The turn of the month")
    event = EventBody("heat", "Heat wave", START, ("tx-1",), ("BD",))
    found = look(world, event=event)["calendar"]
    assert (found.verdict, found.detail) == ("fine", "Heat wave is declared: a rise is expected.")


def test_every_finding_has_three_different_texts_with_the_same_blanks() -> None:
    import string

    for key, texts in FOUND.items():
        blanks = [sorted(name for _, name, _, _ in string.Formatter().parse(text) if name) for text in texts]
        assert blanks[0] == blanks[1] == blanks[2], key
        assert len(set(texts)) == 3, key
        assert all(text.endswith(".") or text.endswith("}") for text in texts), key
