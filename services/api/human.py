"""The human side of an alert: a fold over what people did, so that it can be told for any moment."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from services.api.times import zulu


@dataclass(frozen=True, slots=True)
class Deed:
    """One action of a person on one alert."""

    type: str
    """The last part of the path it was posted to; with `un` before it, it takes back."""
    at: int
    """Clock of the space, ms."""
    by: str
    body: dict[str, Any] = field(default_factory=dict)
    human_version: int = 0
    """The version of the human side that it made."""


@dataclass(frozen=True, slots=True)
class Human:
    """What people have said about an alert so far.

    >>> two = told([Deed("acknowledge", 0, "M. Ortiz", {}, 1), Deed("notes", 1000, "M. Ortiz", {"text": "full"}, 2)])
    >>> two.version, two.acknowledged["by"], [note["text"] for note in two.notes]
    (2, 'M. Ortiz', ['full'])
    """

    version: int = 0
    acknowledged: dict[str, Any] | None = None
    assigned_to: str | None = None
    label: str | None = None
    labelled: dict[str, Any] | None = None
    notes: tuple[dict[str, Any], ...] = ()
    end_requested: dict[str, Any] | None = None

    def shown(self) -> dict[str, Any]:
        """The fields of the alert's answer."""
        return {
            "human_version": self.version,
            "acknowledged": self.acknowledged,
            "assigned_to": self.assigned_to,
            "label": self.label,
            "labelled": self.labelled,
            "notes": list(self.notes),
            "end_requested": self.end_requested,
        }

    def note(self, number: int) -> dict[str, Any] | None:
        """The note that the action with this version added, unless it was taken back."""
        return next((note for note in self.notes if note["id"] == number), None)


def after(human: Human, deed: Deed) -> Human:
    """The human side after one more deed; types that say nothing about the alert itself only count."""
    mark = {"by": deed.by, "at": zulu(deed.at)}
    change = _changes(human, deed, mark).get(deed.type, {})
    return replace(human, version=deed.human_version, **change)


def told(deeds: Iterable[Deed]) -> Human:
    """The human side after all of them, oldest first."""
    human = Human()
    for deed in deeds:
        human = after(human, deed)
    return human


def from_row(version: int | None, more: str | None) -> Human:
    """What `alert_people` holds; nothing for an alert that nobody has touched."""
    if not version:
        return Human()
    kept = msgspec.json.decode(more or "{}")
    return Human(
        version,
        kept.get("acknowledged"),
        kept.get("assigned_to"),
        kept.get("label"),
        kept.get("labelled"),
        tuple(kept.get("notes", ())),
        kept.get("end_requested"),
    )


def to_more(human: Human) -> str:
    """What `alert_people.more` keeps."""
    shown = human.shown()
    del shown["human_version"]
    return msgspec.json.encode(shown).decode()


def _changes(human: Human, deed: Deed, mark: dict[str, Any]) -> dict[str, dict[str, Any]]:
    body = deed.body
    return {
        "acknowledge": {"acknowledged": mark},
        "unacknowledge": {"acknowledged": None},
        "assign": {"assigned_to": body.get("to")},
        "unassign": {"assigned_to": None},
        "label": {"label": body.get("label"), "labelled": {**mark, "comment": body.get("comment")}},
        "unlabel": {"label": None, "labelled": None},
        "notes": {"notes": (*human.notes, {"id": deed.human_version, **mark, "text": body.get("text", "")})},
        "unnotes": {"notes": tuple(note for note in human.notes if note["id"] != body.get("note"))},
        "end": {"end_requested": {**mark, "reason": body.get("reason")}},
        "unend": {"end_requested": None},
    }
