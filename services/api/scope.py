"""What of an installation somebody may see: home area, branch of needs, sources."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_

from schemas.codes import CONTACTS
from services.api.codebook import Codebook
from services.api.tables import alerts
from services.runtime.access import Identity


@dataclass(frozen=True, slots=True)
class Scope:
    """None: no limit.

    >>> scope = Scope("metro", frozenset({"BH"}))
    >>> scope.sees("metro", "BH"), scope.sees("metro", "BV"), scope.sees("coast", "BH"), scope.sees("metro", None)
    (True, False, False, True)
    """

    home_area: str | None = None
    needs: frozenset[str] | None = None
    """The branches with all below them."""
    sources: frozenset[str] | None = None

    def sees_home(self, home_area: str | None) -> bool:
        """Whether a home area is within it."""
        return self.home_area in (None, home_area)

    def sees_need(self, need: str | None) -> bool:
        """Whether a need is; the number of all contacts tells of none, and a silent feed has none."""
        return self.needs is None or need is None or need == CONTACTS or need in self.needs

    def sees_source(self, source: str | None) -> bool:
        """Whether a feed is."""
        return self.sources is None or source is None or source in self.sources

    def sees(self, home_area: str, need: str | None, source: str | None = None) -> bool:
        """Whether an alert is."""
        return self.sees_home(home_area) and self.sees_need(need) and self.sees_source(source)

    def among(self, query: Any) -> Any:
        """The same query of `alerts`, within the scope as far as SQL knows it (a silent feed's name is in the body)."""
        if self.home_area is not None:
            query = query.where(alerts.c.home_area == self.home_area)
        if self.needs is not None:
            query = query.where(or_(alerts.c.need.is_(None), alerts.c.need.in_(sorted(self.needs | {CONTACTS}))))
        return query


ALL = Scope()


def scope_of(who: Identity, book: Codebook | None) -> Scope:
    """The scope of a person; a branch that the tree lacks contains itself alone."""
    needs: frozenset[str] | None = None
    if who.needs:
        needs = frozenset().union(*(book.needs_below(code) if book else {code} for code in who.needs))
    return Scope(who.home_area, needs, frozenset(who.sources) if who.sources else None)
