"""`step`: what each kind of record does to time, counts and outputs."""

import msgspec
import pytest

from schemas.log_record import VERSION, BadRecord, Calls, History, HistoryCell, LogCall, LogNeed, Tick
from services.detector.domain.snapshot import to_blocks
from tests.detector_world import (
    CONFIG,
    HOUR,
    MINUTE,
    SECOND,
    START,
    WARM,
    World,
    configured,
    contacts_of,
    history,
    points,
    rejections,
    sealed,
    statuses,
    warm,
)


def cells(world: World, home: str = "tx") -> dict[tuple[str, str], int]:
    """Calls of all unsealed hours by leaf."""
    scoring, found = world.home(home).scoring, dict[tuple[str, str], int]()
    for hour in scoring.ledger.hours.values():
        for (leaf, _), calls in hour.cells.items():
            name = scoring.nodes.leaves[leaf]
            found[name] = found.get(name, 0) + calls
    return found


# --- time ---------------------------------------------------------------------------------------------------------


def test_a_quiet_partition_closes_its_hour_on_the_tick() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    assert not [point for point in points(world.tick(START + HOUR - 1)) if not point.open]
    said = world.tick(START + HOUR + MINUTE)
    closed = [point for point in points(said) if not point.open and point.start == START]
    assert {(point.need, point.area): point.observed for point in closed}["BD-1", "tx-1a"] == 1


def test_a_change_is_evaluated_at_the_next_grid_point_and_not_before() -> None:
    world = configured()
    at = START + MINUTE + 120
    world.one(at=at)
    assert world.home().due() == START + MINUTE + 500
    assert world.tick(START + MINUTE + 499) == []
    said = world.tick(START + MINUTE + 500)
    assert [status.log_time for status in statuses(said)] == [START + MINUTE + 500]
    assert max(point.observed for point in points(said)) == 1


def test_a_tick_that_comes_late_gives_what_ticks_in_time_give() -> None:
    one, other = warm(), warm()
    for world in (one, other):
        world.burst(6, at=WARM + MINUTE)
    said = one.tick(WARM + 3 * HOUR)
    steps = [output for minute in range(2, 181) for output in other.tick(WARM + minute * MINUTE)]
    assert said == steps
    assert to_blocks(one.state) == to_blocks(other.state)


def test_the_last_calls_of_a_burst_are_told_without_waiting_for_another_call() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    world.tick(START + MINUTE + SECOND)
    world.burst(3, at=START + MINUTE + 2 * SECOND, every=100)
    said = world.tick(START + MINUTE + 20 * SECOND)
    assert [point.observed for point in points(said) if (point.need, point.area) == ("BD-1", "tx-1a")][-1] == 4


def test_log_time_never_goes_back() -> None:
    world = configured()
    world.one(at=START + HOUR)
    assert world.tick(START + MINUTE) == []
    assert world.now == START + HOUR
    world.calls(world.call(at=START), at=START + MINUTE)
    assert world.now == START + HOUR
    assert cells(world)["contacts", "tx-1a"] == 2


def test_a_stamp_behind_log_time_counts_in_its_own_hour_and_is_evaluated() -> None:
    world = warm()
    world.tick(WARM + 10 * MINUTE)
    world.calls(world.call(at=WARM + MINUTE), at=WARM + 2 * MINUTE)
    said = world.tick(WARM + 10 * MINUTE + SECOND)
    assert any(point.observed == 1 and point.area == "tx-1a" for point in points(said))


def test_a_stamp_counts_as_no_later_than_its_records_limit() -> None:
    world = configured()
    world.put(Tick(VERSION, START + 40 * HOUR), limit=START + 2 * SECOND)
    assert world.now == START + 2 * SECOND
    world.put(Calls(VERSION, (START + 40 * HOUR,), (world.call(at=START),)), "tx", limit=START + 5 * SECOND)
    assert world.now == START + 5 * SECOND


def test_a_stamp_more_than_400_days_ahead_is_refused_and_changes_nothing() -> None:
    world = warm()
    before = to_blocks(world.state)
    with pytest.raises(BadRecord, match="400 days"):
        world.tick(world.now + 401 * 24 * HOUR)
    assert to_blocks(world.state) == before


