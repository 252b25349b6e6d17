"""Alerts that are not surges: their state to plain values and arrays, and back (see `snapshot`)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from numpy.typing import NDArray

from schemas.reference import Trigger
from services.detector.domain.cases import Case, CaseTold
from services.detector.domain.drops import Drops
from services.detector.domain.kinds import Kinds
from services.detector.domain.rows import Rows
from services.detector.domain.silences import Outage, Silences
from services.detector.domain.trends import Trends
from services.detector.domain.triggers import Rule, Triggers

Columns = dict[str, NDArray[Any]]


def kinds_to_plain(kinds: Kinds) -> dict[str, Any]:
    """All but the arrays."""
    drops, trends, silences = kinds.drops, kinds.trends, kinds.silences
    return {
        "day_over": kinds.day_over,
        "triggers": [_rule(rule) for rule in kinds.triggers.rules],
        "silences": {source: _case(case) for source, case in silences.cases.items()},
        "silences_blocked": sorted(silences.blocked),
        "outages": [[one.source, one.start, one.end] for one in silences.outages],
        "drops": [_case(case) for case in drops.cases],
        "drops_blocked": drops.blocked,
        "trends": [_case(case) for case in trends.cases],
        "trends_blocked": trends.blocked,
        "trend_days": trends.days,
    }


def kinds_arrays(kinds: Kinds) -> dict[str, Columns]:
    """The arrays, by name of their block."""
    return {"drops": kinds.drops.rows.columns(), "trends": kinds.trends.rows.columns()}


def kinds_again(home_area: str, raw: dict[str, Any], arrays: Mapping[str, Columns]) -> Kinds:
    """The same again."""
    silences = Silences(
        home_area,
        {source: _case_again(case) for source, case in raw["silences"].items()},
        set(raw["silences_blocked"]),
        [Outage(source, start, end) for source, start, end in raw["outages"]],
    )
    drops = Drops(home_area, Rows.restored(arrays["drops"]), _cases(raw["drops"]), _pairs(raw["drops_blocked"]))
    trends = Trends(
        home_area,
        Rows.restored(arrays["trends"]),
        raw["trend_days"],
        _cases(raw["trends"]),
        _pairs(raw["trends_blocked"]),
    )
    triggers = Triggers(home_area, [_rule_again(rule) for rule in raw["triggers"]])
    return Kinds(triggers, silences, drops, trends, raw["day_over"])


def _rule(rule: Rule) -> dict[str, Any]:
    case = None if rule.case is None else _case(rule.case)
    minutes = sorted(rule.minutes.items())
    return {**vars(rule), "trigger": msgspec.to_builtins(rule.trigger), "case": case, "minutes": minutes}


def _rule_again(raw: dict[str, Any]) -> Rule:
    trigger = msgspec.convert(raw["trigger"], Trigger)
    case = None if raw["case"] is None else _case_again(raw["case"])
    return Rule(**{**raw, "trigger": trigger, "case": case, "minutes": dict(raw["minutes"])})


def _case(case: Case) -> dict[str, Any]:
    return {**vars(case), "told": None if case.told is None else vars(case.told)}


def _case_again(raw: dict[str, Any]) -> Case:
    told = None if raw["told"] is None else CaseTold(**raw["told"])
    tuples = {name: tuple(raw[name]) for name in ("carried", "detail", "playbook")}
    return Case(**{**raw, "told": told, **tuples})


def _cases(raw: list[dict[str, Any]]) -> list[Case]:
    return [_case_again(one) for one in raw]


def _pairs(raw: list[list[str]]) -> list[tuple[str, str]]:
    return [(need, area) for need, area in raw]
