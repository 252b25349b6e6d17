"""Questions about series, to the database; hours without a point are told as they are: nothing observed."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, func, select

from schemas.codes import CONTACTS
from services.api.disclosure import FLOOR, disclosable
from services.api.fold_series import SLOT_MS
from services.api.tables import nodes, point_versions, points
from services.runtime.clock import from_ms

HOUR_MS = 3_600_000
SILENT_HOURS = 6
"""Shorter than this, a home area without a word may just be a small one at night."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour or day; times in ms."""

    start: int
    observed: int
    expected: float | None = None
    band_low: float | None = None
    band_high: float | None = None
    open: bool = False
    known: bool = True
    """False: no data at all came from the home area, so that 0 observed says nothing."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to before `end`, ms, of what was known at `known_at`; None: of what is known now."""

    start: int
    end: int
    known_at: int | None = None


def hours(
    connection: Connection, *, home_area: str, need: str, area: str, span: Span, log_time: int, zone: str
) -> list[Bucket]:
    """Every hour of the span up to the running one, zero hours included.

    An hour without a point had no call: 0 observed. What was expected then is not on the log, so it is None; nothing
    is interpolated. With `known_at` an hour is as the last word before it said, to five minutes. Where the whole home
    area said nothing for hours on end, no call is not known to be no call.
    """
    stored = {bucket.start: bucket for bucket in _stored(connection, home_area, need, area, span)}
    now = log_time if span.known_at is None else min(log_time, span.known_at)
    phase = next(iter(stored), _local_hour(now, zone)) % HOUR_MS
    first = span.start + (phase - span.start) % HOUR_MS
    last = min(span.end, now + 1)
    grid = {start: Bucket(start, 0, open=start + HOUR_MS > now) for start in range(first, last, HOUR_MS)}
    if len(grid.keys() - stored.keys()) >= SILENT_HOURS:
        heard = stored.keys() | _heard(connection, home_area, span)
        for run in _gaps([start for start, one in grid.items() if not one.open], heard):
            grid |= {start: replace(grid[start], known=False) for start in run}
    return [bucket for _, bucket in sorted((grid | stored).items())]


def _heard(connection: Connection, home_area: str, span: Span) -> set[int]:
    """Beginnings of the hours in which anything was said of the home area as a whole."""
    query = (
        select(points.c.start)
        .select_from(points.join(nodes, nodes.c.id == points.c.node))
        .where(nodes.c.home_area == home_area, nodes.c.area == home_area, nodes.c.need == CONTACTS)
        .where(points.c.start >= span.start, points.c.start < span.end)
    )
    return set(connection.scalars(query))


def _gaps(starts: Sequence[int], heard: Collection[int]) -> Iterator[list[int]]:
    """Runs of at least `SILENT_HOURS` hours in which nothing was heard.

    >>> [len(run) for run in _gaps(range(20), {3, 12})]
    [8, 7]
    """
    for is_heard, group in groupby(starts, key=lambda start: start in heard):
        run = list(group)
        if not is_heard and len(run) >= SILENT_HOURS:
            yield run


def days(buckets: Iterable[Bucket], zone: str) -> list[Bucket]:
    """Hours added up to local days of the zone.

    The expectation of a day is known when that of each of its hours is; its band is the sum of the hours' bands, which
    is wider than a band made for the day.
    """
    local = ZoneInfo(zone)
    by_day: dict[int, list[Bucket]] = {}
    for bucket in buckets:
        day = from_ms(bucket.start).astimezone(local).date()
        midnight = datetime.combine(day, time(), local)
        by_day.setdefault(int(midnight.timestamp()) * 1000, []).append(bucket)
    return [
        Bucket(
            start,
            sum(one.observed for one in group),
            _sum([one.expected for one in group]),
            _sum([one.band_low for one in group]),
            _sum([one.band_high for one in group]),
            open=any(one.open for one in group),
            known=all(one.known for one in group),
        )
        for start, group in by_day.items()
    ]


def local_midnights(start: int, end: int, zone: str) -> tuple[int, int]:
    """The span widened to whole local days, ms."""
    local = ZoneInfo(zone)
    first = datetime.combine(from_ms(start).astimezone(local).date(), time(), local)
    last_day = from_ms(end - 1).astimezone(local).date() + timedelta(days=1)
    last = datetime.combine(last_day, time(), local)
    return int(first.timestamp()) * 1000, int(last.timestamp()) * 1000


