"""The alert, `alert/1` (contracts.md §3): one version of one alert, as on `alerts.v1` and over HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["surge", "trend", "drop", "silence", "trigger"]
Status = Literal["rising", "easing", "ended"]
Mode = Literal["live", "replay", "exercise"]
Severity = Literal["minor", "moderate", "severe", "extreme"]
Verdict = Literal["fine", "suspect", "unknown"]
PartName = Literal["level", "hour_of_week", "tide", "calendar", "exposure", "level_change"]


class Record(BaseModel):
    """Closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Driver(Record):
    """A part of the rise: one node below the alert's own."""

    need: str
    area: str
    observed: int
    expected: float


class Words(Record):
    """One text in the three languages."""

    en: str
    fr: str
    es: str


class Check(Record):
    """One answer to "is it real?"."""

    name: str
    verdict: Verdict
    detail: str
    """In English."""
    words: Words | None = None
    """The same in the three languages."""


class Part(Record):
    """One step from the level to what was expected."""

    name: PartName
    factor: float
    """Of `level`: calls since started_at at the average rate; of the others: what that is multiplied by."""
    calls: float
    """What this step adds or takes away; the parts sum to `expected`."""


class Onset(Record):
    """When the rise began: nine times in ten between earliest and latest."""

    earliest: datetime
    likely: datetime
    latest: datetime


class Ending(Record):
    """What it would take to end."""

    calls_below: int
    """It eases when fewer calls than this come in `window_hours` hours."""
    window_hours: int
    dwell_hours: float
    """So long must it be easing before it ends."""


class Limits(Record):
    """What the detector could not have told."""

    usual_per_day: float
    smallest_rise_in_an_hour: int | None
    """Calls above usual, in one average hour, that would just have been raised; None while nothing can be raised."""
    smallest_rise_in_a_day: int | None


class Because(Record):
    """Why it was raised, in numbers that add up, each line with its words."""

    hours: float
    """Length of the time since started_at."""
    per_hour: float
    """Level: usual calls in an average hour."""
    parts: tuple[Part, ...]
    expected_words: Words
    onset: Onset
    onset_words: Words
    ends: Ending | None = None
    """None once it has ended."""
    ends_words: Words | None = None
    limits: Limits
    limits_words: Words


class DeclaredEvent(Record):
    """An event that a coordinator declared and that the alert falls into."""

    id: str
    name: str


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
    because: Because | None = None
    declared_event: DeclaredEvent | None = None
    detector: Detector
