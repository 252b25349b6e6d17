"""A coordinator's action (`actions.v1`): who did what to which alert, and when; taking back is an action too."""

from typing import Any

import msgspec


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """One action as the API's outbox writes it."""

    v: int
    alert_id: str
    human_version: int
    """Version of the human side that this action made; with `alert_id` it makes a repeat harmless."""
    type: str
    """What was done: the last part of the path it was posted to, with `un` before it when it takes back."""
    at: int
    """Unix milliseconds."""
    by: str
    """Name of the key's holder."""
    body: dict[str, Any]
    """What was posted with it."""
    subject: str = ""
    """What it was done to when that is no alert (`alert_id` is empty then): `silence:…`, `event:…`, `budget:…`."""
    id: str = ""
    """Names the action; the same one twice is a repeat."""