def area_sums(
    connection: Connection, *, need: str, home_area: str, log_time: int, hours_back: int, known_at: int | None = None
) -> dict[str, tuple[int, float]]:
    """Observed and expected by area of a home area, over the last hours before `log_time` with the running one.

    With `known_at` each hour counts as the last word before it said, to five minutes.

    Only hours with a call have a point; without the others an area with few calls would seem to expect too little. So
    a closed hour without a point counts with the mean expectation of those that have one.
    """
    told: Any = points if known_at is None else _last_words(need, home_area, log_time, hours_back, known_at)
    query = (
        select(nodes.c.area, told.c.open, func.sum(told.c.observed), func.sum(told.c.expected), func.count())
        .select_from(nodes.join(told, told.c.node == nodes.c.id))
        .where(nodes.c.need == need, nodes.c.home_area == home_area, told.c.start > log_time - hours_back * HOUR_MS)
        .group_by(nodes.c.area, told.c.open)
    )
    sums: dict[str, tuple[int, float]] = {}
    for area, is_open, observed, expected, count in connection.execute(query):
        share = 1.0 if is_open else max(count, hours_back - 1) / count
        before = sums.get(area, (0, 0.0))
        sums[area] = (before[0] + int(observed), before[1] + float(expected) * share)
    return sums


def _last_words(need: str, home_area: str, log_time: int, hours_back: int, known_at: int) -> Any:
    """What was known of each hour of a need's nodes at a moment (ms)."""
    v = point_versions
    newest = (
        select(v.c.node, v.c.start, func.max(v.c.slot).label("slot"))
        .select_from(v.join(nodes, nodes.c.id == v.c.node))
        .where(nodes.c.need == need, nodes.c.home_area == home_area, *_known_by(log_time, hours_back, known_at))
        .group_by(v.c.node, v.c.start)
        .subquery()
    )
    same = and_(v.c.node == newest.c.node, v.c.start == newest.c.start, v.c.slot == newest.c.slot)
    return select(v).select_from(v.join(newest, same)).subquery()


def was_expecting(connection: Connection, *, home_area: str, log_time: int, hours_back: int, known_at: int) -> bool:
    """Whether anything at all was expected of a home area then: while it is warming up, nothing is."""
    v = point_versions
    query = (
        select(v.c.node)
        .select_from(v.join(nodes, nodes.c.id == v.c.node))
        .where(nodes.c.home_area == home_area, v.c.expected > 0, *_known_by(log_time, hours_back, known_at))
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _known_by(log_time: int, hours_back: int, known_at: int) -> tuple[ColumnElement[bool], ...]:
    v = point_versions.c
    since = v.start > log_time - hours_back * HOUR_MS
    return since, v.start <= known_at, v.slot <= known_at // SLOT_MS, v.known_at <= known_at


@dataclass(frozen=True, slots=True)
class TopNode:
    """A large node of a home area, over its last closed hours."""

    home_area: str
    need: str
    observed: int
    expected: float


def top_nodes(
    connection: Connection, *, log_times: dict[str, int], needs: Sequence[str], hours_back: int, limit: int
) -> list[TopNode]:
    """The largest needs of the home areas as a whole, besides all contacts, as far as they may leave the system.

    `needs` are of one level, so no cell that is shown lies within another.
    """
    found: list[TopNode] = []
    for home_area, log_time in log_times.items():
        query = (
            select(nodes.c.need, func.sum(points.c.observed), func.sum(points.c.expected))
            .select_from(nodes.join(points, points.c.node == nodes.c.id))
            .where(
                nodes.c.home_area == home_area,
                nodes.c.area == home_area,
                nodes.c.need.in_([CONTACTS, *needs]),
                points.c.start > log_time - (hours_back + 1) * HOUR_MS,
                points.c.start <= log_time - HOUR_MS,
            )
            .group_by(nodes.c.need)
        )
        nodes_here = [
            TopNode(home_area, need, int(seen), float(usual)) for need, seen, usual in connection.execute(query)
        ]
        cells = {one.need: one.observed for one in nodes_here}
        contacts = cells.pop(CONTACTS, 0)
        shown = disclosable(contacts, cells) | ({CONTACTS} if contacts >= FLOOR else set())
        found += [one for one in nodes_here if one.need in shown]
    return sorted(found, key=lambda one: (-one.observed, one.home_area, one.need))[:limit]


def _stored(connection: Connection, home_area: str, need: str, area: str, span: Span) -> list[Bucket]:
    table = points if span.known_at is None else point_versions
    query = (
        select(table)
        .select_from(table.join(nodes, nodes.c.id == table.c.node))
        .where(
            nodes.c.home_area == home_area,
            nodes.c.need == need,
            nodes.c.area == area,
            table.c.start >= span.start,
            table.c.start < span.end,
        )
        .order_by(table.c.start, table.c.known_at)
    )
    if span.known_at is not None:
        query = query.where(table.c.known_at <= span.known_at, point_versions.c.slot <= span.known_at // SLOT_MS)
    newest = {row.start: row for row in connection.execute(query)}
    return [
        Bucket(row.start, row.observed, row.expected, row.band_low, row.band_high, row.open) for row in newest.values()
    ]


def _local_hour(now: int, zone: str) -> int:
    """Beginning of the local hour, ms: zones may be half an hour off."""
    offset = ZoneInfo(zone).utcoffset(from_ms(now).replace(tzinfo=None))
    shift = int(offset.total_seconds() * 1000) if offset else 0
    return now - (now + shift) % HOUR_MS


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
