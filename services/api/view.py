"""An alert as it is shown: what the detector says, what people said, which silences and declared events cover it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, or_, select

from services.api.codebook import Codebook
from services.api.human import Human, from_row
from services.api.tables import home_status
from services.api.tables_people import declared_events, silences
from services.api.times import zulu
from services.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Cover:
    """A set of alerts: all that is given must match; codes stand with all below them.

    >>> Cover(needs=frozenset({"BH"})).has("a1", "metro", "BH", "east"), Cover(alert="a2").has("a1", "m", "BH", "e")
    (True, False)
    """

    alert: str | None = None
    home_area: str | None = None
    needs: frozenset[str] | None = None
    areas: frozenset[str] | None = None

    def has(self, alert_id: str, home_area: str, need: str | None, area: str) -> bool:
        """Whether an alert belongs to it."""
        return (
            self.alert in (None, alert_id)
            and self.home_area in (None, home_area)
            and (self.needs is None or need in self.needs)
            and (self.areas is None or area in self.areas)
        )


@dataclass(frozen=True, slots=True)
class Mute:
    """A silence in force."""

    id: str
    until: int
    cover: Cover


@dataclass(frozen=True, slots=True)
class Occasion:
    """A declared event."""

    id: str
    start: int
    end: int | None
    cover: Cover

    def has(self, row: Any) -> bool:
        """Whether an alert of its place and needs was open at some time of it."""
        over = row.updated_at if row.status == "ended" else None
        in_time = (self.end is None or row.raised_at < self.end) and (over is None or over >= self.start)
        return in_time and self.cover.has(row.id, row.home_area, row.need, row.area)


@dataclass(frozen=True, slots=True)
class View:
    """What is laid over the rows of alerts when they are read."""

    now: int = 0
    """Clock of the space, ms."""
    mutes: tuple[Mute, ...] = ()
    occasions: tuple[Occasion, ...] = ()

    def alert(self, row: Row[tuple[object, ...]]) -> dict[str, Any]:
        """The JSON object of a row of `select_alerts`."""
        body: dict[str, Any] = msgspec.json.decode(row.body)
        return self.dressed(body, from_row(row.human_version, row.more), row)

    def dressed(self, body: dict[str, Any], human: Human, row: Any) -> dict[str, Any]:
        """A version of an alert with this human side; `row` says where it belongs."""
        hiding = self.hiding(row.id, row.home_area, row.need, row.area)
        return body | {
            **human.shown(),
            "silenced_until": zulu(max(one.until for one in hiding)) if hiding else None,
            "silenced_by": [one.id for one in hiding],
            "events": self.events(row),
        }

    def hiding(self, alert_id: str, home_area: str, need: str | None, area: str) -> list[Mute]:
        """The silences that hide an alert."""
        return [one for one in self.mutes if one.cover.has(alert_id, home_area, need, area)]

    def events(self, row: Any) -> list[str]:
        """The declared events that an alert joins."""
        return [one.id for one in self.occasions if one.has(row)]


class Views:
    """Reads what is laid over alerts.

    Args:
        book: the trees, or None before the space is set up.
    """

    def __init__(self, clock: Clock, mode: str, book: Callable[[], Codebook | None]) -> None:
        self._clock, self._mode, self.book = clock, mode, book

    def now(self, connection: Connection) -> int:
        """Clock of the space, ms: the wall's when live, else log time."""
        if self._mode == "live":
            return self._clock.now_ms()
        newest: int | None = connection.scalar(select(func.max(home_status.c.log_time)))
        return self._clock.now_ms() if newest is None else newest

    def read(self, connection: Connection, at: int | None = None) -> View:
        """What holds now, or held at a moment (ms)."""
        now = self.now(connection) if at is None else at
        book = self.book()
        return View(now, tuple(_mutes(connection, book, now)), tuple(_occasions(connection, book)))


def cover_of(
    book: Codebook | None,
    *,
    alert: str | None = None,
    home_area: str | None = None,
    need: str | None = None,
    area: str | None = None,
    line: str | None = None,
) -> Cover:
    """What a silence with these fields covers."""
    needs = None
    if need is not None:
        needs = book.needs_below(need) if book else frozenset({need})
    if line is not None:
        of_line = frozenset(one.code for one in book.reference.needs if one.line == line) if book else frozenset()
        needs = of_line if needs is None else needs & of_line
    areas = None
    if area is not None:
        areas = book.areas_below(area) if book else frozenset({area})
    return Cover(alert, home_area, needs, areas)


def event_cover(book: Codebook | None, areas: Iterable[str], needs: Iterable[str]) -> Cover:
    """What a declared event covers; no need: every need, and what has none."""
    wide = frozenset().union(*(book.areas_below(code) if book else {code} for code in areas))
    deep = frozenset().union(*(book.needs_below(code) if book else {code} for code in needs))
    return Cover(needs=deep or None, areas=wide)


def _mutes(connection: Connection, book: Codebook | None, now: int) -> Iterable[Mute]:
    s = silences.c
    query = select(silences).where(s.created_at <= now, s.until > now, or_(s.ended_at.is_(None), s.ended_at > now))
    for row in connection.execute(query.order_by(s.created_at, s.id)):
        yield Mute(row.id, row.until, silence_cover(book, row))


def silence_cover(book: Codebook | None, row: Any) -> Cover:
    """What a row of `silences` covers."""
    if row.scope == "alert":
        return Cover(alert=row.from_alert)
    return cover_of(book, home_area=row.home_area, need=row.need, area=row.area, line=row.line)


def _occasions(connection: Connection, book: Codebook | None) -> Iterable[Occasion]:
    query = select(declared_events).where(declared_events.c.withdrawn.is_(False)).order_by(declared_events.c.start)
    for row in connection.execute(query):
        body = msgspec.json.decode(row.body)
        yield Occasion(row.id, row.start, row.end, event_cover(book, body["areas"], body["needs"]))
