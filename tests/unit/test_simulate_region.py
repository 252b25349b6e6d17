"""The made-up region: the same for a seed, whole in its files, with rhythm, and a heat wave nobody can miss."""

import datetime as dt
import itertools
import json
import math
import re
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.codec import convert_call_event
from schemas.codes import CONTACTS
from schemas.reference_files import read_reference
from services.cli.history_records import HOUR_MS, history_records
from services.cli.simulation import Region, demo_region
from services.cli.simulation.surges import HEAT_WAVE

NOON = 1_751_299_200_000
"""Monday 30 June 2025, 12:00 in the region."""
CODE_OF_211 = re.compile(r"[A-Z](?:[A-Z](?:-\d{4}(?:\.\d{4}(?:-\d{3}(?:-\d{2})?)?)?)?)?")
TAKEN_BRANCHES = set("BDFHJLNPRTY")
"""First letters of the real list."""


@pytest.fixture(scope="module")
def region() -> Region:
    return demo_region(1)


def codes(call: dict[str, object]) -> list[str]:
    needs = call["needs"]
    assert isinstance(needs, list)
    return [need if isinstance(need, str) else need["code"] for need in needs]


def test_its_reference_files_are_read_back_as_they_were(region: Region, tmp_path: Path) -> None:
    region.reference_folder(tmp_path)
    read = read_reference(tmp_path)
    made = region.reference()
    assert (read.areas, read.needs, read.holidays) == (made.areas, made.needs, made.holidays)
    assert json.loads(bytes(read.shapes)) == region.land.geojson()


def test_about_thirty_areas_hang_in_one_tree_of_four_levels(region: Region) -> None:
    reference = region.reference()
    assert reference.home_areas == (region.home_area,)
    assert 25 <= len(reference.areas) <= 40
    assert {len(reference.area_path(leaf.code)) for leaf in region.land.leaves} == {4}
    populations = {area.code: area.population or 0 for area in reference.areas}
    for parent in {area.parent for area in reference.areas} - {""}:
        assert populations[parent] == sum(populations[one.code] for one in reference.areas if one.parent == parent)


def area_of(ring: list[list[float]]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring)) / 2


def test_the_outlines_are_closed_and_the_leaves_tile_the_whole(region: Region) -> None:
    rings = {code: [list(corner) for corner in ring] for code, ring in region.land.outlines.items()}
    assert all(ring[0] == ring[-1] and area_of(ring) > 0 for ring in rings.values())
    leaves = sum(area_of(rings[leaf.code]) for leaf in region.land.leaves)
    assert math.isclose(leaves, area_of(rings[region.home_area]), rel_tol=1e-9)


def test_needs_have_three_names_and_211_codes_of_branches_that_the_real_list_leaves_free(region: Region) -> None:
    for need in region.reference().needs:
        assert need.name_en
        assert need.name_fr
        assert need.name_es
        if not need.code.startswith("311-"):
            assert CODE_OF_211.fullmatch(need.code)
            assert need.code[0] not in TAKEN_BRANCHES


