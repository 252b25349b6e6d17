"""A shift's summary: what rose, what was done, what is open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from services.api import declaring, silencing
from services.api.acting import action_shown
from services.api.codebook import Codebook
from services.api.feed import OPEN, select_alerts
from services.api.ranking import rank_of
from services.api.scope import Scope
from services.api.standing import Standing, read_standing
from services.api.tables import alert_actions, alerts
from services.api.times import zulu
from services.api.view import View

SHOWN = 500
BRIEF = (
    "id",
    "headline",
    "kind",
    "home_area",
    "severity",
    "status",
    "started_at",
    "raised_at",
    "ended_at",
    "ended_by",
    "observed",
    "expected",
    "acknowledged",
    "assigned_to",
    "label",
    "notes",
    "silenced_until",
)


@dataclass(frozen=True, slots=True)
class Shift:
    """From `since` to before `until`, ms."""

    since: int
    until: int

    def has(self, at: int) -> bool:
        """Whether a time lies in it."""
        return self.since <= at < self.until


def summary(connection: Connection, shift: Shift, scope: Scope, book: Codebook, view: View) -> dict[str, Any]:
    """Everything that the next shift wants to know."""
    a = alerts.c
    in_shift = or_(a.status.in_(OPEN), a.updated_at >= shift.since)
    query = select_alerts().where(in_shift, a.raised_at < shift.until).order_by(a.raised_at.desc()).limit(SHOWN)
    rows = connection.execute(scope.among(query)).all()
    told = {row.id: view.alert(row) for row in rows if scope.sees(row.home_area, row.need)}
    homes = read_standing(connection).within(scope)
    ended = [row for row in rows if row.status == "ended" and shift.has(row.updated_at)]
    return {
        "since": zulu(shift.since),
        "until": zulu(shift.until),
        "home_areas": [home.home_area for home in homes.homes],
        "rose": _briefs(told, (row for row in rows if shift.has(row.raised_at))),
        "open": _briefs(told, (row for row in rows if row.status in OPEN)),
        "ended": _briefs(told, ended),
        "done": _done(connection, shift, told),
        "silences": [
            silencing.shown(connection, row, book, view.now)
            for row in silencing.list_silences(connection, scope, view.now, only_active=True)
        ],
        "events": _events(connection, scope, book, view.now),
        **_standing(homes),
    }


def _briefs(told: dict[str, dict[str, Any]], rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The worst first, as on the page."""
    found = [told[row.id] for row in rows if row.id in told]
    found.sort(key=rank_of)
    return [{name: one[name] for name in BRIEF} for one in found]


def _done(connection: Connection, shift: Shift, told: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What people did to these alerts, in order; a note that was taken back has lost its text."""
    a = alert_actions.c
    query = select(alert_actions).where(a.at >= shift.since, a.at < shift.until, a.alert_id.in_(list(told)))
    done = []
    for row in connection.execute(query.order_by(a.at, a.alert_id, a.human_version)):
        one = action_shown(row)
        alert = told[row.alert_id]
        if row.type == "notes" and row.human_version not in {note["id"] for note in alert["notes"]}:
            one["body"] = {}
        done.append({"alert_id": row.alert_id, "headline": alert["headline"], **one})
    return done


def _events(connection: Connection, scope: Scope, book: Codebook, now: int) -> list[dict[str, Any]]:
    rows = [
        row for row in declaring.list_events(connection, scope, book) if declaring.state_of(row, now) in declaring.OPEN
    ]
    return [declaring.shown(connection, row, scope, book, now) for row in rows]


def _standing(standing: Standing) -> dict[str, Any]:
    homes: Sequence[Any] = standing.homes
    return {
        "held_back": sum(home.held_back_week for home in homes),
        "sources_silent": standing.silent_sources(),
        "budget": [
            {"home_area": home.home_area, "per_week": home.budget_per_week, "raised_week": home.raised_week}
            for home in homes
        ],
    }
