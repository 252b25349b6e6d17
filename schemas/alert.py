"""The alert, `alert/1` (contracts.md §3): one version of one alert, as on `alerts.v1` and over HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["surge", "trend", "drop", "silence", "trigger"]
Status = Literal["rising", "easing", "ended"]
Mode = Literal["live", "replay", "exercise"]
Severity = Literal["minor", "moderate", "severe", "extreme"]
Verdict = Literal["fine", "suspect", "unknown"]


class Record(BaseModel):
    """Closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Driver(Record):
    """A part of the rise: one node below the alert's own."""

    need: str
    area: str
    observed: int
    expected: float


class Check(Record):
    """One answer to "is it real?"."""

    name: str
    verdict: Verdict
    detail: str


class Words(Record):
    """One text in the three languages."""

    en: str
    fr: str
    es: str


class Detector(Record):
    """Who computed it."""

    name: str
    version: str


class Alert(Record):
    """One version of an alert; a higher version of the same id replaces it."""

    id: str
    version: Annotated[int, Field(ge=1)]
    kind: Kind
    status: Status
    mode: Mode
    home_area: str
    need: str | None = None
    need_name: Words | None = None
    area: str
    area_name: str
    source: str | None = None
    """Only for a silent feed, which has no need."""
    started_at: datetime
    """Estimated onset."""
    raised_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    observed: int
    """Calls since started_at."""
    expected: float
    ratio: float | None
    band_low: float
    band_high: float
    score: float
    """Nats."""
    recurrence_days: float
    """How often chance alone brings this to this node."""
    recurrence_days_home_area: float
    """… to any node that is watched in the home area."""
    budget_needed: float
    """Chance alerts a week per home area at which this would just be raised."""
    severity: Severity
    drivers: tuple[Driver, ...] = ()
    checks: tuple[Check, ...] = ()
    headline: Words
    explanation: Words
    detector: Detector
