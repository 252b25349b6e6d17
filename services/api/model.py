"""What the API answers, with examples for OpenAPI."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.alert import Alert, Severity, Status, Words
from schemas.controls import Label

ALERT_EXAMPLE: dict[str, Any] = {
    "id": "a_5f0c2b7d91e3",
    "version": 3,
    "kind": "surge",
    "status": "rising",
    "mode": "live",
    "home_area": "metro",
    "need": "BV-8900.9300",
    "need_name": {"en": "Cooling centers", "fr": "Centres de rafraîchissement", "es": "Centros de enfriamiento"},
    "area": "metro-east",
    "area_name": "East side",
    "source": None,
    "started_at": "2026-07-02T14:00:00Z",
    "raised_at": "2026-07-02T15:12:30Z",
    "updated_at": "2026-07-02T15:40:00Z",
    "ended_at": None,
    "ended_by": None,
    "observed": 84,
    "expected": 31.2,
    "ratio": 2.69,
    "band_low": 21.0,
    "band_high": 43.0,
    "score": 14.8,
    "recurrence_days": 910.0,
    "recurrence_days_home_area": 210.0,
    "budget_needed": 0.03,
    "severity": "moderate",
    "drivers": [{"need": "BV-8900.9300", "area": "02128", "observed": 40, "expected": 9.5}],
    "checks": [{"name": "sources", "verdict": "fine", "detail": "All feeds are live."}],
    "headline": {
        "en": "Rising: cooling centers, East side",
        "fr": "En hausse : centres de rafraîchissement, East side",
        "es": "En aumento: centros de enfriamiento, East side",
    },
    "explanation": {
        "en": "84 calls since 14:00 where 31 are usual.",
        "fr": "84 appels depuis 14 h, contre 31 habituellement.",
        "es": "84 llamadas desde las 14:00; lo habitual son 31.",
    },
    "detector": {"name": "groundswell", "version": "1"},
    "human_version": 0,
    "acknowledged": None,
    "assigned_to": None,
    "label": None,
    "labelled": None,
    "notes": [],
    "end_requested": None,
    "silenced_until": None,
    "silenced_by": [],
    "events": [],
}


class Answer(BaseModel):
    """Closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Acknowledged(Answer):
    """Who took note, and when."""

    by: str
    at: AwareDatetime


class Labelled(Acknowledged):
    """Who said what it was."""

    comment: str | None = None


class EndRequested(Acknowledged):
    """Who has ended it, and why."""

    reason: str | None = None


class NoteAnswer(Acknowledged):
    """What somebody found out."""

    id: int
    text: str


class AlertAnswer(Alert):
    """An alert with what people said about it."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [ALERT_EXAMPLE]})

    human_version: int = 0
    acknowledged: Acknowledged | None = None
    assigned_to: str | None = None
    label: Label | None = None
    labelled: Labelled | None = None
    notes: tuple[NoteAnswer, ...] = ()
    """Oldest first, without those that were taken back."""
    end_requested: EndRequested | None = None
    """A person has ended it; the detector follows."""
    silenced_until: AwareDatetime | None = None
    """End of the last silence in force that hides it."""
    silenced_by: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    """Declared events that it joins."""


Next = Annotated[str | None, Field(description="Cursor of the next page, or null on the last", examples=[None])]


class AlertList(Answer):
    """One page of alerts, newest first."""

    items: tuple[AlertAnswer, ...]
    next: Next = None


class Action(Answer):
    """One action of a coordinator."""

    id: int
    type: str
    at: AwareDatetime
    by: str
    human_version: int
    body: dict[str, Any]
    taken_back: bool = False
    """A note whose text is gone."""


class History(Answer):
    """Every version of an alert and every action on it, oldest first."""

    versions: tuple[Alert, ...]
    actions: tuple[Action, ...]


class IncidentCounts(Answer):
    """How many of its alerts."""

    open: int
    acknowledged: int
    silenced: int


class Incident(Answer):
    """Alerts that belong together; the id is the earliest alert's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "a_5f0c2b7d91e3",
                    "status": "rising",
                    "severity": "severe",
                    "raised_at": "2026-07-02T15:12:30Z",
                    "updated_at": "2026-07-02T16:05:00Z",
                    "home_areas": ["metro"],
                    "needs": ["BV-8900.9300", "BH-1800"],
                    "alerts": ["a_5f0c2b7d91e3", "a_91bb02c4e7aa"],
                    "first": "a_91bb02c4e7aa",
                    "events": [],
                    "counts": {"open": 2, "acknowledged": 1, "silenced": 0},
                }
            ]
        }
    )

    id: str
    status: Status
    """rising if any alert rises, else easing if any eases, else ended."""
    severity: Severity
    """The highest of its alerts."""
    raised_at: AwareDatetime
    updated_at: AwareDatetime
    home_areas: tuple[str, ...]
    needs: tuple[str, ...]
    alerts: tuple[str, ...]
    """Ids, earliest first."""
    first: str
    """Whose rise began first: often nearest to the cause."""
    events: tuple[str, ...]
    """Declared events that its alerts join."""
    counts: IncidentCounts


