"""Patches of a map: leaf areas of one home area that are nearest neighbours, whatever districts they belong to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from schemas.reference import Area
from services.detector.domain.tree import Tree

SIZES = (3, 5, 8)
"""Areas in a patch."""
MOST_AREAS = 2000
"""Leaf areas beyond which a home area is scanned by its tree alone."""


@dataclass(frozen=True)
class Patches:
    """All patches of a home area, none of which is a node of the tree.

    Built once from reference data; a home area without positions has none.
    """

    areas: tuple[str, ...] = ()
    """Leaf areas with a position."""
    members: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """[patch, area], 1 where the area belongs to the patch."""
    covers: tuple[str, ...] = ()
    """For each patch the smallest area of the tree that holds it."""

    @cached_property
    def _beside(self) -> dict[str, frozenset[str]]:
        together = self.members.T @ self.members > 0
        rows = zip(self.areas, together, strict=True) if len(self.covers) else ()
        return {code: frozenset(self.areas[i] for i in np.flatnonzero(row)) for code, row in rows}

    def far_apart(self, one: str, other: str) -> bool:
        """Whether two leaf areas are in no patch together; what has no position is far from nothing."""
        return one in self._beside and other in self._beside and other not in self._beside[one]

    def __len__(self) -> int:
        return len(self.covers)


def patches_of(areas: Iterable[Area], tree: Tree, home_area: str) -> Patches:
    """The patches of a home area: each leaf area with its nearest neighbours.

    Args:
        areas: rows of the reference data.
        tree: the same rows as a tree.
        home_area: the root whose leaves are looked at.
    """
    rows = [area for area in areas if tree.covers(home_area, area.code)]
    inner = {area.parent for area in rows}
    leaves = [area for area in rows if area.code not in inner and area.latitude is not None]
    leaves = sorted((area for area in leaves if area.longitude is not None), key=lambda area: area.code)
    if not SIZES[0] < len(leaves) <= MOST_AREAS:
        return Patches()
    codes = tuple(area.code for area in leaves)
    of_tree = {frozenset(code for code in codes if tree.covers(node, code)) for node in inner}
    found: dict[frozenset[str], None] = {}
    for near in _nearest(leaves):
        for size in SIZES:
            patch = frozenset(codes[i] for i in near[:size])
            if size < len(codes) and patch not in of_tree:
                found.setdefault(patch)
    members = np.array([[code in patch for code in codes] for patch in found], np.float64)
    return Patches(codes, members.reshape(len(found), len(codes)), tuple(_cover(tree, patch) for patch in found))


def _nearest(leaves: list[Area]) -> NDArray[np.int64]:
    """For each area the numbers of all areas, nearest first, itself leading."""
    latitude = np.array([area.latitude for area in leaves], np.float64)
    longitude = np.array([area.longitude for area in leaves], np.float64)
    east = (longitude[:, None] - longitude) * np.cos(np.radians(latitude))[:, None]
    distance = np.round((latitude[:, None] - latitude) ** 2 + east**2, 9)
    np.fill_diagonal(distance, -1.0)
    return np.argsort(distance, axis=1, kind="stable")


def _cover(tree: Tree, patch: Iterable[str]) -> str:
    """The smallest area above all areas of a patch."""
    codes = sorted(patch)
    return next(node for node in tree.path(codes[0]) if all(tree.covers(node, code) for code in codes))
