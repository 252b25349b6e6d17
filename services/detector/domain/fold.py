"""The fold: `step(state, record) -> outputs`, for one partition of the log. Nothing else moves the detector.

The state is changed in place, which is what makes it quick; it is pure all the same, because the outputs and the new
state depend on the old state and the record alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.controls import BudgetBody, EventBody, body_of
from schemas.log_record import BadRecord, Calls, Control, History, LogRecord, Tick
from schemas.output import Rejected
from schemas.reference import Reference
from schemas.space_config import SpaceConfig
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.declared import forget_events
from services.detector.domain.exposure import Exposure
from services.detector.domain.history import Past
from services.detector.domain.home import Home
from services.detector.domain.intake import Intake
from services.detector.domain.kinds import Kinds
from services.detector.domain.ledger import Ledger
from services.detector.domain.nodes import Nodes
from services.detector.domain.obedience import obey, refusal
from services.detector.domain.outputs import Output, rejected_output
from services.detector.domain.rules import Rules
from services.detector.domain.scoring import Scoring
from services.detector.domain.triggers import Triggers
from services.detector.domain.watch import Watch

HANDLED = ("config", "budget", "end", "label", "event", "retract")
CONTROLS_REMEMBERED = 10_000
LARGEST_STEP_MS = 400 * 24 * HOUR_MS
"""A stamp further ahead of log time than this is a broken clock, not the passing of time."""

CALL_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
LARGEST_NUMBER = 2**31 - 1
LONGEST_HISTORY_MS = 10 * 366 * 24 * HOUR_MS

References = Callable[[str], Reference]
"""Hash -> reference body; the log holds both, so this is a look-up, not an input."""


@dataclass
class State:
    """Everything that one partition's past has left behind."""

    log_time: int = 0
    """ms; never goes back."""
    rules: Rules | None = None
    homes: dict[str, Home] = field(default_factory=dict)
    budgets: dict[str, float] = field(default_factory=dict)
    seen_controls: dict[str, None] = field(default_factory=dict)
    waiting: list[Control] = field(default_factory=list)
    """Controls whose time has not come, by effective_at."""
    events: dict[str, EventBody] = field(default_factory=dict)
    """Declared events by id, the same for all home areas."""
    histories: dict[str, Past] = field(default_factory=dict)
    """Loaded history of home areas whose first call has not come."""


def step(
    state: State, key: str | None, record: LogRecord, references: References, *, no_later_than: int | None = None
) -> list[Output]:
    """Fold one record in; returns what is to be said.

    Args:
        state: changed in place.
        key: home area of calls and history.
        record: a decoded record.
        references: finds the reference body that a `config` control names.
        no_later_than: in a live space, the record's own timestamp + 2 s: no stamp counts as later.

    Raises:
        BadRecord: the record cannot be folded; the state has not changed.
    """
    stamps = _stamps(record, no_later_than)
    if state.log_time and max(stamps, default=0) > state.log_time + LARGEST_STEP_MS:
        raise BadRecord("its stamp lies more than 400 days after log time")
    if isinstance(record, Tick):
        return _advance(state, stamps[0], references)
    if isinstance(record, Control):
        return _control(state, record, references)
    if state.rules is None:
        raise BadRecord("no configuration stands before it in the partition")
    if key is None or key not in state.rules.reference.home_areas:
        raise BadRecord("the key is not a home area of the reference data")
    if isinstance(record, History):
        _check_history(record)
        return _history(state, key, record)
    _check_calls(record)
    return _calls(state, key, record, stamps, references)


def _check_calls(record: Calls) -> None:
    """What the types of the contract leave open and the fold cannot count."""
    for call in record.calls:
        if not CALL_ID.fullmatch(call.id):
            raise BadRecord("the id of a call is not 16 hex digits")
        if not (0 < call.count <= LARGEST_NUMBER and 0 <= call.revision <= LARGEST_NUMBER):
            raise BadRecord("the count or the revision of a call is out of range")


def _check_history(record: History) -> None:
    if not 0 <= record.end - record.start <= LONGEST_HISTORY_MS:
        raise BadRecord("the history ends before it begins, or spans more than ten years")
    if any(not 0 <= cell.count <= LARGEST_NUMBER for cell in record.cells):
        raise BadRecord("a count of the history is out of range")


