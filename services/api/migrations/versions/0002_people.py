"""What people do: silences, declared events, budgets, audit, outbox; and what was refused by reason."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ROWS_AT_ONCE = 1000


def upgrade() -> None:
    """Forward."""
    op.drop_column("alert_people", "silenced_until")
    op.add_column("alert_people", sa.Column("more", sa.Text(), server_default="{}", nullable=False))
    op.add_column("alert_versions", sa.Column("updated_at", sa.BigInteger(), server_default="0", nullable=False))
    _date_versions()
    op.create_index("ix_alert_versions_updated_at", "alert_versions", ["updated_at"])
    _create_tables()
    _keep_the_audit()


def _date_versions() -> None:
    """Versions stored before say in their body when they were said."""
    connection = op.get_bind()
    versions = sa.table(
        "alert_versions", sa.column("alert_id"), sa.column("version"), sa.column("updated_at"), sa.column("body")
    )
    while rows := connection.execute(sa.select(versions).where(versions.c.updated_at == 0).limit(ROWS_AT_ONCE)).all():
        for row in rows:
            said = datetime.fromisoformat(json.loads(row.body)["updated_at"].replace("Z", "+00:00"))
            connection.execute(
                sa.update(versions)
                .where(versions.c.alert_id == row.alert_id, versions.c.version == row.version)
                .values(updated_at=max(1, int(said.timestamp() * 1000)))
            )


def _create_tables() -> None:
    op.create_table(
        "silences",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("from_alert", sa.String(length=128), nullable=True),
        sa.Column("home_area", sa.String(length=64), nullable=True),
        sa.Column("need", sa.String(length=64), nullable=True),
        sa.Column("area", sa.String(length=128), nullable=True),
        sa.Column("line", sa.String(length=16), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
    )
    op.create_index("ix_silences_until", "silences", ["until"])
    op.create_table(
        "declared_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_events")),
    )
    op.create_table(
        "budgets",
        sa.Column("home_area", sa.String(length=64), nullable=False),
        sa.Column("per_week", sa.Float(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("home_area", name=op.f("pk_budgets")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=True),
        sa.Column("stamped", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_reference", "outbox", ["reference"])
    op.create_table(
        "requests",
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("by", "key", name=op.f("pk_requests")),
    )
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=160), nullable=False),
        sa.Column("home_area", sa.String(length=64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "news",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_news")),
    )
    op.create_table(
        "rejections",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=160), nullable=False),
        sa.Column("field", sa.String(length=160), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hour", "reason", "field", name=op.f("pk_rejections")),
    )


def _keep_the_audit() -> None:
    """Rows of the audit are added and never changed, whatever program is connected."""
    if op.get_bind().dialect.name == "sqlite":
        for word in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{word.lower()} BEFORE {word} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
