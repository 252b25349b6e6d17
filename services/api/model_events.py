"""What the API answers about declared events."""

from typing import Literal

from pydantic import AwareDatetime

from schemas.alert import Words
from services.api.model import Answer, Next


class PeriodAnswer(Answer):
    """An operational period."""

    name: str
    start: AwareDatetime
    end: AwareDatetime


class DeclaredEvent(Answer):
    """Something that a coordinator knows is going on."""

    id: str
    version: int
    name: str
    hazard: str
    areas: tuple[str, ...]
    needs: tuple[str, ...]
    """Empty: all."""
    start: AwareDatetime
    end: AwareDatetime | None
    periods: tuple[PeriodAnswer, ...]
    by: str
    declared_at: AwareDatetime
    updated_at: AwareDatetime
    state: Literal["planned", "running", "over", "withdrawn"]
    alerts: tuple[str, ...]
    """Ids, earliest first."""


class DeclaredEventList(Answer):
    """The latest first."""

    items: tuple[DeclaredEvent, ...]
    next: Next = None


class BoardRow(Answer):
    """One need."""

    need: str
    """`contacts`: all calls."""
    need_name: Words | None
    observed: int
    expected: float
    ratio: float | None
    previous_observed: int | None
    previous_expected: float | None
    unmet_share: float | None
    """Null as long as the detector does not tell outcomes."""
    wait_seconds: float | None


class BoardLifeline(Answer):
    """Needs of one lifeline together."""

    lifeline: str
    observed: int
    expected: float
    ratio: float | None


class BoardArea(Answer):
    """All contacts of one area."""

    area: str
    area_name: str
    observed: int
    expected: float
    ratio: float | None


class Board(Answer):
    """An event's needs against what is normal and against the period before."""

    event: DeclaredEvent
    period: PeriodAnswer
    previous: PeriodAnswer | None
    rows: tuple[BoardRow, ...]
    lifelines: tuple[BoardLifeline, ...]
    areas: tuple[BoardArea, ...]
