"""What the follower does now and then: report what it stepped over, drop what is old."""

from collections.abc import Callable

import msgspec
import structlog
from sqlalchemy import and_, delete, or_, select

from schemas.output import Rejected
from schemas.topics import REJECTED
from services.api import retention
from services.api.database import Database
from services.api.tables import refusals
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaProblem, Record, RecordRefused

log = structlog.get_logger("api.chores")

REPORT_SECONDS = 1.0
PRUNE_SECONDS = 600.0
ROWS_A_REPORT = 200
SOURCE = "groundswell-api"

Write = Callable[[list[Record]], object]
"""Returns when Kafka has the records; raises KafkaProblem."""


class Chores:
    """Runs what is due.

    Args:
        write: how records get to Kafka; raises KafkaProblem.
    """

    def __init__(self, database: Database, clock: Clock, *, space: str, write: Write) -> None:
        self._database, self._clock, self._write = database, clock, write
        self._topic = REJECTED.in_space(space)
        self._next_report = self._next_prune = clock.monotonic()

    def run(self) -> None:
        """Do what is due; raises DatabaseAway."""
        now = self._clock.monotonic()
        if now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self.report()
        if now >= self._next_prune:
            self._next_prune = now + PRUNE_SECONDS
            self.prune()

    def report(self) -> int:
        """Write refusals to `calls.rejected.v1` and forget them; what fails is tried again. Raises DatabaseAway."""
        with self._database.reading() as connection:
            rows = connection.execute(select(refusals).limit(ROWS_A_REPORT)).all()
        if not rows:
            return 0
        now = self._clock.now_ms()
        records = [
            Record(
                self._topic,
                msgspec.json.encode(
                    Rejected(1, row.reason, topic=row.topic, partition=row.partition, offset=row.offset, at=now)
                ),
                key=SOURCE.encode(),
            )
            for row in rows
        ]
        try:
            self._write(records)
        except RecordRefused:
            log.warning("report_refused", records=len(records))
        except KafkaProblem:
            return 0
        c = refusals.c
        done = [and_(c.topic == row.topic, c.partition == row.partition, c.offset == row.offset) for row in rows]
        with self._database.writing() as connection:
            connection.execute(delete(refusals).where(or_(*done)))
        return len(rows)

    def prune(self) -> None:
        """Delete what is older than `stores.py` says. Raises DatabaseAway."""
        with self._database.writing() as connection:
            gone = retention.apply(connection, self._clock.now_ms())
        if gone:
            log.info("old_rows_deleted", **gone)