class Load(Answer):
    """What came in the last ten minutes."""

    alerts_10_min: int
    incidents_10_min: int


class IncidentList(Answer):
    """One page of incidents, newest first."""

    items: tuple[Incident, ...]
    next: Next = None
    load: Load


class Silence(Answer):
    """Alerts that are hidden for a time."""

    id: str
    scope: Literal["alert", "need", "area", "line", "custom"]
    alert_id: str | None
    home_area: str | None
    need: str | None
    area: str | None
    line: str | None
    until: AwareDatetime
    reason: str
    by: str
    created_at: AwareDatetime
    ended_at: AwareDatetime | None
    ended_by: str | None
    state: Literal["active", "expired"]
    hides_open: int


class SilencePreview(Answer):
    """What a silence would hide."""

    hides_open: int
    hides_week: int
    alerts: tuple[str, ...]
    """Open ones, at most fifty."""


class SilenceList(Answer):
    """Silences, newest first."""

    items: tuple[Silence, ...]
    next: Next = None


class Point(Answer):
    """One bucket. An hour in which the node had no call and no alert says 0 observed; its expectation is not known."""

    start: AwareDatetime
    observed: int
    expected: float | None
    band_low: float | None
    band_high: float | None
    open: bool
    """The bucket is still running; its expectation speaks of the part that has passed."""
    known: bool = True
    """False: no data came from the home area for hours on end; 0 observed is then not known to be no call."""


class FeedSilence(Answer):
    """A feed of the home area that sent nothing: what it would have told of is missing from the counts."""

    source: str
    start: AwareDatetime
    """Its last call before."""
    end: AwareDatetime | None
    """Null: silent still."""


class Series(Answer):
    """Observed against expected for one need in one area."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "need": "BH-1800",
                    "area": "metro",
                    "home_area": "metro",
                    "timezone": "America/Chicago",
                    "bucket": "hour",
                    "points": [
                        {
                            "start": "2026-07-02T15:00:00Z",
                            "observed": 42,
                            "expected": 15.1,
                            "band_low": 9.0,
                            "band_high": 22.0,
                            "open": False,
                        }
                    ],
                }
            ]
        }
    )

    need: str
    area: str
    home_area: str
    timezone: str
    bucket: Literal["hour", "day"]
    points: tuple[Point, ...]
    silences: tuple[FeedSilence, ...] = ()
    """Feeds of the home area that were silent at some time of the span, the earliest first."""


class AreaState(Answer):
    """One area over the last hours."""

    observed: int
    expected: float
    kappa: float | None
    """Dispersion of the series; null: not known here (0.06 is a fair guess)."""
    state: Literal["live", "stale", "silent", "warming"]


class NeedAnswer(Answer):
    """One row of the tree of needs."""

    code: str
    parent: str | None
    name: Words
    line: str
    lifeline: str | None
    category: str | None
    sensitive: bool
    playbook: str | None = None
    cap_event: str | None = None


class NeedList(Answer):
    """The tree of needs, parents first."""

    items: tuple[NeedAnswer, ...]
    next: Next = None


class Login(BaseModel):
    """A key, once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"key": "gs_viewer_…"}]})

    key: Annotated[str, Field(min_length=1, max_length=512)]


class LoggedIn(Answer):
    """Who is logged in now, until when."""

    name: str
    role: str
    home_area: str | None
    expires_at: AwareDatetime


class MapTiles(Answer):
    """Where an operator's tiles are, and whose they are."""

    url: str
    """With {z}, {x} and {y}."""
    credit: str


class Me(Answer):
    """Who asks."""

    name: str
    role: Literal["viewer", "coordinator", "admin"]
    home_area: str | None
    needs: tuple[str, ...]
    """Branches; empty: all."""
    sources: tuple[str, ...]
    """Feeds; empty: all."""
    expires_at: AwareDatetime | None
    can: tuple[str, ...]
    """What a page may offer: act, silence, declare, budget, audit, keys."""
    map_tiles: MapTiles | None = None


class Person(Answer):
    """Somebody who can act."""

    name: str
    role: Literal["coordinator", "admin"]


class People(Answer):
    """Everybody who can act, by name."""

    items: tuple[Person, ...]
    next: Next = None
