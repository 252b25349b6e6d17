"""The first tables: folded alerts, series and status, offsets, people's side, sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NODE_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "alert_actions",
        sa.Column("alert_id", sa.String(length=128), nullable=False),
        sa.Column("human_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "human_version", name=op.f("pk_alert_actions")),
    )
    op.create_table(
        "alert_feed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_feed")),
    )
    op.create_table(
        "alert_people",
        sa.Column("alert_id", sa.String(length=128), nullable=False),
        sa.Column("human_version", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("label", sa.String(length=32), nullable=True),
        sa.Column("silenced_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert_people")),
    )
    op.create_table(
        "alert_versions",
        sa.Column("alert_id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "version", name=op.f("pk_alert_versions")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("home_area", sa.String(length=64), nullable=False),
        sa.Column("need", sa.String(length=64), nullable=True),
        sa.Column("area", sa.String(length=128), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("budget_needed", sa.Float(), nullable=False),
        sa.Column("feed_seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_feed_seq", "alerts", ["feed_seq"], unique=True)
    op.create_index("ix_alerts_raised_at_id", "alerts", ["raised_at", "id"], unique=False)
    op.create_index("ix_alerts_status", "alerts", ["status"], unique=False)
    op.create_table(
        "home_status",
        sa.Column("home_area", sa.String(length=64), nullable=False),
        sa.Column("log_time", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("home_area", name=op.f("pk_home_status")),
    )
    op.create_table(
        "nodes",
        sa.Column("id", NODE_ID, nullable=False),
        sa.Column("home_area", sa.String(length=64), nullable=False),
        sa.Column("need", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
    op.create_index("ix_nodes_need_area_home_area", "nodes", ["need", "area", "home_area"], unique=True)
    op.create_table(
        "offsets",
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_offsets")),
    )
    op.create_table(
        "partition_status",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_partition_status")),
    )
    op.create_table(
        "point_versions",
        sa.Column("node", NODE_ID, autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("band_low", sa.Float(), nullable=False),
        sa.Column("band_high", sa.Float(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("node", "start", "slot", name=op.f("pk_point_versions")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_point_versions_start", "point_versions", ["start"], unique=False)
    op.create_table(
        "points",
        sa.Column("node", NODE_ID, autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("band_low", sa.Float(), nullable=False),
        sa.Column("band_high", sa.Float(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("node", "start", name=op.f("pk_points")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_points_start", "points", ["start"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "offset", name=op.f("pk_refusals")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_table(
        "source_counts",
        sa.Column("home_area", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("home_area", "source", "slot", name=op.f("pk_source_counts")),
    )
    op.create_table(
        "space",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_space")),
    )


def downgrade() -> None:
    """Back to nothing."""
    for table in (
        "alert_actions",
        "alert_feed",
        "alert_people",
        "alert_versions",
        "alerts",
        "home_status",
        "nodes",
        "offsets",
        "partition_status",
        "point_versions",
        "points",
        "refusals",
        "sessions",
        "source_counts",
        "space",
    ):
        op.drop_table(table)
