"""State to bytes and back: named blocks, so that only what changed need be written again.

Blocks of a home area: `core` (numbers, names, alerts, feeds), `bank`, `profiles`, `drops`, `trends`, `seasons`,
`sources`, `hour:N` (not sealed yet), `past:N` (a sealed hour of the last three days), `seen:N` (calls counted in an
hour of log time), `history`. Block of the partition: `partition`. What follows from the rest (node counts, scores of
closed hours) is computed again.
"""

from collections import Counter, deque
from dataclasses import astuple
from typing import Any

import msgspec
import numpy as np

from schemas.codes import CONTACTS
from schemas.controls import EventBody
from schemas.log_record import Control
from schemas.space_config import MODEL, SpaceConfig
from services.detector.domain.alerts import Episode, Told
from services.detector.domain.almanac import Almanac
from services.detector.domain.bank import Bank
from services.detector.domain.batches import Batches
from services.detector.domain.evidence import Evidence
from services.detector.domain.exposure import Exposure
from services.detector.domain.feeds import Feed
from services.detector.domain.fold import References, State
from services.detector.domain.held_back import HeldBackList
from services.detector.domain.history import Past, Period
from services.detector.domain.home import Home
from services.detector.domain.intake import Intake
from services.detector.domain.labels import Labels
from services.detector.domain.ledger import Booked, Hour, Ledger
from services.detector.domain.lines import Run
from services.detector.domain.memory import Memory
from services.detector.domain.nodes import Nodes
from services.detector.domain.past_hours import KEPT_HOURS, PastHour
from services.detector.domain.profile import Profiles
from services.detector.domain.quiet import QuietPast
from services.detector.domain.rules import Rules
from services.detector.domain.scoring import Scoring
from services.detector.domain.seasons import Seasons
from services.detector.domain.snapshot_kinds import kinds_again, kinds_arrays, kinds_to_plain
from services.detector.domain.snapshot_memory import kept_days, memory_again, memory_index, model_columns
from services.detector.domain.sources import Sources
from services.detector.domain.triggers import Triggers
from services.detector.domain.unlisted import Day, Unlisted
from services.detector.domain.watch import Watch

FORMAT = 4
PARTITION = "partition"

Blocks = dict[str, bytes]
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.decode


class BadSnapshot(ValueError):
    """Blocks that do not make a state: of another format, incomplete or damaged."""


def to_blocks(state: State) -> Blocks:
    """All blocks of a state; the key of a home area's block is `HOME|name`."""
    blocks = {PARTITION: _encode(_partition(state))}
    for code, home in state.homes.items():
        blocks |= {f"{code}|{name}": block for name, block in _home_blocks(home).items()}
    return blocks


def from_blocks(blocks: Blocks, references: References) -> State:
    """The state again, exactly.

    Raises:
        BadSnapshot: of another format, or a block is missing or damaged.
    """
    try:
        return _restore(blocks, references)
    except BadSnapshot:
        raise
    except (KeyError, msgspec.MsgspecError, TypeError, ValueError, IndexError) as error:
        raise BadSnapshot(f"the snapshot cannot be read: {type(error).__name__}") from error


def budgets_of(blocks: Blocks) -> dict[str, float]:
    """Alerts a week that people asked for, by home area, as every format so far has kept them; none if unreadable."""
    try:
        budgets = _decode(blocks[PARTITION])["budgets"]
        return {str(code): float(budget) for code, budget in budgets.items()}
    except (KeyError, msgspec.MsgspecError, TypeError, ValueError, AttributeError):
        return {}


def _partition(state: State) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": MODEL,
        "log_time": state.log_time,
        "config": None if state.rules is None else msgspec.to_builtins(state.rules.config),
        "budgets": state.budgets,
        "controls": list(state.seen_controls),
        "waiting": [msgspec.to_builtins(control) for control in state.waiting],
        "histories": {code: _history(past) for code, past in state.histories.items()},
        "events": [msgspec.to_builtins(event) for event in state.events.values()],
        "homes": sorted(state.homes),
    }


