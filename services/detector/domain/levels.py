"""Which of several nodes that show the same change is told of: the smallest one that holds most of it."""

from collections.abc import Mapping

from schemas.codes import CONTACTS
from services.detector.domain.nodes import Nodes

MOSTLY = 0.75
"""A part is told of when it holds this share of what the whole shows."""


def covers(nodes: Nodes, upper: int, lower: int) -> bool:
    """Whether a node holds every call of another; all contacts of an area hold every need there."""
    (need, area), (low_need, low_area) = nodes.names[upper], nodes.names[lower]
    return nodes.areas.covers(area, low_area) and (need == CONTACTS or nodes.needs.covers(need, low_need))


def related(nodes: Nodes, one: int, other: int) -> bool:
    """Whether two nodes can speak of the same change: both trees comparable, contacts with every need."""
    (need, area), (other_need, other_area) = nodes.names[one], nodes.names[other]
    if not (nodes.areas.covers(area, other_area) or nodes.areas.covers(other_area, area)):
        return False
    return (
        CONTACTS in (need, other_need) or nodes.needs.covers(need, other_need) or nodes.needs.covers(other_need, need)
    )


def to_tell(nodes: Nodes, amounts: Mapping[int, float]) -> list[int]:
    """Nodes to tell of, no two of them related, from the calls (above or below usual) that each shows."""
    left = sorted(amounts, key=lambda node: (-round(amounts[node], 4), nodes.names[node]))
    told: list[int] = []
    while left:
        whole = left[0]
        parts = [node for node in left if covers(nodes, whole, node) and amounts[node] >= MOSTLY * amounts[whole]]
        best = min(parts, key=nodes.narrowest_first)
        told.append(best)
        left = [node for node in left if not related(nodes, node, best) and not related(nodes, node, whole)]
    return told
