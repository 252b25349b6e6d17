"""Who may do what: one table, asked by every request, held against the OpenAPI document by a test."""

from types import MappingProxyType
from typing import Literal

from services.runtime.access import Role

Least = Literal["anyone", "viewer", "coordinator", "admin"]
"""The least role that an endpoint asks for; each role may do what those before it may."""

RANKS: tuple[Least, ...] = ("anyone", "viewer", "coordinator", "admin")

_OPEN = ("get_live", "get_ready", "get_metrics", "post_login", "delete_login")
_READ = (
    "get_me",
    "get_people",
    "get_alerts",
    "get_stream",
    "get_alert",
    "get_history",
    "get_similar",
    "get_incidents",
    "get_silences",
    "get_silence_preview",
    "get_budget",
    "get_declared_events",
    "get_declared_event",
    "get_board",
    "get_series",
    "get_many_series",
    "get_series_csv",
    "get_movers",
    "get_quality",
    "get_states",
    "get_needs",
    "get_areas",
    "get_sources",
    "get_handover",
    "get_handover_markdown",
)
_ACT = (
    "acknowledge",
    "unacknowledge",
    "assign",
    "unassign",
    "add_note",
    "take_note_back",
    "set_label",
    "take_label_back",
    "silence_alert",
    "unsilence_alert",
    "end_alert",
    "unend_alert",
    "create_silence",
    "expire_silence",
    "put_budget",
    "declare_event",
    "change_event",
    "end_event",
    "withdraw_event",
)
_ADMIN = ("get_audit", "get_keys", "add_key", "revoke_key", "retract_source")


def _table() -> dict[str, Least]:
    table: dict[str, Least] = dict.fromkeys(_OPEN, "anyone")
    table |= dict.fromkeys(_READ, "viewer")
    table |= dict.fromkeys(_ACT, "coordinator")
    return table | dict.fromkeys(_ADMIN, "admin")


RULES: MappingProxyType[str, Least] = MappingProxyType(_table())
"""Operation id of the OpenAPI document (the route's name) to the least role."""

CAPABILITIES = MappingProxyType({"coordinator": ("act", "silence", "declare", "budget"), "admin": ("audit", "keys")})


def allows(operation: str, role: Role) -> bool:
    """Whether a role may use an endpoint; one that the table lacks is nobody's.

    >>> allows("get_alerts", "viewer"), allows("acknowledge", "viewer"), allows("get_alerts", "ingest")
    (True, False, False)
    """
    least = RULES.get(operation)
    if least is None:
        return False
    return least == "anyone" or (role != "ingest" and RANKS.index(role) >= RANKS.index(least))


def capabilities(role: Role) -> tuple[str, ...]:
    """What a page may offer to somebody with this role."""
    found: tuple[str, ...] = ()
    for least, words in CAPABILITIES.items():
        if role != "ingest" and RANKS.index(role) >= RANKS.index(least):
            found += words
    return found