def _restore(blocks: Blocks, references: References) -> State:
    raw = _decode(blocks[PARTITION])
    if (raw["format"], raw["model"]) != (FORMAT, MODEL):
        raise BadSnapshot(f"the snapshot is of format {raw['format']}, this version reads {FORMAT} of {MODEL}")
    rules = None
    if raw["config"] is not None:
        config = msgspec.convert(raw["config"], SpaceConfig)
        rules = Rules(config, references(config.reference))
    state = State(
        log_time=raw["log_time"],
        rules=rules,
        budgets=raw["budgets"],
        seen_controls=dict.fromkeys(raw["controls"]),
        waiting=[msgspec.convert(control, Control) for control in raw["waiting"]],
        histories={code: _past(periods) for code, periods in raw["histories"].items()},
        events={one["event_id"]: msgspec.convert(one, EventBody) for one in raw["events"]},
    )
    for code in raw["homes"]:
        prefix = f"{code}|"
        own = {name[len(prefix) :]: block for name, block in blocks.items() if name.startswith(prefix)}
        state.homes[code] = _home(code, own, references)
        state.homes[code].events = state.events
    return state


def _home_blocks(home: Home) -> Blocks:
    scoring, ledger = home.scoring, home.scoring.ledger
    blocks = {
        "core": _encode(_core(home)),
        "bank": _encode(_arrays(scoring.bank.columns())),
        "profiles": _encode(_arrays(scoring.profiles.columns())),
    }
    blocks["seasons"] = _encode(_arrays(scoring.almanac.seasons.columns()))
    blocks["sources"] = _encode(_arrays(scoring.exposure.sources.columns()))
    blocks |= {name: _encode(_arrays(columns)) for name, columns in kinds_arrays(home.kinds).items()}
    blocks |= {name: _encode(_arrays(columns)) for name, columns in model_columns(scoring.memory).items()}
    blocks |= {name: _encode(hours) for name, hours in kept_days(scoring.memory).items()}
    for bucket, hour in ledger.hours.items():
        blocks[f"hour:{bucket}"] = _encode([[*cell, calls] for cell, calls in hour.cells.items()])
    for past in scoring.past:
        columns = {"observed": past.observed, "expected": past.expected, "variance": past.variance}
        blocks[f"past:{past.bucket}"] = _encode(_arrays(columns))
    for log_hour, calls in ledger.seen.items():
        blocks[f"seen:{log_hour}"] = _encode([[call_id, *booked] for call_id, booked in calls.items()])
    if home.past is not None:
        blocks["history"] = _encode(_history(home.past))
    return blocks


def _core(home: Home) -> dict[str, Any]:
    scoring, watch, intake = home.scoring, home.watch, home.intake
    return {
        "config": msgspec.to_builtins(home.rules.config),
        "born": home.born,
        "changed_at": home.changed_at,
        "looked_at": home.looked_at,
        "told_series_at": home.told_series_at,
        "told_status_at": home.told_status_at,
        "untold": sorted(home.untold),
        "feeds": intake.feeds,
        "sources": [feed.raw() for feed in intake.sources.values()],
        "counters": dict(intake.counters),
        "unknown": intake.unknown,
        "usual_sources": {need: dict(calls) for need, calls in intake.usual_sources.items()},
        "evidence": intake.evidence.plain(),
        "newcomers": list(intake.newcomers.items()),
        "kinds": kinds_to_plain(home.kinds),
        "labels": home.labels.plain(),
        "memory": memory_index(scoring.memory),
        "stale": home.stale,
        "leaves": scoring.nodes.leaves,
        "names": scoring.nodes.names,
        "open_bucket": scoring.open_bucket,
        "contacts": scoring.contacts,
        "fresh_from": scoring.fresh_from.tolist(),
        "bank_hours": scoring.bank.hours,
        "sealed_until": scoring.ledger.sealed_until,
        "seal_hours": scoring.ledger.seal_hours,
        "exposure": _exposure(scoring.exposure),
        "unlisted": {**vars(scoring.almanac.unlisted), "sealed": vars(scoring.almanac.unlisted.sealed)},
        "pending": scoring.ledger.unbooked(),
        "hours": list(scoring.ledger.hours),
        "seen": list(scoring.ledger.seen),
        "past": [hour.bucket for hour in scoring.past],
        "has_history": home.past is not None,
        "budget_per_week": watch.budget_per_week,
        "blocked": watch.blocked,
        "raised_times": watch.raised_times,
        "held_back_times": watch.held_back_times,
        "episodes": [_episode(episode) for episode in watch.episodes],
        "held_back": home.held_back.plain(),
        "quiet": _quiet_plain(home.quiet),
    }


