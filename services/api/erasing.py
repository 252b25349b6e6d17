"""What the database keeps by source, and forgets when a source is erased."""

from sqlalchemy import delete

from services.api.database import Database
from services.api.tables import source_counts
from services.api.tables_people import rejections

BY_SOURCE = (rejections, source_counts)


def forget_source(database: Database, source: str) -> dict[str, int]:
    """Delete what is counted by this source; rows by table. Raises DatabaseAway."""
    with database.writing() as connection:
        return {
            table.name: connection.execute(delete(table).where(table.c.source == source)).rowcount
            for table in BY_SOURCE
        }