# --- what is counted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "reason"),
    [(72 * HOUR, None), (72 * HOUR + 1, "too_old"), (-5 * MINUTE, None), (-5 * MINUTE - 1, "future"), (0, None)],
)
def test_calls_of_the_future_and_of_long_ago_are_refused_by_their_own_stamps(ago: int, reason: str | None) -> None:
    world = configured()
    said = world.calls(world.call(at=START - ago), at=START)
    assert [one.reason for one in rejections(said)] == ([reason] if reason else [])
    assert world.home().intake.sources["crm"].refused == bool(reason)
    if reason:
        assert rejections(said)[0].source == "crm"
        assert world.home().intake.counters[f"refused_{reason}"] == 1


def test_a_call_without_need_counts_as_a_contact() -> None:
    world = configured()
    world.one(None, at=START)
    assert cells(world) == {("contacts", "tx-1a"): 1}


def test_a_call_with_several_needs_counts_once_in_each_and_once_above() -> None:
    world = configured()
    world.one(at=START, needs=("BD-1", LogNeed("BD-2", "no", "none"), "BD-1"))
    assert cells(world) == {
        ("BD-1", "tx-1a"): 1,
        ("BD-2", "tx-1a"): 1,
        ("BD", "tx-1a"): -1,
        ("contacts", "tx-1a"): 1,
    }
    said = world.tick(START + SECOND)
    observed = {(point.need, point.area): point.observed for point in points(said)}
    assert {observed[need, area] for need in ("BD-1", "BD-2", "BD", "contacts") for area in ("tx-1a", "tx")} == {1}


def test_unknown_needs_and_areas_are_counted_as_unmapped_and_told() -> None:
    world = configured()
    world.one("QQ-1", "elsewhere", at=START)
    world.one("BD-1.77", "ok", at=START + SECOND)
    world.one("BH", None, at=START + 2 * SECOND)
    assert cells(world) == {
        ("unmapped", "tx:unmapped"): 1,
        ("BD-1", "tx:unmapped"): 1,
        ("BH", "tx:unmapped"): 1,
        ("contacts", "tx:unmapped"): 3,
    }
    assert world.home().intake.unknown == {"QQ-1": 1, "elsewhere": 1, "BD-1.77": 1, "ok": 1}
    assert world.home().intake.sources["crm"].unknown_codes == 4
    assert world.home().intake.counters["without_place"] == 1


def test_repeats_are_counted_as_duplicates_per_source() -> None:
    world = configured()
    call = world.call(at=START)
    for _ in range(3):
        world.calls(call, at=START)
    assert cells(world) == {("BD-1", "tx-1a"): 1, ("contacts", "tx-1a"): 1}
    assert world.home().intake.sources["crm"].duplicates == 2
    assert world.home().intake.counters == {"counted": 1, "duplicate": 2}


def test_a_revision_is_no_second_call_of_its_feed() -> None:
    world = configured()
    call = world.call(at=START)
    world.calls(call, msgspec.structs.replace(call, revision=1, needs=("BH",)), at=START)
    assert cells(world) == {("BH", "tx-1a"): 1, ("contacts", "tx-1a"): 1}
    assert world.home().intake.sources["crm"].calls == 1
    assert world.home().intake.counters == {"counted": 1, "revised": 1}


def test_totals_count_as_many_calls_as_they_say() -> None:
    world = configured()
    world.one(at=START, count=12)
    assert cells(world)["contacts", "tx-1a"] == 12


def test_home_areas_are_apart_and_newfoundland_has_half_hours() -> None:
    world = configured()
    world.one(at=START, key="tx")
    world.one("BD-1", "nl", at=START, key="nl")
    assert cells(world, "nl") == {("BD-1", "nl"): 1, ("contacts", "nl"): 1}
    calendar = world.home("nl").scoring.calendar
    assert calendar.local(calendar.start_ms(world.home("nl").scoring.open_bucket)).minute == 0
    assert calendar.start_ms(world.home("nl").scoring.open_bucket) % HOUR == HOUR // 2


# --- the seal -----------------------------------------------------------------------------------------------------


def test_an_hour_is_sealed_after_the_seal_hours_and_told_leaf_by_leaf() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    world.one("BH", "tx-2", at=START + 2 * MINUTE, source="city", line="311")
    early = world.tick(START + 3 * HOUR)
    assert START not in [hour.start for hour in sealed(early)]
    hour = next(one for one in sealed(world.tick(START + 3 * HOUR + MINUTE)) if one.start == START)
    assert [tuple(msgspec.to_builtins(row)) for row in hour.counts] == [
        ("BD-1", "tx-1a", "crm", "211", 1),
        ("BH", "tx-2", "city", "311", 1),
        ("contacts", "tx-1a", "crm", "211", 1),
        ("contacts", "tx-2", "city", "311", 1),
    ]