def _home(code: str, blocks: Blocks, references: References) -> Home:
    core = _decode(blocks["core"])
    config = msgspec.convert(core["config"], SpaceConfig)
    rules = Rules(config, references(config.reference))
    watch = Watch(
        code,
        core["budget_per_week"],
        [_episode_again(raw) for raw in core["episodes"]],
        core["blocked"],
        core["raised_times"],
        core["held_back_times"],
    )
    scoring = _scoring(core, blocks, rules.calendar(code), rules)
    quiet = _quiet(core)
    scoring.correct(quiet.nats, quiet.of_need)
    kinds = kinds_again(code, core["kinds"], {name: _columns(blocks[name]) for name in ("drops", "trends")})
    return Home(
        code=code,
        rules=rules,
        scoring=scoring,
        watch=watch,
        quiet=quiet,
        held_back=HeldBackList.restored(core["held_back"]),
        intake=_intake(code, rules, scoring, core, kinds.triggers),
        kinds=kinds,
        born=core["born"],
        changed_at=core["changed_at"],
        looked_at=core["looked_at"],
        told_series_at=core["told_series_at"],
        told_status_at=core["told_status_at"],
        untold=set(core["untold"]),
        past=_past(_decode(blocks["history"])) if core["has_history"] else None,
        stale=core["stale"],
        labels=Labels.restored(core["labels"]),
    )


def _intake(code: str, rules: Rules, scoring: Scoring, core: dict[str, Any], triggers: Triggers) -> Intake:
    return Intake(
        code,
        rules,
        scoring,
        triggers,
        feeds=[(source, line) for source, line in core["feeds"]],
        sources={raw["source"]: Feed.restored(raw) for raw in core["sources"]},
        counters=Counter(core["counters"]),
        unknown=core["unknown"],
        usual_sources={need: Counter(calls) for need, calls in core["usual_sources"].items()},
        evidence=Evidence.restored(core["evidence"]),
        newcomers=dict(core["newcomers"]),
    )


def _scoring(core: dict[str, Any], blocks: Blocks, calendar: Any, rules: Rules) -> Scoring:
    names = [(need, area) for need, area in core["names"]]
    nodes = Nodes.restored(rules.needs, rules.areas, [(n, a) for n, a in core["leaves"]], names)
    ledger = Ledger(core["sealed_until"], _hours(core, blocks), _seen(core, blocks), seal_hours=core["seal_hours"])
    bank = Bank.restored(len(names), core["bank_hours"], _columns(blocks["bank"]))
    profiles = Profiles.restored(_columns(blocks["profiles"]))
    past = (PastHour(bucket, **_columns(blocks[f"past:{bucket}"])) for bucket in core["past"])
    exposure = _exposure_again(core["exposure"], _columns(blocks["sources"]), rules)
    scoring = Scoring(nodes, calendar, ledger, exposure, bank, profiles, deque(past, maxlen=KEPT_HOURS))
    unlisted = core["unlisted"]
    scoring.almanac = Almanac(
        Seasons(**_columns(blocks["seasons"])),
        Unlisted(Day(**unlisted["sealed"]), unlisted["days"], unlisted["likely"]),
    )
    scoring.open_bucket, scoring.contacts = core["open_bucket"], core["contacts"]
    ledger.hear_again({leaf for leaf, (need, _) in enumerate(nodes.leaves) if need == CONTACTS})
    ledger.book_again(core["pending"])
    ledger.rebuild_counts(nodes.above, len(names))
    scoring.memory = _memory(core["memory"], blocks)
    scoring.restore(np.array(core["fresh_from"], np.int32))
    return scoring


