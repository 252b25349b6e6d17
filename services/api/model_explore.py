"""What the API answers when somebody explores."""

from typing import Literal

from pydantic import AwareDatetime

from schemas.alert import Kind, Severity, Status, Words
from schemas.controls import Label
from services.api.model import Answer, Next, Series


class SeriesList(Answer):
    """Several series over the same time."""

    items: tuple[Series, ...]
    next: Next = None


class MoverAnswer(Answer):
    """A need in an area over some days."""

    need: str
    need_name: Words | None
    area: str
    area_name: str
    observed: int
    expected: float
    ratio: float | None
    value: float
    """Log of how many times the usual, shrunk by its uncertainty."""


class Movers(Answer):
    """What rose and fell most surely."""

    since: AwareDatetime
    until: AwareDatetime
    risers: tuple[MoverAnswer, ...]
    fallers: tuple[MoverAnswer, ...]


class PastAlert(Answer):
    """An alert of before."""

    id: str
    need: str | None
    need_name: Words | None
    area: str
    area_name: str
    kind: Kind
    status: Status
    raised_at: AwareDatetime
    ended_at: AwareDatetime | None
    severity: Severity
    observed: int
    expected: float
    label: Label | None
    why: Literal["same_node", "same_need", "same_area", "same_group"]


class PastAlertList(Answer):
    """The most alike first, then the newest."""

    items: tuple[PastAlert, ...]
    next: Next = None


class HomeQuality(Answer):
    """What people said of a home area's alerts."""

    home_area: str
    alerts: int
    labelled: int
    labels: dict[str, int]
    precision: float | None
    """Real surges among those called real or false."""
    precision_low: float | None
    precision_high: float | None
    """Nine times in ten it lies between the two."""
    lead_minutes_median: float | None
    """From the estimated onset of real surges to the alert."""
    acknowledge_minutes_median: float | None
    """From the alert to somebody's acknowledging it."""


class Quality(Answer):
    """Running precision and lead time."""

    since: AwareDatetime
    home_areas: tuple[HomeQuality, ...]
