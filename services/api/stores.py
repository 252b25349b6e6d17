"""Every place where data rests: its fields, what kind each is, and how many days it is kept.

The one table of that. A test holds it against the topics, their contracts and the database's tables, so that a new
column without a row here fails; `retention.py` deletes by it. `python -m services.api.stores` prints
`deploy/stores.md`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from schemas.topics import DAY_MS, TOPICS

Kind = Literal["code", "measure", "time", "hash", "group", "staff", "words", "contract"]
MEANINGS: dict[Kind, str] = {
    "code": "a word of a closed list: needs, areas, sources, states, sentences made from templates",
    "measure": "counts, scores, versions, places in a log",
    "time": "moments",
    "hash": "keyed hash of a call's id; hash of a cookie, of a request",
    "group": "age band, gender or language, only as hourly counts of an area",
    "staff": "name or key id of somebody who works with Groundswell",
    "words": "what such a person wrote; phone numbers, e-mail, street and web addresses are refused",
    "contract": "a record of the topic with that contract",
}
KINDS: tuple[Kind, ...] = get_args(Kind)

LONG_DAYS = 2555
"""Seven years: what people decided, and the alerts that they decided on."""
WEEK = 7


@dataclass(frozen=True)
class Store:
    """One topic or one table of the database."""

    name: str
    holds: str
    fields: dict[str, Kind]
    days: int | None = None
    """None: newest state only, or `kept` says how long."""
    kept: str = ""
    """What the days count from, or why there are none."""


def _fields(**kinds: str) -> dict[str, Kind]:
    """`_fields(code="a b")`: names by kind."""
    return {name: kind for kind in KINDS for name in kinds.get(kind, "").split()}


_POINT = _fields(measure="node observed expected band_low band_high", time="start known_at", code="open")
STATE = "the newest state only"

TABLES = (
    Store(
        "offsets", "how far each topic is folded", _fields(code="topic", measure="partition next_offset"), kept=STATE
    ),
    Store(
        "refusals",
        "places of records that were stepped over",
        _fields(code="topic reason", measure="partition offset"),
        kept="until calls.rejected.v1 has them, seconds",
    ),
    Store("alert_feed", "a counter", _fields(measure="id first last"), kept=STATE),
    Store(
        "alerts",
        "newest version of each alert",
        _fields(
            code="id kind status severity home_area need area",
            measure="version budget_needed feed_seq",
            time="raised_at updated_at",
            contract="body",
        ),
        LONG_DAYS,
        "since it ended",
    ),
    Store(
        "alert_versions",
        "every version of each alert",
        _fields(code="alert_id", measure="version", time="updated_at", contract="body"),
        LONG_DAYS,
        "with its alert",
    ),
    Store(
        "alert_people",
        "what people say of an alert now",
        _fields(
            code="alert_id label",
            measure="human_version",
            time="acknowledged_at",
            staff="acknowledged_by assigned_to",
            words="more",
        ),
        LONG_DAYS,
        "with its alert",
    ),
    Store(
        "alert_actions",
        "what people did to an alert; a note that is taken back loses its text here at once",
        _fields(code="alert_id type", measure="human_version", time="at", staff="by", words="body"),
        LONG_DAYS,
        "with its alert",
    ),
    Store("nodes", "need and area of each series", _fields(measure="id", code="home_area need area"), kept=STATE),
    Store("points", "calls observed and expected, by hour", _POINT, 800, "since the hour"),
    Store("point_versions", "the same as known at each five minutes", {**_POINT, "slot": "time"}, 14, "since the hour"),
    Store("home_status", STATE, _fields(code="home_area", time="log_time", contract="body"), kept=STATE),
    Store("partition_status", STATE, _fields(measure="partition", time="written_at", contract="body"), kept=STATE),
    Store("source_counts", "calls of a feed so far", _fields(code="home_area source", time="slot", measure="calls"), 1),
    Store("space", "configuration and reference data", _fields(code="name value"), kept=STATE),
    Store(
        "sessions",
        "who is logged in: the hash of the cookie",
        _fields(hash="token_hash", staff="key_id", time="expires_at"),
        WEEK,
        "since the login",
    ),
    Store(
        "silences",
        "alerts hidden for a time, and why",
        _fields(
            code="id scope from_alert home_area need area line",
            time="until created_at ended_at",
            staff="by ended_by",
            words="reason",
        ),
        LONG_DAYS,
        "since they ran out",
    ),
    Store(
        "declared_events",
        "events that people declared",
        _fields(
            code="id withdrawn", measure="version", time="start end declared_at updated_at", staff="by", words="body"
        ),
        LONG_DAYS,
        "since they were over or withdrawn",
    ),
    Store("budgets", STATE, _fields(code="home_area", measure="per_week", staff="by", time="at"), kept=STATE),
    Store(
        "outbox",
        "what people did, on its way to Kafka",
        _fields(measure="id", code="reference topic key stamped", words="value"),
        kept="until Kafka has it, seconds",
    ),
    Store(
        "requests",
        "idempotency keys",
        _fields(staff="by", code="key", hash="fingerprint", time="at"),
        WEEK,
        "since the request",
    ),
    Store(
        "audit",
        "who did what, when; a note only by its length",
        _fields(measure="id", time="at", staff="by key_id", code="role action target home_area", words="body"),
        LONG_DAYS,
        "since the deed; younger rows cannot be changed or deleted by anybody",
    ),
    Store("news", "counters", _fields(code="name", measure="seq"), kept=STATE),
    Store(
        "rejections",
        "how often what was refused, without its value",
        _fields(code="source reason field", time="hour last_at", measure="count"),
        8,
        "since the hour",
    ),
)

_FOREVER = "the newest for each key, without end"
_CALL = _fields(
    code="area channel code home_area kind line met needs outcome reason referrals source type void v",
    measure="count revision talk_seconds wait_seconds calls cells",
    time="at effective_at from to time",
    hash="id",
    staff="issuer",
    words="body",
)
_TOPIC_FIELDS: dict[str, tuple[dict[str, Kind], str]] = {
    "calls.events.v1": (_CALL, "since it was written"),
    "calls.rejected.v1": (
        _fields(code="reason field source topic v", measure="partition offset", time="at"),
        "since it was written",
    ),
    "counts.v1": (
        _fields(code="home_area v corrected", time="start", measure="counts"),
        "since it was written",
    ),
    "series.v1": (_fields(code="home_area v", time="known_at", measure="points"), "since it was written"),
    "alerts.v1": (
        _fields(
            code="area area_name because checks declared_event detail detector drivers en ends ends_words es "
            "expected_words explanation factor fr headline home_area id kind limits limits_words mode name need "
            "need_name onset onset_words parts severity source status verdict words",
            measure="band_high band_low budget_needed calls calls_below dwell_hours expected hours observed per_hour "
            "ratio recurrence_days recurrence_days_home_area score smallest_rise_in_a_day smallest_rise_in_an_hour "
            "usual_per_day version window_hours",
            time="earliest ended_at latest likely raised_at started_at updated_at",
            staff="ended_by",
        ),
        f"{_FOREVER}; all versions for 90 days",
    ),
    "callers.v1": (_fields(code="home_area v", time="start", group="cells"), "since it was written"),
    "status.v1": (
        _fields(
            code="area batch home_area kind need source sources state v worker",
            measure="budget_needed budget_per_week calls correction_nats counters duplicates end_offset expected "
            "false_alarms_week held_back held_back_week late median_delay_seconds next_offset observed open_alerts "
            "partition raised_week refused score series unknown_codes warming_hours warming_series",
            time="ended_at last_call last_logged log_time noticed_at sealed_until since written_at",
        ),
        _FOREVER,
    ),
    "actions.v1": (
        _fields(code="alert_id type subject id v", measure="human_version", time="at", staff="by", words="body"),
        "since it was written; a note only by its length",
    ),
    "detector.snapshots.v1": ({}, "the newest state of the fold: counts, levels, hashes of three days' calls"),
    "reference.v1": (
        _fields(
            code="area areas cap_event category close code crosswalk date from_code fsa holidays hours lifeline line "
            "mode model name name_en name_es name_fr need needs open parent playbook playbook_en playbook_es "
            "playbook_fr reference same sensitive severity sgc shapes source timezone to_code triggers ugc weekday",
            measure="budget_per_week count grid_ms latitude longitude partitions population seal_hours",
        ),
        f"{_FOREVER}; what the operator put into the reference folder",
    ),
    "quarantine.v1": (_fields(code="topic reason v", measure="partition offset", time="at"), _FOREVER),
}

LOG = tuple(
    Store(topic.name, topic.what, *(_TOPIC_FIELDS[topic.name][0], _days), _TOPIC_FIELDS[topic.name][1])
    for topic in TOPICS
    for _days in [int(topic.config["retention.ms"]) // DAY_MS if "retention.ms" in topic.config else None]
)
"""The days are the topic's own `retention.ms`."""

