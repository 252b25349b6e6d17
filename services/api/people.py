"""Who works here: the holders of keys that can act."""

from typing import Any

from services.api.rules import allows
from services.api.scope import scope_of
from services.api.services import Services
from services.runtime.access import Identity


def actors(services: Services, who: Identity) -> list[Identity]:
    """People who can act and share some of this person's scope, one of each name."""
    found: dict[str, Identity] = {}
    for one in services.guard.keys.list():
        if not allows("acknowledge", one.role) or _is_over(services, one):
            continue
        if who.home_area is None or one.home_area in (None, who.home_area):
            found[one.name] = one
    return sorted(found.values(), key=lambda one: one.name.casefold())


def may_act_on(services: Services, name: str, row: Any) -> bool:
    """Whether somebody of this name may act on an alert."""
    space = services.current_space()
    return any(
        one.name == name
        and allows("acknowledge", one.role)
        and not _is_over(services, one)
        and scope_of(one, space.book if space else None).sees(row.home_area, row.need)
        for one in services.guard.keys.list()
    )


def _is_over(services: Services, one: Identity) -> bool:
    return one.expires_at is not None and one.expires_at <= services.clock.now_ms()
