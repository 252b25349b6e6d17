"""What the routes need, handed in: nothing here is a global."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

from services.api.acting import Actions
from services.api.codebook import Codebook
from services.api.database import Database
from services.api.fold_alerts import milliseconds
from services.api.guard import Guard
from services.api.hub import Hub
from services.api.problems import Problem
from services.api.scope import Scope, scope_of
from services.api.space import Space
from services.api.tiles import Tiles
from services.api.view import Views
from services.runtime.access import Identity
from services.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one API."""

    database: Database
    guard: Guard
    hub: Hub
    views: Views
    actions: Actions
    clock: Clock
    mode: str
    current_space: Callable[[], Space | None]
    version: str
    build: str
    """Changes with the page, so that an old one knows that it is old."""
    tiles: Tiles | None = None

    def scope(self, who: Identity) -> Scope:
        """What this person may see; raises Problem 503 when that cannot be told yet."""
        return scope_of(who, self.book() if who.needs else None)

    def book(self) -> Codebook:
        """The trees; raises Problem 503 as long as the space has not been set up."""
        space = self.current_space()
        if space is None:
            raise Problem(
                503,
                "the space has no configuration yet: start ingest with GROUNDSWELL_REFERENCE set",
                {"Retry-After": "2"},
            )
        return space.book


def _plus(value: object) -> object:
    """In an address `+` means a space: `…T00:00:00+02:00` arrives with one."""
    return value.replace(" ", "+") if isinstance(value, str) and "T" in value else value


Time = Annotated[AwareDatetime, BeforeValidator(_plus)]
"""RFC 3339 with an offset."""


def in_ms(time: datetime) -> int:
    """Unix milliseconds of a time somebody asked for; raises Problem when it is no time of this world."""
    try:
        value = milliseconds(time.astimezone(UTC))
    except (OverflowError, ValueError):
        value = -1
    if not 0 <= value < 4_102_444_800_000:
        raise Problem(422, "a time must lie between 1970 and 2100")
    return value