def test_the_same_seed_gives_the_same_calls_and_another_seed_others() -> None:
    one, same, other = (list(itertools.islice(demo_region(seed).stream(NOON), 200)) for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_a_stream_goes_on_where_it_stopped(region: Region) -> None:
    surges = region.surges(NOON)
    whole = list(region.stream(NOON, surges=surges, until_ms=NOON + 3 * HOUR_MS))
    cut = NOON + 4_000_000
    parts = [
        *region.stream(NOON, surges=surges, until_ms=cut),
        *region.stream(cut, surges=surges, until_ms=NOON + 3 * HOUR_MS),
    ]
    assert parts == whole


def test_every_call_is_a_call_event_that_arrives_after_it_began_and_in_order(region: Region) -> None:
    seen: set[tuple[str, str]] = set()
    last = NOON
    areas = region.reference().area_by_code
    for at, call in region.stream(NOON, until_ms=NOON + 6 * HOUR_MS):
        row = convert_call_event(call)
        assert last <= at
        assert 0 <= at - row.time_ms() <= 20 * 60_000
        assert call.get("area", region.home_area) in areas
        assert set(codes(call)) <= set(region.reference().need_by_code)
        last = at
        seen.add((row.source, row.id))
    assert len(seen) == sum(1 for _ in region.stream(NOON, until_ms=NOON + 6 * HOUR_MS))
    assert {source for source, _ in seen} == set(region.sources)


def test_a_few_hundred_calls_an_hour(region: Region) -> None:
    hours = Counter((at - NOON) // HOUR_MS for at, _ in region.stream(NOON, until_ms=NOON + 24 * HOUR_MS))
    assert 300 < sum(hours.values()) / 24 < 700
    assert min(hours.values()) > 100


def test_the_heat_wave_is_obvious_within_three_hours(region: Region) -> None:
    calls = [(at, call) for at, call in region.stream(NOON, until_ms=NOON + 3 * HOUR_MS)]
    quiet = [call for _, call in region.stream(NOON, surges=(), until_ms=NOON + 3 * HOUR_MS)]
    usual = Counter(code for call in quiet for code in codes(call))
    found = Counter(code for at, call in calls if at > NOON + 2 * HOUR_MS for code in codes(call))
    cooling = ("GA-1000", "GA-1000.1000", "GA-3000", "IA-3000")
    assert sum(found[code] for code in cooling) > 30
    assert sum(found[code] for code in cooling) > 6 * sum(usual[code] for code in cooling) / 3
    hit = {call["area"] for at, call in calls if "GA-1000" in codes(call) and "area" in call}
    assert len(hit) > 6


def test_the_heat_wave_raises_many_needs_in_several_areas_and_grows_over_hours(region: Region) -> None:
    wave = region.surges(NOON)[0]
    assert wave.script is HEAT_WAVE
    hours = [region.hours.extra(NOON // HOUR_MS + hour, [wave]) for hour in range(5)]
    sums = [extra.sum() for extra in hours]
    assert sums[0] < 10
    assert sums == sorted(sums)
    assert (hours[4].sum(axis=1) > 5).sum() >= 6
    assert 8 <= (hours[4].sum(axis=0) > 1).sum() < len(region.land.leaves)


def test_days_and_weeks_have_a_rhythm_and_holidays_are_quiet(region: Region) -> None:
    def total(day: str, hour: int) -> float:
        start = dt.datetime.fromisoformat(day).replace(hour=hour, tzinfo=ZoneInfo("America/New_York"))
        return float(region.hours.rates(int(start.timestamp()) // 3600).sum())

    assert total("2025-06-30", 10) > 2.5 * total("2025-06-30", 4)
    assert total("2025-06-30", 10) > 1.5 * total("2025-06-29", 10)
    assert total("2025-07-03", 10) > 1.5 * total("2025-07-04", 10)


def test_history_counts_the_very_calls_of_the_stream(region: Region) -> None:
    start = NOON // HOUR_MS * HOUR_MS
    end = start + 168 * HOUR_MS
    history: Counter[tuple[str, str, int, str]] = Counter()
    for cell in region.history(1, end):
        history[cell.need, cell.area, cell.hour, cell.line] += cell.count
    counted: Counter[tuple[str, str, int, str]] = Counter()
    for _, call in region.stream(start, surges=(), until_ms=end + HOUR_MS):
        row = convert_call_event(call)
        if start + HOUR_MS <= row.time_ms() < end - HOUR_MS:
            for need in (CONTACTS, *codes(call)):
                counted[need, row.area or "marrow:unmapped", row.time_ms() // HOUR_MS, row.line] += 1
    inner = {leaf: number for leaf, number in history.items() if start // HOUR_MS < leaf[2] < end // HOUR_MS - 1}
    assert inner == counted


def test_history_records_lie_edge_to_edge_and_fit_a_record(region: Region) -> None:
    records = list(region.history_records(1, NOON))
    for source in region.sources:
        own = [one for one in records if one.source == source]
        assert own[0].start == NOON - 168 * HOUR_MS
        assert own[-1].end == NOON
        assert all(one.end == two.start for one, two in itertools.pairwise(own))
        assert all(one.start <= cell.hour * HOUR_MS < one.end for one in own for cell in one.cells)
    cells = [cell for cell in region.history(1, NOON) if cell.line == "211"]
    small = list(history_records("s", cells, NOON // HOUR_MS - 168, NOON // HOUR_MS, limit=20_000))
    assert sum(len(one.cells) for one in small) == len(cells)
    assert len(small) > 5
    assert all(one.end == two.start for one, two in itertools.pairwise(small))


def test_labels_tell_the_truth_about_each_surge(region: Region) -> None:
    surges = region.surges(NOON)
    labels = region.labels(surges, NOON + 7 * 24 * HOUR_MS)
    assert labels[0]["name"] == "heat_wave"
    assert labels[0]["extra_calls"] > 1000
    assert set(labels[0]["areas"]) < {leaf.code for leaf in region.land.leaves}
    assert labels[0]["start_ms"] == NOON + 24 * 60_000
