"""Patches of neighbouring areas and the scan over them."""

import numpy as np
import pytest

from schemas.reference import Area
from services.detector.domain.patches import Patches, patches_of
from services.detector.domain.scan import ratio
from services.detector.domain.tree import Tree

ROWS = (
    Area("h", "", "Home"),
    Area("h-1", "h", "West"),
    Area("h-2", "h", "East"),
    *(Area(f"h-1{i}", "h-1", f"West {i}", latitude=40.0, longitude=-100.0 + i) for i in range(4)),
    *(Area(f"h-2{i}", "h-2", f"East {i}", latitude=40.0, longitude=-96.0 + i) for i in range(4)),
)
TREE = Tree((area.code, area.parent) for area in ROWS)


def patches(rows: tuple[Area, ...] = ROWS) -> Patches:
    return patches_of(rows, TREE, "h")


def of(found: Patches) -> dict[frozenset[str], str]:
    """Areas of each patch and the node that covers it."""
    members = (frozenset(np.array(found.areas)[row > 0].tolist()) for row in found.members)
    return dict(zip(members, found.covers, strict=True))


def test_a_patch_is_an_area_and_its_nearest_neighbours_whatever_their_district() -> None:
    found = of(patches())
    assert found[frozenset({"h-12", "h-13", "h-20"})] == "h"
    assert found[frozenset({"h-10", "h-11", "h-12"})] == "h-1"


def test_no_patch_is_a_node_of_the_tree_and_none_is_there_twice() -> None:
    found = patches()
    members = [tuple(row) for row in found.members]
    assert len(set(members)) == len(members)
    assert frozenset(f"h-1{i}" for i in range(4)) not in of(found)
    assert all(0 < row.sum() < len(found.areas) for row in found.members)


def test_areas_without_a_position_are_in_no_patch_and_few_areas_have_none() -> None:
    nowhere = tuple(Area(area.code, area.parent, area.name) for area in ROWS)
    assert len(patches(nowhere)) == 0
    assert len(patches(ROWS[:6])) == 0


def test_patches_do_not_depend_on_the_order_of_the_rows() -> None:
    assert of(patches()) == of(patches(ROWS[::-1]))


def test_areas_that_share_no_patch_are_far_apart_and_what_has_no_position_is_not() -> None:
    found = patches()
    assert found.far_apart("h-10", "h-23")
    assert not found.far_apart("h-12", "h-20")
    assert not found.far_apart("h-1", "h-23")


@pytest.mark.parametrize(("observed", "expected", "variance"), [(9.0, 10.0, 10.0), (0.0, 0.0, 0.0), (10.0, 10.0, 30.0)])
def test_without_a_rise_there_is_no_evidence(observed: float, expected: float, variance: float) -> None:
    assert ratio(np.array([observed]), np.array([expected]), np.array([variance]))[0] == 0.0


def test_overdispersion_tempers_evidence_and_more_calls_add_to_it() -> None:
    plain = ratio(np.array([20.0, 30.0]), np.array([10.0, 10.0]), np.array([10.0, 10.0]))
    clumped = ratio(np.array([20.0]), np.array([10.0]), np.array([30.0]))
    assert 0 < plain[0] < plain[1]
    assert clumped[0] == pytest.approx(plain[0] / 3)