def _exposure(exposure: Exposure) -> dict[str, Any]:
    return {
        "names": exposure.sources.names,
        "hours": exposure.sources.hours,
        "of_feed": exposure.of_feed,
        "runs": [astuple(run) for run in exposure.runs],
        "runs_now": [astuple(run) for run in exposure.runs_now],
        "reach": list(exposure.batches.reach.items()),
        "strayed": list(exposure.batches.strayed.items()),
        "rows": list(exposure.rows.items()),
        "broken": list(exposure.broken.items()),
    }


def _exposure_again(raw: dict[str, Any], columns: dict[str, Any], rules: Rules) -> Exposure:
    return Exposure(
        rules.closed_slots,
        Sources(raw["names"], raw["hours"], **columns),
        raw["of_feed"],
        [Run(*run) for run in raw["runs"]],
        [Run(*run) for run in raw["runs_now"]],
        Batches(dict(raw["reach"]), dict(raw["strayed"])),
        {bucket: tuple(row) for bucket, row in raw["rows"]},
        {bucket: tuple(sources) for bucket, sources in raw["broken"]},
    )


def _memory(index: dict[str, Any], blocks: Blocks) -> Memory:
    models = {f"model:{bucket}": _columns(blocks[f"model:{bucket}"]) for bucket, _ in index["models"]}
    return memory_again(index, models, {day: _decode(blocks[day]) for day in index["days"]})


def _hours(core: dict[str, Any], blocks: Blocks) -> dict[int, Hour]:
    cells = {bucket: _decode(blocks[f"hour:{bucket}"]) for bucket in core["hours"]}
    return {bucket: Hour({(leaf, feed): calls for leaf, feed, calls in rows}) for bucket, rows in cells.items()}


def _seen(core: dict[str, Any], blocks: Blocks) -> dict[int, dict[int, Booked]]:
    rows = {hour: _decode(blocks[f"seen:{hour}"]) for hour in core["seen"]}
    return {
        hour: {row[0]: Booked(row[1], row[2], row[3], row[4], tuple(row[5])) for row in calls}
        for hour, calls in rows.items()
    }


def _arrays(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: [column.dtype.str, list(column.shape), column.tobytes()] for name, column in columns.items()}


def _columns(block: bytes) -> dict[str, Any]:
    raw = _decode(block)
    return {name: np.frombuffer(data, dtype).reshape(shape).copy() for name, (dtype, shape, data) in raw.items()}


def _quiet_plain(quiet: QuietPast) -> list[Any]:
    by_key = list(quiet.peaks.items()), list(quiet.told.items())
    return [*by_key, quiet.begun, quiet.nats, quiet.of_need, list(quiet.alerts.items()), sorted(quiet.caused)]


def _quiet(core: dict[str, Any]) -> QuietPast:
    *rows, begun, nats, of_need, alerts, caused = core["quiet"]
    peaks, told = ({(at, node): one for (at, node), one in each} for each in rows)
    known = {alert: (at, node) for alert, (at, node) in alerts}
    return QuietPast(peaks, begun, nats, of_need, told, known, {(at, node) for at, node in caused})


def _episode(episode: Episode) -> dict[str, Any]:
    told = None if episode.told is None else vars(episode.told)
    return {**vars(episode), "told": told, "carried_parts": list(episode.carried_parts.items())}


def _episode_again(raw: dict[str, Any]) -> Episode:
    told = None if raw["told"] is None else Told(**raw["told"])
    observed, expected, variance = raw["carried"]
    parts = {node: (one, usual) for node, (one, usual) in raw["carried_parts"]}
    return Episode(**{**raw, "told": told, "carried": (observed, expected, variance), "carried_parts": parts})


def _history(past: Past) -> list[Any]:
    return [
        [one.source, one.start, one.end, [[start, cells] for start, cells in one.hours.items()]] for one in past.periods
    ]


def _past(raw: list[Any]) -> Past:
    return Past(
        [
            Period(
                source,
                begin,
                end,
                {start: [(n, a, line, calls) for n, a, line, calls in cells] for start, cells in hours},
            )
            for source, begin, end, hours in raw
        ]
    )
