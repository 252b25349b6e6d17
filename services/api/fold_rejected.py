"""What was refused into rows: how often, by source, hour, reason and field; never a value."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete

from schemas.output import Rejected
from services.api.database import upsert
from services.api.stores import days_of
from services.api.tables_people import rejections

HOUR_MS = 3_600_000
DAYS_KEPT = days_of("rejections")
LONGEST = 160


def write(connection: Connection, records: Sequence[Rejected]) -> None:
    """Count refusals; one that does not say when counts at the newest hour of the batch."""
    counts: dict[tuple[str, int, str, str], tuple[int, int]] = {}
    newest = max((record.at or 0 for record in records), default=0)
    for record in records:
        at = record.at or newest
        key = ((record.source or "")[:64], at // HOUR_MS, record.reason[:LONGEST], (record.field or "")[:LONGEST])
        count, last = counts.get(key, (0, 0))
        counts[key] = count + 1, max(last, at)
    if not counts:
        return
    statement = upsert(connection, rejections)
    statement = statement.on_conflict_do_update(
        index_elements=["source", "hour", "reason", "field"],
        set_={"count": rejections.c.count + statement.excluded.count, "last_at": statement.excluded.last_at},
    )
    rows = [
        {"source": source, "hour": hour, "reason": reason, "field": field, "count": count, "last_at": last}
        for (source, hour, reason, field), (count, last) in sorted(counts.items())
    ]
    connection.execute(statement, rows)
    oldest = newest // HOUR_MS - DAYS_KEPT * 24
    connection.execute(delete(rejections).where(rejections.c.hour < oldest, rejections.c.hour > 0))