def test_hours_are_sealed_in_order_without_gaps_even_when_nobody_calls() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    starts = [hour.start for hour in sealed(world.tick(START + 30 * HOUR + MINUTE))]
    assert starts == list(range(starts[0], starts[-1] + HOUR, HOUR))
    assert starts[-1] == START + 27 * HOUR


def test_a_call_after_the_seal_changes_the_series_and_is_counted_as_late_but_not_sealed_again() -> None:
    world = warm()
    world.usual(WARM + 6 * HOUR)
    learned = world.home().scoring.bank.level().copy()
    late = START + 7 * HOUR + 30 * MINUTE
    world.calls(world.call(at=late), at=world.now + SECOND)
    said = world.tick(world.now + 2 * SECOND)
    assert world.home().intake.counters["late_after_seal"] == 1
    assert world.home().intake.sources["crm"].late == 1
    again = [point for point in points(said) if point.start == START + 7 * HOUR and point.area == "tx-1a"]
    assert {point.need for point in again} == {"BD", "BD-1", "contacts"}
    assert (world.home().scoring.bank.level() == learned).all()
    assert contacts_of(said) == 0


def test_a_late_call_before_the_seal_goes_into_its_own_hour_and_scores_are_brought_up_to_date() -> None:
    world = warm()
    world.tick(WARM + HOUR + 5 * MINUTE)
    scoring = world.home().scoring
    node = scoring.nodes.find("BD-1", "tx-1a")
    before = scoring.closed.up[node].max()
    calls = [world.call(at=WARM + MINUTE + number) for number in range(6)]
    world.calls(*calls, at=world.now + SECOND)
    world.tick(world.now + 2 * SECOND)
    assert scoring.closed.up[node].max() > before + 3.0


# --- history ------------------------------------------------------------------------------------------------------


def test_history_then_calls_starts_warm() -> None:
    world = configured()
    assert world.put(history(), "tx") == []
    said = world.one(at=START + MINUTE) + world.tick(START + 2 * MINUTE)
    assert statuses(said)[-1].state == "live"
    assert statuses(configured_and_called())[-1].state == "warming"


def configured_and_called() -> list:  # type: ignore[type-arg]
    world = configured()
    return world.one(at=START + MINUTE) + world.tick(START + 2 * MINUTE)


def test_calls_then_history_learns_the_same_as_history_then_calls() -> None:
    before, after = configured(), configured()
    before.put(history(), "tx")
    before.one(at=START + MINUTE)
    after.one(at=START + MINUTE)
    after.tick(START + 2 * MINUTE)
    after.put(history(), "tx")
    for world in (before, after):
        world.one("BH", "tx-2", at=START + 3 * MINUTE)
        world.tick(START + 4 * MINUTE)
    levels = [
        dict(zip(world.home().scoring.nodes.names, world.home().scoring.bank.level().tolist(), strict=True))
        for world in (before, after)
    ]
    assert levels[0] == pytest.approx(levels[1])


def test_history_told_twice_changes_nothing() -> None:
    once, twice = configured(), configured()
    once.put(history(), "tx")
    twice.put(history(), "tx")
    twice.put(history(), "tx")
    for world in (once, twice):
        world.one(at=START + MINUTE)
    assert once.tick(START + 5 * HOUR) == twice.tick(START + 5 * HOUR)
    assert to_blocks(once.state) == to_blocks(twice.state)


def test_history_replaces_what_its_source_said_of_that_period_only() -> None:
    world = configured()
    first = START // HOUR - 4
    world.put(
        History(
            VERSION,
            "crm",
            first * HOUR,
            START,
            tuple(HistoryCell("BH", "tx-2", first + i, "211", 9) for i in range(4)),
        ),
        "tx",
    )
    world.put(
        History(VERSION, "crm", (first + 2) * HOUR, START, (HistoryCell("BH", "tx-2", first + 3, "211", 1),)),
        "tx",
    )
    world.put(History(VERSION, "city", first * HOUR, START, (HistoryCell("BH", "tx-2", first, "311", 2),)), "tx")
    hours = world.state.histories["tx"].hours(START)
    assert [sum(cell[3] for _, cell in hours[(first + i) * HOUR]) for i in range(4)] == [11, 9, 0, 1]