def _stamps(record: LogRecord, no_later_than: int | None) -> list[int]:
    stamps = record.at if isinstance(record, Calls) else (record.at,) if isinstance(record, Tick) else ()
    return [stamp if no_later_than is None else min(stamp, no_later_than) for stamp in stamps]


def _calls(state: State, key: str, record: Calls, stamps: list[int], references: References) -> list[Output]:
    said: list[Output] = []
    for logged_at, call in zip(stamps, record.calls, strict=True):
        said += _advance(state, logged_at, references)
        home = state.homes.get(key) or _born(state, key)
        said += home.call(call, logged_at)
    return said


def _history(state: State, key: str, record: History) -> list[Output]:
    home = state.homes.get(key)
    if home is None:
        state.histories.setdefault(key, Past()).put(record)
        return []
    reason = home.learn_history(record)
    return [rejected_output(Rejected(1, reason, source=record.source))] if reason else []


def _born(state: State, key: str) -> Home:
    """A home area begins with its first call; the hour it begins in is not learned, being only a part."""
    rules, now = state.rules, state.log_time
    assert rules is not None
    calendar = rules.calendar(key)
    bucket = calendar.bucket(now)
    seal_hours = rules.config.seal_hours
    ledger = Ledger(bucket - seal_hours, seal_hours=seal_hours)
    exposure = Exposure(rules.closed_slots)
    scoring = Scoring(Nodes(rules.needs, rules.areas), calendar, ledger, exposure, open_bucket=bucket)
    watch = Watch(key, state.budgets.get(key, rules.config.budget_per_week))
    intake = Intake(key, rules, scoring, Triggers(key))
    kinds = Kinds.of(intake.triggers)
    kinds.follow(rules, scoring, now)
    past = state.histories.pop(key, Past())
    home = Home(key, rules, scoring, watch, intake, kinds, bucket, looked_at=now, past=past)
    home.events = state.events
    state.homes[key] = home
    return home


def _advance(state: State, to: int, references: References) -> list[Output]:
    """Let log time pass, with the controls that become effective on the way."""
    if to <= state.log_time:
        return []
    said: list[Output] = []
    while state.waiting and state.waiting[0].effective_at <= to:
        control = state.waiting.pop(0)
        said += _advance_homes(state, max(control.effective_at, state.log_time))
        said += _apply(state, control, references)
    return said + _advance_homes(state, to)


def _advance_homes(state: State, to: int) -> list[Output]:
    state.log_time = to
    return [output for code in sorted(state.homes) for output in state.homes[code].advance(to)]


def _control(state: State, control: Control, references: References) -> list[Output]:
    if control.id in state.seen_controls:
        return []
    if control.type not in HANDLED:
        raise BadRecord("a control of a type that this version does not know")
    if control.type == "config":
        _rules(control.body, references)
    elif refused := refusal(control):
        return [rejected_output(refused)]
    state.seen_controls[control.id] = None
    while len(state.seen_controls) > CONTROLS_REMEMBERED:
        del state.seen_controls[next(iter(state.seen_controls))]
    if state.rules is None or control.effective_at <= state.log_time:
        return _apply(state, control, references)
    state.waiting.append(control)
    state.waiting.sort(key=lambda one: (one.effective_at, one.id))
    return []


def _rules(body: dict[str, Any], references: References) -> Rules:
    try:
        config = msgspec.convert(body, SpaceConfig)
    except msgspec.ValidationError:
        raise BadRecord("the body of the config control is not a configuration") from None
    return Rules(config, references(config.reference))


def _apply(state: State, control: Control, references: References) -> list[Output]:
    if control.type == "config":
        state.rules = _rules(control.body, references)
        now = state.log_time
        return [output for code in sorted(state.homes) for output in state.homes[code].adopt(state.rules, now)]
    homes = [state.homes[code] for code in sorted(state.homes) if control.home_area in (None, code)]
    body = body_of(control.type, control.body)
    if isinstance(body, BudgetBody) and control.home_area is not None:
        state.budgets[control.home_area] = body.per_week
    old = state.events.get(body.event_id) if isinstance(body, EventBody) else None
    if isinstance(body, EventBody):
        state.events.pop(body.event_id, None)
        state.events[body.event_id] = body
        forget_events(state.events, state.log_time)
    return [output for home in homes for output in obey(home, body, old, control.issuer, state.log_time)]
