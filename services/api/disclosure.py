"""What may leave the system (`/metrics`, external routes): no cell under a floor, and none that can be computed."""

from collections.abc import Mapping

FLOOR = 5
"""Calls; a cell with fewer could be somebody."""


def disclosable(total: int, cells: Mapping[str, int], floor: int = FLOOR) -> frozenset[str]:
    """The cells that may be shown beside their total.

    A small cell is left out. When the total less what is shown would still be a small number, the smallest cell that
    is shown goes with it (the complementary cell).

    Args:
        total: calls of all cells together; with several needs a call the cells may add up to more.
        cells: calls by name.

    >>> sorted(disclosable(40, {"a": 30, "b": 4})), sorted(disclosable(63, {"a": 30, "b": 29, "c": 4}))
    (['a'], ['a'])
    """
    shown = sorted((name for name, calls in cells.items() if calls >= floor), key=lambda name: (-cells[name], name))
    is_hidden = any(0 < calls < floor for calls in cells.values())
    while is_hidden and shown and 0 <= total - sum(cells[name] for name in shown) < floor:
        shown.pop()
    return frozenset(shown)
