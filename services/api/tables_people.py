"""What people do: silences, declared events, budgets, the audit, and what still has to be written to Kafka."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from services.api.tables import NodeId, metadata

silences = Table(
    "silences",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("scope", String(16), nullable=False),
    Column("from_alert", String(128)),
    Column("home_area", String(64)),
    Column("need", String(64)),
    Column("area", String(128)),
    Column("line", String(16)),
    Column("until", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Index("ix_silences_until", "until"),
)
"""Alerts that are hidden for a time; `from_alert` with scope `alert` is the one alert that is meant."""

declared_events = Table(
    "declared_events",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger),
    Column("withdrawn", Boolean, nullable=False),
    Column("by", Text, nullable=False),
    Column("declared_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""Events that a coordinator declared; `body` holds name, hazard, areas, needs and periods as JSON."""

budgets = Table(
    "budgets",
    metadata,
    Column("home_area", String(64), primary_key=True),
    Column("per_week", Float, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""The budget that was last asked for."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", NodeId, primary_key=True),
    Column("reference", String(160), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("key", String(160)),
    Column("stamped", Boolean, nullable=False),
    Column("value", Text, nullable=False),
    Index("ix_outbox_reference", "reference"),
)
"""Records to be written to Kafka, in the transaction of what they tell. Without a key: to every partition.

A control is stamped with its time when it is first sent."""

requests = Table(
    "requests",
    metadata,
    Column("by", String(64), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Idempotency keys of the last week, by the id of the key that sent them."""

audit = Table(
    "audit",
    metadata,
    Column("id", NodeId, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target", String(160), nullable=False),
    Column("home_area", String(64)),
    Column("body", Text, nullable=False),
    Index("ix_audit_at", "at"),
)
"""Who did what, when by the wall clock; the database itself refuses to change or delete a row."""

news = Table(
    "news",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""Counts changes of what is not an alert (silences, budgets, events), so that pages read it again."""

rejections = Table(
    "rejections",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String(160), primary_key=True),
    Column("field", String(160), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
"""What was refused, by source, Unix hour, reason and field (empty: none); kept for eight days."""
