"""Of which parts a rise is made: areas, and needs, each told on their own; no part of either lies in another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.alert import Driver
from schemas.codes import CONTACTS
from services.detector.domain.alerts import Episode
from services.detector.domain.nodes import Nodes
from services.detector.domain.past_hours import PastHour
from services.detector.domain.scoring import Scoring
from services.detector.domain.tree import Tree

MOST = 8
"""Drivers of an alert; areas leave half of them to needs where as many rise."""
MOSTLY = 0.75
"""A part is told by its own parts when these hold so much of its calls above normal."""

Sums = Mapping[int, tuple[float, float]]
"""(observed, expected) by node."""


@dataclass
class _Branch:
    """Parts of a node in one of the two trees: what lies right below each, and below the node itself."""

    roots: list[int] = field(default_factory=list)
    below: dict[int, list[int]] = field(default_factory=dict)

    @property
    def nodes(self) -> list[int]:
        """All of them."""
        return [*self.roots, *(one for under in self.below.values() for one in under)]


def drivers(episode: Episode, scoring: Scoring, share: float) -> tuple[Driver, ...]:
    """The areas and the needs below an alert's node that rise, the most calls above normal first.

    Areas share no call, nor do needs but for calls with several needs: of each, the finest parts that leave room for
    the others. Sums are since the onset, hours that are no longer kept included.
    """
    areas, needs = _by_area(scoring.nodes, episode.node), _by_need(scoring.nodes, episode.node)
    sums = _sums(episode, scoring, [*areas.nodes, *needs.nodes], share)
    excess = {node: round(observed - expected, 4) for node, (observed, expected) in sums.items()}
    names = scoring.nodes.names

    def rising(nodes: Sequence[int]) -> list[int]:
        return sorted((one for one in nodes if excess[one] > 0.0), key=lambda one: (-excess[one], names[one]))

    def finest(branch: _Branch, places: int) -> list[int]:
        told = rising(branch.roots)[:places]
        for node in told:
            parts = rising(branch.below.get(node, ()))
            enough = parts and sum(excess[one] for one in parts) >= MOSTLY * excess[node]
            if enough and len(told) - 1 + len(parts) <= places:
                return finest(_with_parts(branch, node, told), places)
        return told

    by_area = finest(areas, MOST - min(MOST // 2, len(rising(needs.roots))))
    by_need = finest(needs, MOST - len(by_area))
    return tuple(_driver(names[node], *sums[node]) for node in rising([*by_area, *by_need]))


def carry_parts(episode: Episode, nodes: Nodes, gone: PastHour) -> None:
    """An hour of an alert is no longer kept: what its parts held stays in their sums."""
    for node in (*_by_area(nodes, episode.node).nodes, *_by_need(nodes, episode.node).nodes):
        if node < len(gone.observed):
            observed, expected = episode.carried_parts.get(node, (0.0, 0.0))
            episode.carried_parts[node] = observed + float(gone.observed[node]), expected + float(gone.expected[node])


def _sums(episode: Episode, scoring: Scoring, nodes: Sequence[int], share: float) -> Sums:
    rows: NDArray[np.int64] = np.array(nodes, np.int64)
    kept = zip(*(column.tolist() for column in scoring.totals_many(rows, episode.since, share)), strict=True)
    carried = (episode.carried_parts.get(node, (0.0, 0.0)) for node in nodes)
    return {node: (now[0] + then[0], now[1] + then[1]) for node, now, then in zip(nodes, kept, carried, strict=True)}


def _with_parts(branch: _Branch, node: int, told: Sequence[int]) -> _Branch:
    """The same parts, one of them by its own."""
    roots = [one for one in told if one != node]
    return _Branch([*roots, *branch.below[node]], branch.below)


def _by_area(nodes: Nodes, node: int) -> _Branch:
    need, area = nodes.names[node]
    found = {
        name[1]: number
        for number, name in enumerate(nodes.names)
        if name[0] == need and name[1] != area and nodes.areas.covers(area, name[1])
    }
    return _branch(nodes.areas, found)


def _by_need(nodes: Nodes, node: int) -> _Branch:
    need, area = nodes.names[node]
    here = ((nodes.names[int(one)][0], int(one)) for one in nodes.in_area(area))
    found = {
        name: number
        for name, number in here
        if name not in (need, CONTACTS) and (need == CONTACTS or nodes.needs.covers(need, name))
    }
    return _branch(nodes.needs, found)


def _branch(tree: Tree, found: Mapping[str, int]) -> _Branch:
    """Nodes by code, each below its nearest ancestor among them."""
    branch = _Branch()
    for code, node in found.items():
        above = next((found[one] for one in tree.path(code)[1:] if one in found), None)
        if above is None:
            branch.roots.append(node)
        else:
            branch.below.setdefault(above, []).append(node)
    return branch


def _driver(name: tuple[str, str], observed: float, expected: float) -> Driver:
    need, area = name
    return Driver(need=need, area=area, observed=round(observed), expected=round(expected, 2))
