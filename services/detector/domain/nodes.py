"""The series of one home area: leaves that calls named, and the nodes (need x area) above them."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.codes import CONTACTS
from services.detector.domain.tree import Tree

Pair = tuple[str, str]
"""(need, area)."""


class Nodes:
    """Leaves and nodes get a number when they first occur; numbers never change, codes stay the truth.

    A leaf is a pair that calls named, at whatever level; its nodes are all pairs of an ancestor-or-self need
    and an ancestor-or-self area.
    """

    def __init__(self, needs: Tree, areas: Tree) -> None:
        self.needs, self.areas = needs, areas
        self.leaves: list[Pair] = []
        self.names: list[Pair] = []
        self.need_names: list[str] = []
        self._leaf: dict[Pair, int] = {}
        self._node: dict[Pair, int] = {}
        self._need: dict[str, int] = {}
        self._above: list[NDArray[np.int64]] = []
        self._need_of: list[int] = []
        self._by_area: dict[str, list[int]] = {}
        self._need_array = np.zeros(0, np.int64)
        self._leaf_needs = np.zeros(0, bool)

    @classmethod
    def restored(cls, needs: Tree, areas: Tree, leaves: Sequence[Pair], names: Sequence[Pair]) -> "Nodes":
        """The same numbers again, whatever trees are in force now."""
        nodes = cls(needs, areas)
        for name in names:
            nodes._number(name)
        for need, area in leaves:
            nodes.leaf(need, area)
        return nodes

    def __len__(self) -> int:
        return len(self.names)

    def leaf(self, need: str, area: str) -> int:
        """Number of a leaf, new if need be."""
        found = self._leaf.get((need, area))
        if found is None:
            found = self._leaf[need, area] = len(self.leaves)
            self.leaves.append((need, area))
            above = [self._number((n, a)) for n in self.needs.path(need) for a in self.areas.path(area)]
            self._above.append(np.array(above, np.int64))
        return found

    def above(self, leaf: int) -> NDArray[np.int64]:
        """Nodes that a leaf counts in, itself among them."""
        return self._above[leaf]

    def find(self, need: str, area: str) -> int | None:
        """Number of a node that has occurred."""
        return self._node.get((need, area))

    @property
    def need_of(self) -> NDArray[np.int64]:
        """Number of each node's need, by which it finds its profile."""
        if len(self._need_array) != len(self._need_of):
            self._need_array = np.array(self._need_of, np.int64)
        return self._need_array

    def related(self, one: int, other: int) -> bool:
        """Whether two nodes can speak of the same rise: comparable in both trees."""
        (need, area), (other_need, other_area) = self.names[one], self.names[other]
        return self._comparable(self.needs, need, other_need) and self._comparable(self.areas, area, other_area)

    def overlap(self, one: int, other: int) -> bool:
        """Whether two nodes may hold the same call: related, or one is all contacts of a comparable area."""
        (need, area), (other_need, other_area) = self.names[one], self.names[other]
        return self._same_need(need, other_need) and self._comparable(self.areas, area, other_area)

    def covers(self, upper: int, lower: int) -> bool:
        """Whether a node holds every call of another; all contacts of an area hold every need there."""
        (need, area), (low_need, low_area) = self.names[upper], self.names[lower]
        return (need == CONTACTS or self.needs.covers(need, low_need)) and self.areas.covers(area, low_area)

    def joint(self, one: int, other: int) -> int:
        """The smallest node that covers two related ones."""
        (need, area), (other_need, other_area) = self.names[one], self.names[other]
        wider_need = need if self.needs.covers(need, other_need) else other_need
        wider_area = area if self.areas.covers(area, other_area) else other_area
        return self._node[wider_need, wider_area]

    def meet(self, one: int, other: int) -> int | None:
        """The node of the calls that two nodes share; None when they share none."""
        (need, area), (other_need, other_area) = self.names[one], self.names[other]
        if not self.overlap(one, other):
            return None
        lower_need = other_need if need == CONTACTS or self.needs.covers(need, other_need) else need
        lower_area = other_area if self.areas.covers(area, other_area) else area
        return self._node.get((lower_need, lower_area))

    def above_both(self, one: int, other: int) -> int | None:
        """The smallest node that holds two nodes which agree in need or in area, one of them being wider or not.

        None when they agree in neither, or when only the whole forest is above both.
        """
        (need, area), (other_need, other_area) = self.names[one], self.names[other]
        if not self._same_need(need, other_need) and not self._comparable(self.areas, area, other_area):
            return None
        all_needs = CONTACTS in (need, other_need)
        wider_need = CONTACTS if all_needs else self.needs.common(need, other_need)
        wider_area = self.areas.common(area, other_area)
        return None if wider_need is None or wider_area is None else self._node.get((wider_need, wider_area))

    def above_all(self, parts: Sequence[int]) -> int | None:
        """The smallest node above several, of which each agrees with those before it in need or in area."""
        joint: int | None = parts[0]
        for part in parts[1:]:
            joint = None if joint is None else self.above_both(joint, part)
        return joint

    def contacts_above(self, parts: Sequence[int]) -> int | None:
        """All contacts of the smallest area above several nodes."""
        areas = [self.names[part][1] for part in parts]
        path = self.areas.path(areas[0])
        area = next((one for one in path if all(self.areas.covers(one, other) for other in areas)), None)
        return None if area is None else self._node.get((CONTACTS, area))

    def towards(self, one: int, other: int) -> int | None:
        """The part of a node in the narrower need and the narrower area of the two, where these are comparable."""
        (need, area), (other_need, other_area) = self.names[one], self.names[other]
        lower_need = other_need if self.needs.covers(need, other_need) else need
        lower_area = other_area if self.areas.covers(area, other_area) else area
        return self._node.get((lower_need, lower_area))

    def below(self, node: int) -> list[int]:
        """Nodes that a node covers, without itself."""
        return [other for other in range(len(self)) if other != node and self.covers(node, other)]

    def narrowest_first(self, node: int) -> tuple[int, Pair]:
        """Sort key among nodes that explain a rise equally well: the smallest one, then by name."""
        need, area = self.names[node]
        return -len(self.needs.path(need)) - len(self.areas.path(area)), self.names[node]

    def in_area(self, area: str) -> NDArray[np.int64]:
        """Numbers of the nodes of exactly this area."""
        return np.array(self._by_area.get(area, ()), np.int64)

    def contacts_of(self) -> NDArray[np.int64]:
        """For each node that of all contacts of its area, or itself where nobody counted them."""
        found = (self._node.get((CONTACTS, area), number) for number, (_, area) in enumerate(self.names))
        return np.fromiter(found, np.int64, len(self.names))

    def leaf_needs(self) -> NDArray[np.bool_]:
        """By number of need: whether no other one that has occurred lies below it; contacts are none."""
        if len(self._leaf_needs) != len(self.need_names):
            inner = {above for need in self.need_names for above in self.needs.path(need) if above != need}
            self._leaf_needs = np.array([name not in inner and name != CONTACTS for name in self.need_names], bool)
        return self._leaf_needs

    def raisable(self, nodes: Iterable[int]) -> list[int]:
        """Nodes that may carry a surge alert: all but the pseudo-need of contacts."""
        return [node for node in nodes if self.names[node][0] != CONTACTS]

    def _number(self, name: Pair) -> int:
        found = self._node.get(name)
        if found is None:
            found = self._node[name] = len(self.names)
            self.names.append(name)
            self._by_area.setdefault(name[1], []).append(found)
            need = self._need.setdefault(name[0], len(self._need))
            if need == len(self.need_names):
                self.need_names.append(name[0])
            self._need_of.append(need)
        return found

    def _same_need(self, need: str, other: str) -> bool:
        return CONTACTS in (need, other) or self._comparable(self.needs, need, other)

    @staticmethod
    def _comparable(tree: Tree, one: str, other: str) -> bool:
        return tree.covers(one, other) or tree.covers(other, one)
