"""Fold the database again: forget what came from the log, keep what people did."""

from sqlalchemy import delete, func, select

from services.api.database import Database
from services.api.tables import (
    alert_versions,
    alerts,
    home_status,
    nodes,
    offsets,
    partition_status,
    point_versions,
    points,
    refusals,
    source_counts,
)
from services.api.tables_people import rejections

FOLDED = (
    alert_versions,
    alerts,
    home_status,
    nodes,
    offsets,
    partition_status,
    point_versions,
    points,
    refusals,
    rejections,
    source_counts,
)
"""Tables that the log fills. The place in the feed goes on counting, so that open pages get everything anew."""


def refold(database: Database) -> dict[str, int]:
    """Forget everything folded and where the fold stands, in one transaction; the next start of the API folds again.

    Acknowledgements, labels, notes, silences and sessions stay. What the topics no longer hold is gone afterwards:
    series older than their retention, and versions of alerts that compaction took. No API may run meanwhile.

    Returns:
        Rows forgotten, by table.

    Raises:
        DatabaseAway: nothing was forgotten.
    """
    forgotten: dict[str, int] = {}
    with database.writing() as connection:
        for table in FOLDED:
            forgotten[table.name] = connection.scalar(select(func.count()).select_from(table)) or 0
            connection.execute(delete(table))
    return forgotten
