"""Places, codes, times and ids: what a call becomes on the log."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import CallEventRow, Refusal, convert_call_event
from schemas.log_record import LogNeed
from schemas.reference import Area, Crossing, Need, Reference
from services.detector.domain.tree import Tree
from services.ingest.ids import Hasher
from services.ingest.places import Places
from services.ingest.shapes import AreaFinder
from services.ingest.translation import Translator, check_time, masked, modern_code
from services.runtime.access import Identity

NOW = 1_770_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
SQUARE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": "tx-1"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[-96, 29], [-95, 29], [-95, 30], [-96, 30], [-96, 29]],
                    [[-95.6, 29.4], [-95.4, 29.4], [-95.4, 29.6], [-95.6, 29.6], [-95.6, 29.4]],
                ],
            },
        },
        {
            "type": "Feature",
            "id": "tx",
            "geometry": {"type": "MultiPolygon", "coordinates": [[[[-97, 28], [-94, 28], [-94, 31], [-97, 31]]]]},
        },
        {"type": "Feature", "properties": {"code": "unknown"}, "geometry": {"type": "Polygon", "coordinates": []}},
    ],
}


def reference(**more: Any) -> Reference:
    areas = (
        Area("tx", "", "Texas"),
        Area("tx-1", "tx", "One"),
        Area("77001", "tx-1", "Zip", 29.77, -95.36),
        Area("77002", "tx-1", "Zip 2", 29.0, -95.0),
        Area("on", "", "Ontario"),
        Area("vaughan", "on", "Vaughan", fsa="L4J; L4K"),
    )
    needs = (Need("BD", "", "Food", "", ""), Need("BT-480", "", "odd", "", ""))
    crosswalk = (Crossing("crm", "FOOD", "BD"), Crossing("", "ROOF", "BH"))
    return Reference(areas=areas, needs=needs, crosswalk=crosswalk, **more)


def row(**changes: Any) -> CallEventRow:
    base = {"id": "1", "source": "crm", "time": "2026-02-02T02:40:00Z", "line": "211", "needs": []}
    return convert_call_event(base | changes)


def identity(**changes: Any) -> Identity:
    return Identity(**({"id": "k", "name": "n", "role": "ingest", "source": "crm", "home_area": "tx"} | changes))


@pytest.mark.parametrize(
    ("given", "area"),
    [
        ({"area": "77001"}, "77001"),
        ({"area": "nowhere"}, "unmapped"),
        ({"postal_code": "77001"}, "77001"),
        ({"postal_code": "77001-1234"}, "77001"),
        ({"postal_code": "99999"}, None),
        ({"postal_code": "99999", "latitude": 29.77, "longitude": -95.36}, "77001"),
        ({"latitude": 29.9, "longitude": -95.2}, "77001"),
        ({"latitude": 60.0, "longitude": 10.0}, None),
        ({}, None),
    ],
)
def test_a_place_is_found_by_code_postal_code_or_coordinates(given: dict[str, Any], area: str | None) -> None:
    assert Places(reference()).resolve(row(**given), "tx").area == area


def test_canadian_postal_codes_are_found_by_their_first_three_characters() -> None:
    places = Places(reference())
    for code in ("L4J 1A1", "l4k2b2", "L4J"):
        assert places.resolve(row(postal_code=code), None) == places.resolve(row(area="vaughan"), None)


def test_without_a_known_place_the_home_area_comes_from_the_key_or_there_is_none() -> None:
    places = Places(reference())
    assert places.resolve(row(), "on").home_area == "on"
    with pytest.raises(Refusal) as caught:
        places.resolve(row(area="nowhere"), None)
    assert caught.value.field == "area"
    alone = Places(msgspec.structs.replace(reference(), areas=(Area("tx", "", "Texas"),)))
    assert alone.resolve(row(area="nowhere"), None).home_area == "tx"


def test_a_key_with_a_home_area_takes_no_calls_of_another() -> None:
    with pytest.raises(Refusal, match="outside the home area of this key"):
        Places(reference()).resolve(row(area="vaughan"), "tx")


def test_a_key_whose_home_area_is_none_places_no_call_where_the_detector_would_drop_it() -> None:
    for wrong in ("tx-1", "texas"):
        with pytest.raises(Refusal, match="the home area of this key is not one of the reference data"):
            Places(reference()).resolve(row(), wrong)


def test_of_two_areas_with_the_same_prefix_the_deeper_one_is_found_in_either_order() -> None:
    areas = (Area("on", "", "Ontario"), Area("york", "on", "York"), Area("vaughan", "york", "Vaughan", fsa="L4J"))
    shallow = Area("rest", "on", "Rest", fsa="L4J")
    for order in ((*areas, shallow), (areas[0], shallow, *areas[1:])):
        assert Places(Reference(areas=order, needs=())).by_postal_code("L4J 1A1") == "vaughan"


def test_the_deepest_shape_around_a_point_wins_and_holes_are_no_part_of_it() -> None:
    finder = AreaFinder(reference(shapes=msgspec.Raw(json.dumps(SQUARE).encode())))
    assert finder.find(29.2, -95.5) == "tx-1"
    assert finder.find(29.5, -95.5) == "tx"
    assert finder.find(30.5, -95.5) == "tx"


def test_codes_go_through_the_crosswalk_then_the_tree_then_todays_form() -> None:
    translator = Translator(reference(), Hasher(b"0123456789abcdef"))
    needs = ["FOOD", "ROOF", "BT-480", "BH-180.850", {"code": "FOOD", "met": "unmet"}]
    call = translator.translate(row(needs=needs, referrals=["FOOD"]), identity(), NOW).call
    assert call.needs == ("BD", "BH", "BT-480", "BH-1800.8500", LogNeed("BD", "unmet"))
    assert call.referrals == ("BD",)


def test_referrals_with_unknown_codes_are_counted_and_not_kept() -> None:
    translator = Translator(reference(), Hasher(b"0123456789abcdef"))
    accepted = translator.translate(row(referrals=["BD", "617-555-0100", "FOOD"]), identity(), NOW)
    assert (accepted.call.referrals, accepted.unknown_referrals) == (("BD", "BD"), 1)


def test_the_text_of_a_code_that_the_tree_lacks_goes_no_further_unless_it_has_the_form_of_a_211_code() -> None:
    translator = Translator(reference(), Hasher(b"0123456789abcdef"))
    needs = ["617-555-0100", "BD.Zebulon-Quux", "Zebulon", "contacts", "unmapped", "BD-1800.2000", "QQ"]
    call = translator.translate(row(needs=needs, area="617-555-0100"), identity(), NOW).call
    assert call.area == "unmapped"
    assert call.needs[:3] == ("unmapped.unmapped", "BD.unmapped", "unmapped.unmapped")
    assert call.needs[3:] == tuple(needs[3:])


@given(
    st.from_regex(r"[AB1][AB1.:-]{0,8}", fullmatch=True), st.sets(st.from_regex(r"[AB1][AB1.-]{0,3}", fullmatch=True))
)
def test_a_masked_code_counts_under_the_same_ancestor_as_the_code_itself(code: str, known: set[str]) -> None:
    tree = Tree([(one, "") for one in sorted(known | {"unmapped"})])
    assert code in known or (tree.known(masked(code, known)) or "unmapped") == (tree.known(code) or "unmapped")


def test_only_keys_for_totals_may_send_counts_and_only_of_their_source() -> None:
    translator = Translator(reference(), Hasher(b"0123456789abcdef"))
    assert translator.translate(row(count=7), identity(totals=True), NOW).call.count == 7
    for call, who, field in ((row(count=7), identity(), "count"), (row(), identity(source="x"), "source")):
        with pytest.raises(Refusal) as caught:
            translator.translate(call, who, NOW)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("time_ms", "now_ms", "word"),
    [
        (NOW, NOW, None),
        (NOW - 72 * HOUR, NOW, None),
        (NOW - 72 * HOUR - 1, NOW, "load"),
        (NOW + 5 * MINUTE, NOW, None),
        (NOW + 5 * MINUTE + 1, NOW, "ahead"),
        (0, None, "2000"),
        (7_258_118_400_000, None, "2000"),
        (NOW - 1000 * HOUR, None, None),
    ],
)
def test_times_that_cannot_be_are_refused(time_ms: int, now_ms: int | None, word: str | None) -> None:
    if word is None:
        check_time(time_ms, now_ms)
        return
    with pytest.raises(Refusal, match=word) as caught:
        check_time(time_ms, now_ms)
    assert caught.value.field == "time"


def test_ids_depend_on_secret_source_and_id() -> None:
    one, two = Hasher(b"0123456789abcdef"), Hasher(b"another secret .")
    hashes = {one("crm", "1"), one("crm", "2"), one("crm2", "1"), two("crm", "1"), one("cr", "m1")}
    assert len(hashes) == 5
    assert Hasher(b"x" * 200)("crm", "1") != one("crm", "1")


def test_old_211_codes_get_todays_form() -> None:
    assert [modern_code(one) for one in ("BH-180", "BH-1800", "LN", "reason.x")] == [
        "BH-1800",
        "BH-1800",
        "LN",
        "reason.x",
    ]
