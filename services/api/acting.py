"""What people do: one transaction each, so that the deed, what the detector hears and what others see agree."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from schemas.action import Action
from services.api.database import Database, upsert
from services.api.feed import OPEN, announce, select_alerts
from services.api.fold_alerts import take_places
from services.api.human import Deed, Human, after, from_row, to_more
from services.api.outbox import put_action
from services.api.problems import Problem, not_found
from services.api.scope import Scope
from services.api.tables import alert_actions, alert_people, alerts
from services.api.tables_people import audit, requests
from services.api.times import zulu
from services.api.view import Cover, View, Views
from services.runtime.access import Identity
from services.runtime.clock import Clock

ADDING = frozenset({"notes", "unnotes"})
"""What two people can do at once without contradicting each other."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what, and how to know a repeat of it."""

    who: Identity
    scope: Scope
    name: str
    """Operation id."""
    target: str
    key: str | None = None
    """Idempotency-Key."""
    body: bytes = b""

    def fingerprint(self) -> str:
        """The same for the same request."""
        parts = (self.name.encode(), self.target.encode(), self.body)
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


class Change:
    """One transaction in which somebody changes something.

    Everything takes its place in the feed first, which makes changes wait for each other and for the fold.
    """

    def __init__(self, connection: Connection, asked: Asked, views: Views, wall_ms: int) -> None:
        self.connection, self.asked, self.views, self.wall = connection, asked, views, wall_ms
        self.place = take_places(connection, 1)
        self.now = views.now(connection)
        self.is_repeat = self._is_repeat()

    @property
    def by(self) -> str:
        """Name of who does it."""
        return self.asked.who.name

    def view(self) -> View:
        """What lies over alerts at this point of the transaction."""
        return self.views.read(self.connection)

    def note(self, action: str, target: str, home_area: str | None, body: dict[str, Any]) -> None:
        """Into the audit."""
        row = {
            "at": self.wall,
            "by": self.by,
            "key_id": self.asked.who.id,
            "role": self.asked.who.role,
            "action": action,
            "target": target,
            "home_area": home_area,
            "body": msgspec.json.encode(body).decode(),
        }
        self.connection.execute(insert(audit).values(row))

    def tell(self, action: str, subject: str, home_area: str | None, body: dict[str, Any], version: int) -> None:
        """Into the audit and onto `actions.v1`, for what is not done to one alert."""
        self.note(action, subject, home_area, body)
        put_action(
            self.connection,
            Action(1, "", version, action, self.now, self.by, body, subject, f"{subject}#{version}"),
            subject,
        )

    def announce(self, name: str) -> None:
        """Pages read this list again."""
        announce(self.connection, name)

    def send_again(self, cover: Cover, *, besides: str | None = None) -> int:
        """Open alerts that look different now go through the feed once more; returns their number."""
        query = select(alerts.c.id, alerts.c.home_area, alerts.c.need, alerts.c.area).where(alerts.c.status.in_(OPEN))
        found = [
            row.id
            for row in self.connection.execute(query)
            if row.id != besides and cover.has(row.id, row.home_area, row.need, row.area)
        ]
        if found:
            first = take_places(self.connection, len(found))
            for index, alert_id in enumerate(found):
                self._move(alert_id, first + index)
        return len(found)

    def alert_row(self, alert_id: str) -> Any:
        """The row of an alert; raises Problem 404 when there is none within the scope."""
        row = self.connection.execute(self.asked.scope.among(select_alerts().where(alerts.c.id == alert_id))).first()
        if row is None or not self.asked.scope.sees(row.home_area, row.need, _source(row)):
            raise not_found("alert")
        return row

    def do(self, row: Any, kind: str, body: dict[str, Any]) -> Human:
        """Let a deed happen to an alert, and everybody hear of it."""
        human = from_row(row.human_version, row.more)
        version = human.version + 1
        human = after(human, Deed(kind, self.now, self.by, body, version))
        self._keep(row.id, human)
        self.connection.execute(
            insert(alert_actions).values(
                alert_id=row.id,
                human_version=version,
                type=kind,
                at=self.now,
                by=self.by,
                body=msgspec.json.encode(body).decode(),
            )
        )
        self._move(row.id, self.place)
        if kind == "unnotes":
            self._forget_note(row.id, body["note"])
        kept = _without_text(kind, body)
        self.note(kind, f"alert:{row.id}", row.home_area, kept)
        action = Action(1, row.id, version, kind, self.now, self.by, kept, id=f"{row.id}#{version}")
        put_action(self.connection, action, f"alert:{row.id}")
        return human

    def _forget_note(self, alert_id: str, number: int) -> None:
        """A note that is taken back loses its text; that it was written stays."""
        a = alert_actions.c
        same = a.alert_id == alert_id, a.human_version == number, a.type == "notes"
        text = self.connection.scalar(select(a.body).where(*same))
        if text is not None:
            kept = msgspec.json.encode(_without_text("notes", msgspec.json.decode(text))).decode()
            self.connection.execute(update(alert_actions).where(*same).values(body=kept))

    def _keep(self, alert_id: str, human: Human) -> None:
        acknowledged = human.acknowledged or {}
        values = {
            "human_version": human.version,
            "acknowledged_by": acknowledged.get("by"),
            "acknowledged_at": self.now if acknowledged else None,
            "assigned_to": human.assigned_to,
            "label": human.label,
            "more": to_more(human),
        }
        statement = upsert(self.connection, alert_people).values(alert_id=alert_id, **values)
        self.connection.execute(statement.on_conflict_do_update(index_elements=["alert_id"], set_=values))

    def _move(self, alert_id: str, place: int) -> None:
        self.connection.execute(update(alerts).where(alerts.c.id == alert_id).values(feed_seq=place))

    def _is_repeat(self) -> bool:
        if self.asked.key is None:
            return False
        who, fingerprint = self.asked.who.id, self.asked.fingerprint()
        same = requests.c.by == who, requests.c.key == self.asked.key
        known = self.connection.scalar(select(requests.c.fingerprint).where(*same))
        if known is None:
            row = {"by": who, "key": self.asked.key, "fingerprint": fingerprint, "at": self.wall}
            self.connection.execute(insert(requests).values(row))
            return False
        if known != fingerprint:
            raise Problem(422, "this Idempotency-Key was used for another request: make a new one for each action")
        return True