def test_history_after_the_first_seal_is_refused_with_a_reason() -> None:
    world = configured()
    world.one(at=START + MINUTE)
    world.tick(START + 5 * HOUR)
    before = to_blocks(world.state)
    said = world.put(history(), "tx")
    assert [(one.reason, one.source) for one in rejections(said)] == [("history_after_first_seal", "crm")]
    assert to_blocks(world.state) == before


# --- controls -----------------------------------------------------------------------------------------------------


def test_a_configuration_told_twice_is_in_force_once() -> None:
    world = warm()
    before = to_blocks(world.state)
    assert world.configure() == []
    assert to_blocks(world.state) == before


def test_a_configuration_waits_for_its_time() -> None:
    world = warm()
    slower = msgspec.structs.replace(CONFIG, grid_ms=5_000)
    world.configure(slower, name="slower", effective_at=WARM + MINUTE)
    assert world.home().rules.config.grid_ms == 500
    world.tick(WARM + MINUTE)
    assert world.home().rules.config.grid_ms == 5_000
    assert world.configure(CONFIG, name="slower", effective_at=WARM) == []
    assert world.home().rules.config.grid_ms == 5_000


def test_controls_come_into_force_in_the_order_of_their_times() -> None:
    world = warm()
    world.control("late", "budget", {"per_week": 2}, effective_at=WARM + 2 * MINUTE, home_area="tx")
    world.control("early", "budget", {"per_week": 9}, effective_at=WARM + MINUTE, home_area="tx")
    world.tick(WARM + 3 * MINUTE)
    assert world.home().watch.budget_per_week == 2.0


def test_a_budget_told_before_the_first_call_holds_when_it_comes() -> None:
    world = configured()
    world.control("b", "budget", {"per_week": 7.5}, effective_at=0, home_area="ok")
    world.tick(START)
    world.one("BH", "ok", at=START + MINUTE, key="ok")
    assert world.home("ok").watch.budget_per_week == 7.5


# --- poison -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "tx-1", "nowhere", ""])
def test_calls_whose_key_is_no_home_area_are_refused(key: str | None) -> None:
    world = warm()
    before = to_blocks(world.state)
    with pytest.raises(BadRecord, match="home area"):
        world.put(Calls(VERSION, (WARM,), (world.call(at=WARM),)), key)
    assert to_blocks(world.state) == before


def test_calls_before_any_configuration_are_refused() -> None:
    world = World()
    with pytest.raises(BadRecord, match="configuration"):
        world.one(at=START)


@pytest.mark.parametrize("type_", ["reference", "nonsense"])
def test_a_control_of_an_unknown_type_is_refused_and_not_remembered(type_: str) -> None:
    world = warm()
    with pytest.raises(BadRecord, match="type"):
        world.control("c9", type_, {})
    assert "c9" not in world.state.seen_controls


def test_a_config_control_with_another_body_is_refused_and_not_remembered() -> None:
    world = warm()
    with pytest.raises(BadRecord, match="configuration"):
        world.control("c9", "config", {"mode": "live"})
    assert "c9" not in world.state.seen_controls


@pytest.mark.parametrize(
    "change",
    [
        {"id": "not hexadecimal!"},
        {"id": ""},
        {"id": "1" * 17},
        {"id": "+000000000000001"},
        {"count": 0},
        {"count": -3},
        {"count": 2**40},
        {"revision": -1},
        {"revision": 2**70},
    ],
)
def test_a_record_with_a_call_that_cannot_be_counted_is_refused_as_a_whole(change: dict[str, object]) -> None:
    world = warm()
    before = to_blocks(world.state)
    good = world.call(at=WARM)
    bad = msgspec.structs.replace(world.call(at=WARM), **change)
    with pytest.raises(BadRecord, match="call"):
        world.calls(good, bad, at=WARM + MINUTE)
    assert to_blocks(world.state) == before


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [(START, START - HOUR, 1), (0, START, 1), (START - HOUR, START, -1), (START - HOUR, START, 2**40)],
)
def test_history_that_cannot_be_learned_is_refused(start: int, end: int, count: int) -> None:
    world = configured()
    record = History(VERSION, "crm", start, end, (HistoryCell("BH", "tx-2", START // HOUR - 1, "211", count),))
    with pytest.raises(BadRecord, match="history"):
        world.put(record, "tx")
    assert world.state.histories == {}


def test_an_id_of_64_ones_is_an_id_like_others() -> None:
    world = configured()
    world.calls(LogCall("f" * 16, "crm", START, "211", ("BH",), "tx-2"), at=START)
    assert cells(world.restarted())["BH", "tx-2"] == 1
