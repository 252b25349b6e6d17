"""What the API asks the two trees: is there such a code, what lies below it, which zone does it live in."""

from collections.abc import Iterable
from functools import cached_property

from schemas.codes import CONTACTS, UNMAPPED, unmapped_area
from schemas.reference import Area, Need, Reference


class Codebook:
    """Look-ups in one body of reference data.

    >>> book = Codebook(Reference(areas=(Area("tx", "", "Texas"), Area("tx-1", "tx", "North")), needs=()))
    >>> sorted(book.areas_below("tx")), book.has_need("contacts"), book.has_area("tx:unmapped"), book.has_area("no")
    (['tx', 'tx-1', 'tx:unmapped'], True, True, False)
    """

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def has_need(self, code: str) -> bool:
        """Whether calls may stand under this need, the two pseudo-needs included."""
        return code in (CONTACTS, UNMAPPED) or code in self.reference.need_by_code

    def has_area(self, code: str) -> bool:
        """Whether calls may stand under this area, `HOME:unmapped` included."""
        return self.reference.home_area(code) is not None

    def home_area(self, area: str) -> str | None:
        """Root above an area; None when the tree lacks it."""
        return self.reference.home_area(area)

    def zone(self, home_area: str) -> str:
        """Name of the zone that makes a home area's buckets."""
        area = self.reference.area_by_code.get(home_area)
        return area.timezone if area else "UTC"

    def needs_below(self, code: str) -> frozenset[str]:
        """A need and all below it; just itself when the tree lacks it."""
        return _below(code, self._need_children)

    def areas_below(self, code: str) -> frozenset[str]:
        """An area and all below it; a home area includes its calls without a place."""
        below = _below(code, self._area_children)
        return below | {unmapped_area(code)} if code in self.reference.home_areas else below

    def group(self, need: str | None) -> str | None:
        """The need at level 2 (the root is level 1) above a need: what makes alerts one incident.

        A root is its own group; the pseudo-needs and codes that the tree lacks have none.
        """
        path: list[str] = []
        code = need or ""
        while code and (node := self.reference.need_by_code.get(code)):
            path.append(code)
            code = node.parent
        return path[-2] if len(path) > 1 else path[0] if path else None

    def need_name(self, code: str | None) -> dict[str, str] | None:
        """In three languages; None for what the tree lacks."""
        need = self.reference.need_by_code.get(code or "")
        return {"en": need.name_en, "fr": need.name_fr, "es": need.name_es} if need else None

    def area_name(self, code: str) -> str:
        """Its name, or the code itself for what the tree lacks."""
        area = self.reference.area_by_code.get(code)
        return area.name if area else code

    def topmost(self, areas: Iterable[str]) -> tuple[str, ...]:
        """The areas without those that lie below another of them, so that no call counts twice.

        >>> book = Codebook(Reference(areas=(Area("tx", "", "Texas"), Area("tx-1", "tx", "North")), needs=()))
        >>> book.topmost(["tx-1", "tx"])
        ('tx',)
        """
        wanted = sorted(set(areas))
        return tuple(one for one in wanted if not any(one != up and one in self.areas_below(up) for up in wanted))

    @cached_property
    def groups(self) -> frozenset[str]:
        """All needs at level 2, and the roots that have nothing below them."""
        roots = {need.code for need in self.reference.needs if not need.parent}
        second = {need.code for need in self.reference.needs if need.parent in roots}
        return frozenset(second | {root for root in roots if not self._need_children.get(root)})

    @cached_property
    def _need_children(self) -> dict[str, list[str]]:
        return _children(self.reference.needs)

    @cached_property
    def _area_children(self) -> dict[str, list[str]]:
        return _children(self.reference.areas)


def _children(nodes: tuple[Need, ...] | tuple[Area, ...]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for node in nodes:
        children.setdefault(node.parent, []).append(node.code)
    return children


def _below(code: str, children: dict[str, list[str]]) -> frozenset[str]:
    found, waiting = {code}, [code]
    while waiting:
        below = children.get(waiting.pop(), ())
        found.update(below)
        waiting.extend(below)
    return frozenset(found)
