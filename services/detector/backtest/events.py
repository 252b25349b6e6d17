"""`backtest --events`: the worker's own fold over a file of calls, in process; the log is a loop."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.log_record import VERSION, Calls, Control, History, LogCall, LogNeed, LogRecord, Tick
from schemas.reference import Reference, content_hash, encode_reference
from schemas.space_config import SpaceConfig
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.fold import State, step
from services.detector.domain.instants import instant
from services.detector.domain.outputs import Output
from services.detector.domain.tuning import TUNING

SILENT_TAIL_MS = 72 * HOUR_MS
"""Time that is let pass after the last call, so that what is open can end."""
OF_ABSENCE = ("silence", "drop")
"""Not raised in that time: the end of a file is no feed that stopped."""


class BadRow(ValueError):
    """A row that cannot be replayed; the message names the field."""


@dataclass
class Watched:
    """Since when each home area is watched: before, the detector learns what is usual and raises no surge."""

    since: dict[str, int] = field(default_factory=dict)
    """Log time (ms) at which what is usual in a home area was known."""
    until: int = 0
    """Log time (ms) of the last call."""
    learned_hours: dict[str, int] = field(default_factory=dict)
    """Hours that were learned in home areas that are not watched yet."""

    def look(self, state: State) -> None:
        """After a record: which home areas are watched by now."""
        self.until = state.log_time
        for code, home in state.homes.items():
            if code not in self.since and home.scoring.bank.careful:
                self.since[code] = state.log_time

    def end(self, state: State) -> None:
        """After the last call: what the others have learned."""
        self.learned_hours = {
            code: home.scoring.bank.hours for code, home in state.homes.items() if code not in self.since
        }

    @property
    def first(self) -> int | None:
        """When the first home area began to be watched, ms."""
        return min(self.since.values(), default=None)

    @property
    def weeks(self) -> float:
        """From then to the last call."""
        return 0.0 if self.first is None else (self.until - self.first) / (7 * 24 * HOUR_MS)

    @property
    def needed_hours(self) -> dict[str, int]:
        """Hours of past that home areas lack which are not watched yet."""
        return {code: max(1, TUNING.careful_after_hours - hours) for code, hours in self.learned_hours.items()}


def run_events(
    rows: Iterable[Mapping[str, Any]],
    reference: Reference,
    budget_per_week: float = 3.0,
    *,
    seal_hours: int = 6,
    history: Iterable[tuple[str, History]] = (),
    watched: Watched | None = None,
) -> Iterator[Alert]:
    """Alert versions in the order in which they would have been told.

    Args:
        rows: calls as dicts of the call event's fields, in order of arrival; `logged_at` (RFC 3339 or ms) where
            known, else the running maximum of `time`.
        reference: trees, holidays, zones.
        budget_per_week: chance alerts a week per home area.
        seal_hours: how long late calls are waited for.
        history: (home area, hourly counts) of the past, learned before the first call.
        watched: told what was watched; complete when the last alert has been.

    Raises:
        BadRow: a call that cannot be replayed.
        BadRecord: a record that the fold cannot count.
    """
    body, watched = encode_reference(reference), watched or Watched()
    config = SpaceConfig("replay", 500, seal_hours, budget_per_week, 1, content_hash(body))
    control = Control(VERSION, "backtest", "config", 0, 0, "backtest", msgspec.to_builtins(config))
    state = State()
    records: Iterator[tuple[str | None, LogRecord]] = chain([(None, control)], history, _records(rows, reference))
    for record in records:
        yield from _alerts(fold_records([record], state, reference))
        watched.look(state)
    watched.end(state)
    end = state.log_time
    tail = ((None, Tick(VERSION, end + passed)) for passed in range(HOUR_MS, SILENT_TAIL_MS + 1, HOUR_MS))
    for alert in _alerts(fold_records(tail, state, reference)):
        if alert.kind not in OF_ABSENCE or alert.raised_at <= instant(end):
            yield alert


def _alerts(outputs: Iterable[Output]) -> Iterator[Alert]:
    return (output.value for output in outputs if isinstance(output.value, Alert))


def fold_records(
    records: Iterable[tuple[str | None, LogRecord]], state: State, reference: Reference
) -> Iterator[Output]:
    """Everything the fold says about (key, record) pairs; `state` is changed."""
    for key, record in records:
        yield from step(state, key, record, lambda _: reference)


def _records(rows: Iterable[Mapping[str, Any]], reference: Reference) -> Iterator[tuple[str, LogRecord]]:
    clock = 0
    for row in rows:
        call, logged_at = log_call(row)
        clock = max(clock, logged_at if logged_at is not None else call.time)
        stamp = logged_at if logged_at is not None else clock
        yield home_of(call, reference), Calls(VERSION, (stamp,), (call,))


def home_of(call: LogCall, reference: Reference) -> str:
    """Home area of a call; without a known place it is the only one there is."""
    home = reference.home_area(call.area) if call.area is not None else None
    if home is not None:
        return home
    if len(reference.home_areas) != 1:
        raise BadRow("area: a call without a known place, and the reference has several home areas")
    return reference.home_areas[0]


def log_call(row: Mapping[str, Any]) -> tuple[LogCall, int | None]:
    """A call event's fields as they would stand on the log, and when it was logged, if the row says so (ms)."""
    try:
        digest = hashlib.blake2b(f"{row['source']}\0{row['id']}".encode(), digest_size=8).hexdigest()
        needs = tuple(
            need if isinstance(need, str) else LogNeed(need["code"], need.get("met"), need.get("reason"))
            for need in row.get("needs", ())
        )
        call = LogCall(
            id=digest,
            source=row["source"],
            time=_milliseconds(row["time"]),
            line=row["line"],
            needs=needs,
            area=row.get("area"),
            type=row.get("type"),
            channel=row.get("channel"),
            outcome=row.get("outcome"),
            revision=row.get("revision", 0),
            void=row.get("void", False),
            count=row.get("count", 1),
        )
    except KeyError as error:
        raise BadRow(f"{error.args[0]}: is missing") from None
    logged_at = row.get("logged_at")
    return call, None if logged_at is None else _milliseconds(logged_at)


def _milliseconds(value: object) -> int:
    if isinstance(value, int):
        return value
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise BadRow("time: has no offset")
    return round(moment.timestamp() * 1000)
