"""What the API answers at the end of a shift, and to admins."""

from typing import Any

from pydantic import AwareDatetime

from schemas.alert import Kind, Severity, Status, Words
from schemas.controls import Label
from services.api.model import Acknowledged, Action, Answer, Next, NoteAnswer, Silence
from services.api.model_events import DeclaredEvent


class Brief(Answer):
    """An alert in a line."""

    id: str
    headline: Words
    kind: Kind
    home_area: str
    severity: Severity
    status: Status
    started_at: AwareDatetime
    raised_at: AwareDatetime
    ended_at: AwareDatetime | None
    ended_by: str | None
    observed: int
    expected: float
    acknowledged: Acknowledged | None
    assigned_to: str | None
    label: Label | None
    notes: tuple[NoteAnswer, ...]
    silenced_until: AwareDatetime | None


class Done(Action):
    """What somebody did, and to which alert."""

    alert_id: str
    headline: Words


class HomeBudget(Answer):
    """A home area's week."""

    home_area: str
    per_week: float
    raised_week: int


class Handover(Answer):
    """A shift's summary; alerts with the worst first."""

    since: AwareDatetime
    until: AwareDatetime
    home_areas: tuple[str, ...]
    rose: tuple[Brief, ...]
    open: tuple[Brief, ...]
    ended: tuple[Brief, ...]
    done: tuple[Done, ...]
    """In order."""
    silences: tuple[Silence, ...]
    events: tuple[DeclaredEvent, ...]
    held_back: int
    sources_silent: tuple[str, ...]
    budget: tuple[HomeBudget, ...]


class AuditEntry(Answer):
    """Who did what, when by the wall clock."""

    id: int
    at: AwareDatetime
    by: str
    key_id: str
    role: str
    action: str
    target: str
    home_area: str | None
    body: dict[str, Any]


class AuditList(Answer):
    """The newest first."""

    items: tuple[AuditEntry, ...]
    next: Next = None


class KeyAnswer(Answer):
    """Who holds a key; the key itself is kept nowhere."""

    id: str
    name: str
    role: str
    source: str | None
    home_area: str | None
    totals: bool
    needs: tuple[str, ...]
    sources: tuple[str, ...]
    expires_at: AwareDatetime | None


class KeyList(Answer):
    """In the order of adding."""

    items: tuple[KeyAnswer, ...]
    next: Next = None


class NewKey(Answer):
    """A key, shown once."""

    id: str
    key: str


class Retracted(Answer):
    """What the detector was asked to take out."""

    source: str
    home_area: str
    start: AwareDatetime
    end: AwareDatetime
