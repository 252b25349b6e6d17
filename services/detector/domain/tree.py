"""A tree of codes: paths, lowest common ancestors, preorder, and the nearest known ancestor of an unknown code."""

import itertools
import re
from collections.abc import Iterable, Sequence

_PARTS = re.compile(r"[.:-][^.:-]*$")


class Tree:
    """Codes with their parents; the parents of a forest are roots (parent '').

    >>> needs = Tree([("BD", ""), ("BD-1800", "BD"), ("BD-1800.2000", "BD-1800"), ("BD-5000", "BD")])
    >>> needs.path("BD-1800.2000")
    ('BD-1800.2000', 'BD-1800', 'BD')
    >>> needs.common("BD-1800.2000", "BD-5000"), needs.known("BD-1800.9999-10"), needs.known("ZZ")
    ('BD', 'BD-1800', None)
    """

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        """Rows are (code, parent), parents first."""
        self._paths: dict[str, tuple[str, ...]] = {}
        children: dict[str, list[str]] = {}
        for code, parent in rows:
            self._paths[code] = (code, *self._paths.get(parent, ()))
            children.setdefault(parent, []).append(code)
        self._order: dict[str, int] = {}
        stack = list(reversed(children.get("", [])))
        while stack:
            code = stack.pop()
            self._order[code] = len(self._order)
            stack.extend(reversed(children.get(code, ())))

    def __contains__(self, code: object) -> bool:
        return code in self._paths

    def path(self, code: str) -> tuple[str, ...]:
        """The code and its ancestors, nearest first; a code the tree lacks is its own path."""
        return self._paths.get(code, (code,))

    def common(self, one: str, other: str) -> str | None:
        """The deepest node above both (a node is above itself); None when only the whole forest is."""
        above = self.path(other)
        return next((code for code in self.path(one) if code in above), None)

    def covers(self, upper: str, lower: str) -> bool:
        """Whether `upper` is `lower` or above it."""
        return upper in self.path(lower)

    def known(self, code: str) -> str | None:
        """The code, or the nearest ancestor by its own spelling that the tree has, or None.

        A 211 code is its own path: parts go from the right, then the second letter of the branch.
        """
        while code not in self._paths:
            shorter = _PARTS.sub("", code, count=1)
            if shorter == code:
                return code[:1] if len(code) == 2 and code[:1] in self._paths else None
            code = shorter
        return code

    def in_preorder(self, codes: Iterable[str]) -> list[str]:
        """Codes sorted as a walk through the tree meets them; codes the tree lacks come last, by name."""
        return sorted(codes, key=lambda code: (self._order.get(code, len(self._order)), code))

    def distinct_bookings(self, codes: Sequence[str]) -> list[tuple[str, int]]:
        """What one call with these needs books so that each subtree's sum counts it once.

        +1 at each distinct need, -1 at the lowest common ancestor of neighbours in preorder.

        >>> needs = Tree([("B", ""), ("B1", "B"), ("B2", "B")])
        >>> needs.distinct_bookings(["B2", "B1", "B2"])
        [('B1', 1), ('B2', 1), ('B', -1)]
        """
        ordered = self.in_preorder(set(codes))
        shared = (self.common(one, other) for one, other in itertools.pairwise(ordered))
        return [(code, 1) for code in ordered] + [(code, -1) for code in shared if code is not None]