class Actions:
    """Opens changes.

    Args:
        after_commit: called when there is news for pages and for Kafka.
    """

    def __init__(self, database: Database, clock: Clock, views: Views, *, after_commit: Callable[[], None]) -> None:
        self._database, self._clock, self.views, self._after_commit = database, clock, views, after_commit

    @contextmanager
    def change(self, asked: Asked) -> Iterator[Change]:
        """One transaction; what raises inside leaves nothing behind. Raises DatabaseAway."""
        with self._database.writing() as connection:
            yield Change(connection, asked, self.views, self._clock.now_ms())
        self._after_commit()

    def act(
        self,
        asked: Asked,
        alert_id: str,
        kind: str,
        body: dict[str, Any],
        *,
        expected: int | None = None,
        then: Callable[[Change, Any, Human], None] = lambda change, row, human: None,
    ) -> tuple[dict[str, Any], bool]:
        """Do something to one alert.

        Args:
            kind: as in `human.Deed`.
            expected: the human version that the person saw; None: whatever it is.
            then: what else belongs to it, in the same transaction; gets the row and the human side before it.

        Returns:
            The alert as it now is, and whether this was a repeat that changed nothing.

        Raises:
            Problem: 404, 409 with the alert as it is and what was done meanwhile, 422.
            DatabaseAway: nothing was done.
        """
        with self.change(asked) as change:
            row = change.alert_row(alert_id)
            before = from_row(row.human_version, row.more)
            if not change.is_repeat:
                if expected is not None and expected != before.version and kind not in ADDING:
                    raise _conflict(change, row, expected)
                if says_something(before, kind, body, change.by):
                    then(change, row, before)
                    change.do(row, kind, body)
            return change.view().alert(change.alert_row(alert_id)), change.is_repeat


def says_something(human: Human, kind: str, body: dict[str, Any], by: str) -> bool:
    """Whether a deed would change anything: taking back what is not there, or saying again what stands, does not.

    >>> says_something(Human(), "unlabel", {}, "M. Ortiz"), says_something(Human(), "label", {"label": "x"}, "M. Ortiz")
    (False, True)
    """
    if kind == "acknowledge":
        return human.acknowledged is None or bool(by != human.acknowledged["by"])
    if kind == "assign":
        return bool(human.assigned_to != body["to"])
    if kind == "label":
        labelled = human.labelled or {}
        return (human.label, labelled.get("comment")) != (body["label"], body.get("comment"))
    there: dict[str, object] = {
        "unacknowledge": human.acknowledged,
        "unassign": human.assigned_to,
        "unlabel": human.label,
        "unend": human.end_requested,
    }
    return kind not in there or bool(there[kind])


def _conflict(change: Change, row: Any, expected: int) -> Problem:
    """Somebody was quicker: what they did, and how the alert now stands."""
    a = alert_actions.c
    query = select(alert_actions).where(a.alert_id == row.id, a.human_version > expected).order_by(a.human_version)
    done = [action_shown(one) for one in change.connection.execute(query)]
    last = done[-1] if done else None
    who = f"{last['by']} was quicker: {last['type']} at {last['at']}" if last else "you have an older state of it"
    return Problem(
        409,
        f"{who}; look at the alert as it now is and decide again",
        alert=change.view().alert(row),
        actions=done,
    )


def action_shown(row: Any) -> dict[str, Any]:
    """A row of `alert_actions` as it is told."""
    return {
        "id": row.human_version,
        "type": row.type,
        "at": zulu(row.at),
        "by": row.by,
        "human_version": row.human_version,
        "body": msgspec.json.decode(row.body),
    }


def _without_text(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """The audit and `actions.v1` say that a note was written, not what it says: it can be taken back, they cannot."""
    return {"characters": len(body["text"])} if kind == "notes" and "text" in body else body


def _source(row: Any) -> str | None:
    source: str | None = msgspec.json.decode(row.body).get("source")
    return source
