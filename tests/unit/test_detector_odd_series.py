"""Series that models stumble over, through the fold: nothing, very much, gone for a month, twice as much."""

import itertools
from collections.abc import Mapping
from functools import cache

import msgspec
import numpy as np
import pytest

from schemas.alert import Alert
from schemas.log_record import VERSION, History, HistoryCell
from schemas.reference import Area, Need
from services.detector.domain.snapshot import from_blocks, to_blocks
from tests.detector_world import CONFIG, HOUR, MINUTE, REFERENCE, START, World, alerts, configured, points

Place = tuple[str, str]
USUAL: dict[Place, int] = {("BD-1", "tx-1a"): 3, ("BH", "tx-2"): 3}
DAY = 24


def steady(world: World, hours: int, places: Mapping[Place, int] = USUAL, *, count: int = 1) -> list[Alert]:
    """So many calls an hour at each place, evenly; each stands for `count`."""
    said, first = [], -(-world.now // HOUR)
    most = max(places.values())
    for hour in range(first, first + hours):
        for number in range(most):
            at = hour * HOUR + (2 * number + 1) * HOUR // (2 * most)
            calls = [world.call(*place, at=at, count=count) for place, calls in places.items() if number < calls]
            said += world.calls(*calls, at=at)
    return alerts(said + world.tick((first + hours) * HOUR))


def history(places: Mapping[Place, int], days: int = 21, seed: int = 0) -> History:
    """Poisson counts of these means before START."""
    rng, first = np.random.default_rng(seed), START // HOUR - days * DAY
    cells = [
        HistoryCell(one, area, hour, "211", calls)
        for hour in range(first, START // HOUR)
        for (need, area), mean in places.items()
        for calls in [int(rng.poisson(mean))]
        for one in (need, "contacts")
    ]
    return History(VERSION, "crm", first * HOUR, START, tuple(cells))


@cache
def _blocks() -> dict[str, bytes]:
    world = configured()
    world.put(history(USUAL), "tx")
    world.tick(START)
    steady(world, 12)
    return to_blocks(world.state)


def warmed() -> World:
    """Two places with three calls an hour each, usual since three weeks."""
    return World(from_blocks(_blocks(), lambda _: REFERENCE), {"usual": REFERENCE}, itertools.count(10**6))


def episodes(told: list[Alert], kind: str) -> list[str]:
    """Ids of the alerts of a kind, in order."""
    return list(dict.fromkeys(alert.id for alert in told if alert.kind == kind))


def test_a_series_of_zeros_is_never_told_of() -> None:
    world = configured()
    world.put(history({**USUAL, ("BD-2", "tx-1b"): 0}), "tx")
    world.tick(START)
    call = world.call("BD-2", "tx-1b", at=START + MINUTE)
    world.calls(call, at=START + MINUTE)
    world.calls(msgspec.structs.replace(call, revision=1, void=True), at=START + 2 * MINUTE)
    assert [alert for alert in steady(world, 3 * DAY) if "BD-2" in (alert.need or "")] == []
    scoring = world.home().scoring
    node = scoring.nodes.find("BD-2", "tx-1b")
    assert 0.0 < scoring.bank.level()[node] < 0.05
    for columns in scoring.bank.columns().values():
        assert np.isfinite(columns).all()


def test_a_series_of_thirty_thousand_calls_an_hour_keeps_its_level_and_half_as_much_again_is_told() -> None:
    world = configured()
    world.put(history({**USUAL, ("BD-2", "tx-1b"): 30_000}), "tx")
    world.tick(START)
    huge = {("BD-2", "tx-1b"): 1500}
    assert steady(world, 1, huge, count=20) == []
    scoring = world.home().scoring
    node = scoring.nodes.find("BD-2", "tx-1b")
    assert scoring.bank.level()[node] == pytest.approx(30_000, rel=0.02)
    told = steady(world, 1, huge, count=30)
    assert len(episodes(told, "surge")) == 1
    assert (told[0].need, told[0].area) == ("BD-2", "tx-1b")


def test_a_series_that_stops_for_a_month_and_returns_is_told_of_and_nothing_stays_open() -> None:
    world = warmed()
    gone = steady(world, 30 * DAY, {("BH", "tx-2"): 3})
    assert len(episodes(gone, "drop")) == 1
    assert {alert.kind for alert in gone} == {"drop"}
    assert gone[-1].status == "ended"
    back = steady(world, 10 * DAY)
    assert len(episodes(back, "surge")) <= 2
    assert {alert.kind for alert in back} <= {"surge"}
    assert world.home().kinds.open_cases() == []
    assert [one for one in world.home().watch.episodes if one.raised_at is not None] == []
    scoring = world.home().scoring
    assert scoring.bank.level()[scoring.nodes.find("BD-1", "tx-1a")] == pytest.approx(3.0, rel=0.3)


def test_a_source_that_doubles_overnight_for_good_is_told_once_and_then_is_the_new_normal() -> None:
    world = warmed()
    told = steady(world, 13 * DAY, {place: 2 * calls for place, calls in USUAL.items()})
    by_need = {alert.id: alert.need for alert in told}
    assert 1 <= len(by_need) <= 2
    assert len(set(by_need.values())) == len(by_need)
    assert {alert.kind for alert in told} == {"surge"}
    assert all(([one for one in told if one.id == key][-1]).status == "ended" for key in by_need)
    scoring = world.home().scoring
    assert scoring.bank.level()[scoring.nodes.find("BD-1", "tx-1a")] == pytest.approx(6.0, rel=0.2)


def test_a_tree_that_gains_areas_and_codes_while_running_goes_on_with_what_it_knew() -> None:
    world = warmed()
    world.burst(15, at=world.now + 5 * MINUTE)
    open_ = world.home().watch.episodes[0]
    level = dict(zip(world.home().scoring.nodes.names, world.home().scoring.bank.level().tolist(), strict=True))
    world.one("TH-26", "tx-3", at=world.now + MINUTE)
    unknown = dict(world.home().intake.unknown)
    assert set(unknown) == {"TH-26", "tx-3"}
    world.references["grown"] = msgspec.structs.replace(
        REFERENCE,
        areas=(*REFERENCE.areas, Area("tx-3", "tx", "West", timezone="America/Chicago")),
        needs=(
            *REFERENCE.needs,
            Need("TH", "", "Disaster", "Catastrophe", "Desastre"),
            Need("TH-26", "TH", "Shelter", "Refuge", "Refugio"),
        ),
    )
    world.configure(msgspec.structs.replace(CONFIG, reference="grown"), name="grown")
    said = world.burst(12, "TH-26", "tx-3", at=world.now + MINUTE) + world.tick(world.now + 2 * MINUTE)
    home = world.home()
    assert home.intake.unknown == unknown
    assert open_.id in [one.id for one in home.watch.episodes]
    assert {alert.area for alert in alerts(said) if alert.need in ("TH", "TH-26")} <= {"tx-3", "tx"}
    assert {point.observed for point in points(said) if (point.need, point.area) == ("TH", "tx")} >= {12}
    for name, before in level.items():
        node = home.scoring.nodes.find(*name)
        assert node is not None
        assert home.scoring.bank.level()[node] == pytest.approx(before)
    other = world.restarted()
    other.ids = world.ids = itertools.count(10**7)
    assert world.tick(world.now + 3 * HOUR) == other.tick(other.now + 3 * HOUR)
