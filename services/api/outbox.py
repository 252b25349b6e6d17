"""What must reach Kafka: written in the transaction of what it tells, sent afterwards, in order, until it is there."""

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, delete, insert, select, text, update

from schemas.action import Action
from schemas.controls import Body, to_body
from schemas.log_record import VERSION, Control
from schemas.topics import ACTIONS, CALLS
from services.api.database import Database, DatabaseAway
from services.api.tables_people import outbox
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaProblem, Record, RecordRefused
from services.runtime.lifecycle import State

log = structlog.get_logger("api.outbox")

AHEAD_MS = 2000
"""A control takes effect this much later, so that all partitions switch at the same log time."""
ROWS_AT_ONCE = 50
PAUSE_SECONDS = 1.0
SENDING_LOCK = 4_711_021_101
LATE_SECONDS = 30.0

Write = Callable[[Sequence[Record]], object]
"""Returns when Kafka has the records; raises KafkaProblem."""


def put_action(connection: Connection, action: Action, reference: str) -> None:
    """An action for `actions.v1`."""
    value = msgspec.json.encode(action).decode()
    key = action.alert_id or action.subject
    row = {"reference": reference, "topic": ACTIONS.name, "key": key, "stamped": True, "value": value}
    connection.execute(insert(outbox).values(row))


def put_control(
    connection: Connection, kind: str, body: Body, *, issuer: str, home_area: str | None, reference: str
) -> None:
    """A control for the home area's partition, or for every partition when it is None."""
    control = Control(
        VERSION, f"c_{secrets.token_hex(10)}", kind, 0, 0, issuer=issuer, body=to_body(body), home_area=home_area
    )
    value = msgspec.json.encode(control).decode()
    row = {"reference": reference, "topic": CALLS.name, "key": home_area, "stamped": False, "value": value}
    connection.execute(insert(outbox).values(row))


def take_back(connection: Connection, reference: str) -> bool:
    """Forget a control that has not been tried yet; false when it may be on its way."""
    gone = delete(outbox).where(outbox.c.reference == reference, outbox.c.stamped.is_(False))
    return connection.execute(gone).rowcount > 0


class Outbox:
    """The thread that sends; with several API processes on one database one sends at a time.

    Args:
        partitions: of the call topic; None before the space is set up.
        space_now: clock of the space, ms.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        space: str,
        write: Write,
        partitions: Callable[[], int | None],
        space_now: Callable[[Connection], int],
    ) -> None:
        self._database, self._clock, self._space, self._write = database, clock, space, write
        self._partitions, self._space_now = partitions, space_now
        self._news, self._stopping = threading.Event(), threading.Event()
        self._waiting_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="api-outbox", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being sent; the rest is sent after the next start."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def wake(self) -> None:
        """There is something to send."""
        self._news.set()

    def state(self) -> State:
        """Degraded while what people did does not reach Kafka."""
        since = self._waiting_since
        if since is None or self._clock.monotonic() - since < LATE_SECONDS:
            return State(True)
        return State(True, "what people did waits to be written to Kafka; nothing is lost meanwhile", degraded=True)

    def send(self) -> int:
        """Send what waits, once; returns how many rows are done.

        Raises:
            DatabaseAway: try again.
            KafkaProblem: the rows stay.
        """
        if not self._database.is_shared:
            return self._send_rows(None)
        with self._database.writing() as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SENDING_LOCK}):
                return 0
            return self._send_rows(connection)

    def _send_rows(self, _lock: Connection | None) -> int:
        """`_lock` only has to stay open meanwhile."""
        partitions = self._partitions()
        rows = [] if partitions is None else self._stamped_rows()
        if not rows:
            return 0
        records = [record for row in rows for record in self._records(row, partitions or 1)]
        try:
            self._write(records)
        except RecordRefused as error:
            log.error("outbox_refused", why=str(error), rows=len(rows))
        with self._database.writing() as connection:
            connection.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))
        return len(rows)

    def _stamped_rows(self) -> Sequence[Any]:
        """The oldest rows; controls have their time from their first try on, so that a second one says the same."""
        query = select(outbox).order_by(outbox.c.id).limit(ROWS_AT_ONCE)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if all(row.stamped for row in rows):
            return rows
        with self._database.writing() as connection:
            now = self._space_now(connection)
            for row in connection.execute(query):
                if not row.stamped:
                    value = _stamp(row.value, now)
                    connection.execute(update(outbox).where(outbox.c.id == row.id).values(stamped=True, value=value))
            return connection.execute(query).all()

    def _records(self, row: Any, partitions: int) -> list[Record]:
        topic = (CALLS if row.topic == CALLS.name else ACTIONS).in_space(self._space)
        value = row.value.encode()
        if row.key is not None:
            return [Record(topic, value, key=row.key.encode())]
        return [Record(topic, value, partition=one) for one in range(partitions)]

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                done = self.send()
            except (DatabaseAway, KafkaProblem) as error:
                done = 0
                if self._waiting_since is None:
                    self._waiting_since = self._clock.monotonic()
                    log.warning("outbox_waits", why=str(error))
                self._stopping.wait(PAUSE_SECONDS)
            except Exception as error:  # outermost loop
                done = 0
                log.error("outbox_failed", error=type(error).__name__, exc_info=True)
                self._stopping.wait(PAUSE_SECONDS)
            else:
                self._waiting_since = None
            if not done:
                self._news.wait(PAUSE_SECONDS)
                self._news.clear()


def _stamp(value: str, now: int) -> str:
    control = msgspec.json.decode(value, type=Control)
    stamped = msgspec.structs.replace(control, at=now, effective_at=now + AHEAD_MS)
    return msgspec.json.encode(stamped).decode()
