"""What need and area suggest for a node before it has calls of its own: the middle of its level's prior."""

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.nodes import Nodes

Floats = NDArray[np.float64]


def usual_rates(nodes: Nodes, level: Floats, contacts: int) -> Floats:
    """Calls an hour by node: the need's rate in the home area, times the area's share of all contacts there.

    In the home area itself a need is as usual as the need above it, shared among that need's children that have
    occurred; the roots share all contacts.

    Args:
        nodes: all nodes of the home area.
        level: calls an hour that each node has shown.
        contacts: node of all contacts of the home area.
    """
    home = nodes.names[contacts][1]
    rows = nodes.in_area(home)
    of_need = np.zeros(len(nodes.need_names))
    of_need[nodes.need_of[rows]] = level[rows]
    share = level[nodes.contacts_of()] / max(float(level[contacts]), 1e-9)
    rates: Floats = of_need[nodes.need_of] * share
    above = np.array([_above(nodes, int(row), contacts) for row in rows], np.int64)
    siblings = np.bincount(above, minlength=len(nodes))
    rates[rows] = level[above] / siblings[above]
    return rates


def _above(nodes: Nodes, row: int, contacts: int) -> int:
    need, home = nodes.names[row]
    parent = nodes.needs.path(need)[1:2]
    found = nodes.find(parent[0], home) if parent else contacts
    return contacts if found is None else found
