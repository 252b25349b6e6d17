"""The tables, SQLAlchemy Core. All times are Unix milliseconds; migrations build exactly this (a test compares)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"},
)

NodeId = BigInteger().with_variant(Integer, "sqlite")

offsets = Table(
    "offsets",
    metadata,
    Column("topic", String(255), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)
"""How far each partition is folded; moves in the transaction that writes the rows."""

refusals = Table(
    "refusals",
    metadata,
    Column("topic", String(255), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
)
"""Records stepped over that `calls.rejected.v1` does not have yet."""

alert_feed = Table(
    "alert_feed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)
"""One row: the counter that gives changes of alerts their order. Whoever updates it holds its lock until commit."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("home_area", String(64), nullable=False),
    Column("need", String(64)),
    Column("area", String(128), nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("budget_needed", Float, nullable=False),
    Column("feed_seq", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_alerts_feed_seq", "feed_seq", unique=True),
    Index("ix_alerts_raised_at_id", "raised_at", "id"),
    Index("ix_alerts_status", "status"),
)
"""The newest version of each alert; `body` is its JSON."""

alert_versions = Table(
    "alert_versions",
    metadata,
    Column("alert_id", String(128), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("updated_at", BigInteger, nullable=False, server_default="0"),
    Column("body", Text, nullable=False),
    Index("ix_alert_versions_updated_at", "updated_at"),
)
"""Every version of each alert."""

alert_people = Table(
    "alert_people",
    metadata,
    Column("alert_id", String(128), primary_key=True),
    Column("human_version", Integer, nullable=False),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", BigInteger),
    Column("assigned_to", Text),
    Column("label", String(32)),
    Column("more", Text, nullable=False, server_default="{}"),
)
"""What people said about an alert; no version of the alert overwrites it. `more` is JSON: see `human.py`."""

alert_actions = Table(
    "alert_actions",
    metadata,
    Column("alert_id", String(128), primary_key=True),
    Column("human_version", Integer, primary_key=True, autoincrement=False),
    Column("type", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""Every action of a coordinator, notes included."""

nodes = Table(
    "nodes",
    metadata,
    Column("id", NodeId, primary_key=True),
    Column("home_area", String(64), nullable=False),
    Column("need", String(64), nullable=False),
    Column("area", String(128), nullable=False),
    Index("ix_nodes_need_area_home_area", "need", "area", "home_area", unique=True),
)
"""Need x area, once; points refer to it by number."""


def _point_columns() -> tuple[Column[int] | Column[float] | Column[bool], ...]:
    return (
        Column("known_at", BigInteger, nullable=False),
        Column("observed", BigInteger, nullable=False),
        Column("expected", Float, nullable=False),
        Column("band_low", Float, nullable=False),
        Column("band_high", Float, nullable=False),
        Column("open", Boolean, nullable=False),
    )


points = Table(
    "points",
    metadata,
    Column("node", NodeId, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    *_point_columns(),
    Index("ix_points_start", "start"),
    sqlite_with_rowid=False,
)
"""What is known now of each bucket."""

point_versions = Table(
    "point_versions",
    metadata,
    Column("node", NodeId, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    *_point_columns(),
    Index("ix_point_versions_start", "start"),
    sqlite_with_rowid=False,
)
"""What was known of it in each slot of five minutes of log time: the last word of the slot; kept for fourteen days."""

home_status = Table(
    "home_status",
    metadata,
    Column("home_area", String(64), primary_key=True),
    Column("log_time", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

partition_status = Table(
    "partition_status",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("written_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

source_counts = Table(
    "source_counts",
    metadata,
    Column("home_area", String(64), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("calls", BigInteger, nullable=False),
)
"""Calls of a feed so far, at the last status of each five minutes: what a rate is computed from; kept for two hours."""

space = Table(
    "space",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Which space this database belongs to, its configuration and its reference body."""

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Who is logged in on the page: the hash of the cookie, never the cookie, never the key."""