FILES = (
    ("keys.json", "names, roles and hashes of keys; never a key", "until revoked"),
    ("id-secret", "the secret of the hashes; whoever has it and a CRM's ids can find a call", "as long as the space"),
    ("logs/", "events by name and numbers; never a value that was sent", "the operator's rotation"),
    ("a backup", "the tables above, as of then", "the operator's; `groundswell restore` deletes what is too old"),
)
"""What lies in the data folder besides."""


def days_of(table: str) -> int:
    """Days for which the rows of a table are kept; raises KeyError for one that keeps its newest state only."""
    found = next(store.days for store in TABLES if store.name == table)
    if found is None:
        raise KeyError(table)
    return found


def markdown() -> str:
    """The table for people."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What is kept where, and for how long"
    yield ""
    yield "Made from `services/api/stores.py` by `python -m services.api.stores`; a test compares both with the code."
    yield "Nothing in it is a name, number, address or sentence of a caller: no field for one exists."
    for title, stores in (("Topics", LOG), ("Tables of the database", TABLES)):
        yield ""
        yield f"## {title}"
        yield ""
        yield "| store | holds | days | counted | staff names | staff's words | other fields |"
        yield "|---|---|---|---|---|---|---|"
        yield from (_row(store) for store in stores)
    yield ""
    yield "## Files"
    yield ""
    yield "| file | holds | kept |"
    yield "|---|---|---|"
    yield from (f"| {name} | {holds} | {kept} |" for name, holds, kept in FILES)
    yield ""
    yield "## Kinds of fields"
    yield ""
    yield from (f"* {kind}: {meaning}" for kind, meaning in MEANINGS.items())


def _row(store: Store) -> str:
    staff, words = (", ".join(name for name, kind in store.fields.items() if kind == one) for one in ("staff", "words"))
    rest = "; ".join(
        f"{kind}: {' '.join(names)}"
        for kind in KINDS
        if kind not in ("staff", "words") and (names := [name for name, one in store.fields.items() if one == kind])
    )
    days = "-" if store.days is None else f"{store.days}"
    return f"| {store.name} | {store.holds} | {days} | {store.kept} | {staff} | {words} | {rest} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
