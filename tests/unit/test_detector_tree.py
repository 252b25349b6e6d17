"""The tree of codes: ancestors, unknown codes by their spelling, and distinct counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detector.domain.tree import Tree

NEEDS = Tree(
    [
        ("B", ""),
        ("BD", "B"),
        ("BD-1800", "BD"),
        ("BD-1800.2000", "BD-1800"),
        ("BD-1800.2000-620", "BD-1800.2000"),
        ("BD-5000", "BD"),
        ("BH", "B"),
        ("P", ""),
        ("PH", "P"),
    ]
)


def test_a_path_leads_from_the_code_to_its_root() -> None:
    assert NEEDS.path("BD-1800.2000-620") == ("BD-1800.2000-620", "BD-1800.2000", "BD-1800", "BD", "B")
    assert NEEDS.path("B") == ("B",)
    assert NEEDS.path("elsewhere") == ("elsewhere",)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("BD-1800.2000", "BD-5000", "BD"),
        ("BD-1800.2000", "BD-1800", "BD-1800"),
        ("BD", "BD-1800", "BD"),
        ("BD-5000", "BH", "B"),
        ("BD", "BD", "BD"),
        ("BD", "PH", None),
        ("BD", "elsewhere", None),
    ],
)
def test_the_lowest_common_ancestor_is_the_same_from_both_sides(one: str, other: str, common: str | None) -> None:
    assert NEEDS.common(one, other) == common
    assert NEEDS.common(other, one) == common


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("BD-1800.2000-620", "BD-1800.2000-620"),
        ("BD-1800.2000-620.50", "BD-1800.2000-620"),
        ("BD-1800.2000-999", "BD-1800.2000"),
        ("BD-1800.9999-10", "BD-1800"),
        ("BD-1800.9999", "BD-1800"),
        ("BD-9999", "BD"),
        ("BD-9999.1000-100.50", "BD"),
        ("BZ", "B"),
        ("BZ-1000.2000", "B"),
        ("PH-0500.0500-100", "PH"),
        ("ZZ-1000", None),
        ("ZZ", None),
        ("Z", None),
        ("BDX", None),
        ("BD:x", "BD"),
        ("pothole", None),
        ("", None),
    ],
)
def test_an_unknown_code_counts_at_its_nearest_known_ancestor(code: str, known: str | None) -> None:
    assert NEEDS.known(code) == known


def test_covering_is_being_above_or_the_same() -> None:
    assert NEEDS.covers("BD", "BD-1800.2000")
    assert NEEDS.covers("BD", "BD")
    assert not NEEDS.covers("BD-1800", "BD")
    assert not NEEDS.covers("BD", "elsewhere")


def test_preorder_goes_through_a_branch_before_the_next_and_puts_unknown_codes_last() -> None:
    codes = ["zz", "PH", "BH", "BD-5000", "aa", "BD", "BD-1800.2000"]
    assert NEEDS.in_preorder(codes) == ["BD", "BD-1800.2000", "BD-5000", "BH", "PH", "aa", "zz"]


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[str], Tree]:
    """A forest whose nodes hang under any earlier one, or under none."""
    size = draw(st.integers(1, 14))
    parents = [draw(st.integers(-1, number - 1)) if number else -1 for number in range(size)]
    names = [f"n{number}" for number in range(size)]
    return names, Tree(
        (name, names[parent] if parent >= 0 else "") for name, parent in zip(names, parents, strict=True)
    )


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_each_subtree_counts_a_call_once_if_it_holds_any_of_its_needs(data: st.DataObject) -> None:
    names, tree = data.draw(forests())
    needs = data.draw(st.lists(st.sampled_from([*names, "elsewhere", "nowhere"]), max_size=8))
    booked = tree.distinct_bookings(needs)
    for top in [*names, "elsewhere", "nowhere"]:
        total = sum(sign for code, sign in booked if tree.covers(top, code))
        assert total == (1 if any(tree.covers(top, need) for need in needs) else 0)
