"""What stands out over days, and what past alerts say: movers of the week, similar alerts, precision and lead time."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from schemas.codes import CONTACTS
from schemas.topics import DAY_MS
from services.api.codebook import Codebook
from services.api.scope import Scope
from services.api.tables import alert_people, alerts, nodes, points
from services.api.times import zulu

KAPPA = 0.06
"""Dispersion of a series where it is not known."""
SURE = 1.28
Z90 = 1.645


@dataclass(frozen=True, slots=True)
class Mover:
    """One node over some days."""

    need: str
    area: str
    observed: int
    expected: float
    value: float


def cautious(observed: int, expected: float, kappa: float = KAPPA) -> float:
    """Log of how many times the usual, shrunk by its uncertainty: what is unsure is 0.

    >>> [round(math.exp(cautious(*one)), 2) for one in ((3, 1.0), (84, 31.0), (300, 100.0))]
    [1.0, 1.82, 2.13]
    """
    ratio = math.log((observed + 0.5) / (expected + 0.5))
    unsure = SURE * math.sqrt(1 / (expected + 0.5) + kappa)
    return math.copysign(max(0.0, abs(ratio) - unsure), ratio)


def movers(
    connection: Connection, *, home_area: str, areas: Iterable[str] | None, since: int, until: int, scope: Scope
) -> list[Mover]:
    """Every node of a home area that had calls or was expected to, since (ms); all contacts are no mover's need."""
    query = (
        select(
            nodes.c.need,
            nodes.c.area,
            func.sum(points.c.observed).label("observed"),
            func.sum(points.c.expected).label("expected"),
        )
        .select_from(nodes.join(points, points.c.node == nodes.c.id))
        .where(nodes.c.home_area == home_area, points.c.start >= since, points.c.start < until)
        .group_by(nodes.c.need, nodes.c.area)
    )
    if areas is not None:
        query = query.where(nodes.c.area.in_(sorted(areas)))
    return [
        Mover(row.need, row.area, int(row.observed), float(row.expected), cautious(row.observed, row.expected))
        for row in connection.execute(query)
        if row.need != CONTACTS and scope.sees_need(row.need)
    ]


def top(found: Sequence[Mover], *, up: bool, limit: int) -> list[Mover]:
    """Those that rose, or fell, most surely; the wider node first where it is even."""
    sign = 1 if up else -1
    kept = [one for one in found if sign * one.value > 0]
    return sorted(kept, key=lambda one: (-sign * one.value, -one.observed, one.need, one.area))[:limit]


def similar(
    connection: Connection, alert: dict[str, Any], scope: Scope, book: Codebook, limit: int
) -> list[dict[str, Any]]:
    """Past alerts of the same kind that are like this one: same need and area, same need, same area, same group."""
    a = alerts.c
    people = alerts.outerjoin(alert_people, a.id == alert_people.c.alert_id)
    query = select(a.id, a.need, a.area, a.kind, a.severity, a.raised_at, a.updated_at, a.status, a.body)
    query = query.add_columns(alert_people.c.label).select_from(people)
    query = query.where(a.home_area == alert["home_area"], a.kind == alert["kind"], a.id != alert["id"])
    found: list[tuple[int, int, dict[str, Any]]] = []
    for row in connection.execute(scope.among(query).order_by(a.raised_at.desc()).limit(2000)):
        why = _why(row.need, row.area, alert, book)
        if why is None:
            continue
        body = msgspec.json.decode(row.body)
        found.append((RESEMBLANCE.index(why), -row.raised_at, _past(row, body, why)))
    return [one for _, _, one in sorted(found, key=lambda one: one[:2])[:limit]]


RESEMBLANCE = ("same_node", "same_need", "same_area", "same_group")


def _why(need: str | None, area: str, alert: dict[str, Any], book: Codebook) -> str | None:
    if need == alert["need"]:
        return "same_node" if area == alert["area"] else "same_need"
    if area == alert["area"]:
        return "same_area"
    group = book.group(need)
    return "same_group" if group is not None and group == book.group(alert["need"]) else None


def _past(row: Any, body: dict[str, Any], why: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "need": row.need,
        "need_name": body.get("need_name"),
        "area": row.area,
        "area_name": body["area_name"],
        "kind": row.kind,
        "status": row.status,
        "raised_at": zulu(row.raised_at),
        "ended_at": body.get("ended_at"),
        "severity": row.severity,
        "observed": body["observed"],
        "expected": body["expected"],
        "label": row.label,
        "why": why,
    }


def quality(connection: Connection, *, since: int, scope: Scope) -> list[dict[str, Any]]:
    """By home area: what people said of the alerts raised since (ms)."""
    a = alerts.c
    people = alerts.outerjoin(alert_people, a.id == alert_people.c.alert_id)
    query = (
        select(a.home_area, a.raised_at, a.body, alert_people.c.label, alert_people.c.acknowledged_at)
        .select_from(people)
        .where(a.raised_at >= since)
    )
    by_home: dict[str, list[Any]] = {}
    for row in connection.execute(scope.among(query)):
        by_home.setdefault(row.home_area, []).append(row)
    return [_quality(home, rows) for home, rows in sorted(by_home.items())]


def _quality(home: str, rows: Sequence[Any]) -> dict[str, Any]:
    labels: dict[str, int] = {}
    for row in rows:
        if row.label is not None:
            labels[row.label] = labels.get(row.label, 0) + 1
    real, false = labels.get("real_surge", 0), labels.get("false_alarm", 0)
    low, high = wilson(real, real + false)
    waits = [(row.acknowledged_at - row.raised_at) / 60_000 for row in rows if row.acknowledged_at is not None]
    leads = [_lead_minutes(row) for row in rows if row.label == "real_surge"]
    return {
        "home_area": home,
        "alerts": len(rows),
        "labelled": sum(labels.values()),
        "labels": labels,
        "precision": round(real / (real + false), 3) if real + false else None,
        "precision_low": low,
        "precision_high": high,
        "lead_minutes_median": round(median(leads), 1) if leads else None,
        "acknowledge_minutes_median": round(median(waits), 1) if waits else None,
    }


def _lead_minutes(row: Any) -> float:
    """From the estimated onset to the alert."""
    onset = msgspec.convert(msgspec.json.decode(row.body)["started_at"], type=datetime)
    return float(row.raised_at - onset.timestamp() * 1000) / 60_000


def wilson(hits: int, of: int) -> tuple[float | None, float | None]:
    """Where a share lies, nine times in ten.

    >>> wilson(9, 10), wilson(0, 0)
    ((0.652, 0.977), (None, None))
    """
    if of == 0:
        return None, None
    share, square = hits / of, Z90 * Z90
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z90 * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)


def days_back(now: int, days: int) -> int:
    """So many days before now, ms."""
    return now - days * DAY_MS
