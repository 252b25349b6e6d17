"""How the space stands: log time, lag, silent feeds; read from the status rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from schemas.output import HomeStatus, PartitionStatus
from services.api.fold_alerts import milliseconds
from services.api.scope import Scope
from services.api.tables import alerts, home_status, partition_status
from services.api.times import zulu

STALE_SECONDS = 60.0
"""A home area of whose log time nothing newer came for this long is stale."""


class _Silence(msgspec.Struct):
    source: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest status of every home area and partition."""

    homes: tuple[HomeStatus, ...] = ()
    partitions: tuple[PartitionStatus, ...] = ()

    def within(self, scope: Scope) -> "Standing":
        """What somebody with this scope may see."""
        homes = (home for home in self.homes if scope.sees_home(home.home_area))
        return Standing(tuple(_with_feeds(home, scope) for home in homes), self.partitions)

    def log_time(self) -> int | None:
        """The oldest log time of the home areas, ms; None when there is none yet."""
        return min((home.log_time for home in self.homes), default=None)

    def lag_seconds(self, now_ms: int, *, live: bool) -> float | None:
        """Age of the oldest word about a partition, and for one with unread records how far behind it was then.

        Outside live, log time is not the wall clock's, so only the age counts.
        """
        lags = []
        for one in self.partitions:
            behind = one.written_at - one.log_time if live and one.next_offset < one.end_offset else 0
            lags.append(max(0, now_ms - one.written_at) + max(0, behind))
        return max(lags) / 1000 if lags else None

    def silent_sources(self) -> list[str]:
        """Feeds that have stopped, by name."""
        return sorted({one.source for home in self.homes for one in home.sources if one.state == "silent"})


def _with_feeds(home: HomeStatus, scope: Scope) -> HomeStatus:
    if scope.sources is None:
        return home
    return msgspec.structs.replace(home, sources=tuple(one for one in home.sources if scope.sees_source(one.source)))


def read_standing(connection: Connection) -> Standing:
    """Every status row."""
    homes = connection.scalars(select(home_status.c.body).order_by(home_status.c.home_area))
    partitions = connection.scalars(select(partition_status.c.body).order_by(partition_status.c.partition))
    return Standing(
        tuple(msgspec.json.decode(body, type=HomeStatus) for body in homes),
        tuple(msgspec.json.decode(body, type=PartitionStatus) for body in partitions),
    )


def beat(standing: Standing, now_ms: int, mode: str) -> dict[str, Any]:
    """The event by which a page knows that it is connected, and how old what it shows is."""
    log_time = standing.log_time()
    return {
        "now": zulu(now_ms),
        "log_time": None if log_time is None else zulu(log_time),
        "lag_seconds": standing.lag_seconds(now_ms, live=mode == "live"),
        "sources_silent": standing.silent_sources(),
        "mode": mode,
    }


def home_state_then(connection: Connection, home: HomeStatus | None, at: int, *, was_expecting: bool) -> str:
    """live, silent or warming, as a home area stood at a moment (ms); whether the reader lagged then is not kept."""
    if home is None or home.state == "warming" or not was_expecting:
        return "warming"
    silent = _silent_then(connection, home.home_area, at)
    return "silent" if home.sources and silent >= {one.source for one in home.sources} else "live"


def _silent_then(connection: Connection, home_area: str, at: int) -> set[str]:
    """Feeds with an alert of silence that was open then."""
    a = alerts.c
    query = select(a.body).where(a.kind == "silence", a.home_area == home_area, a.raised_at <= at)
    told = (msgspec.json.decode(body, type=_Silence) for body in connection.scalars(query))
    return {one.source for one in told if one.source and (one.ended_at is None or milliseconds(one.ended_at) > at)}


def home_state(home: HomeStatus | None, partitions_lag: float | None) -> str:
    """live, stale, silent or warming, for one home area."""
    if home is None or home.state == "warming":
        return "warming"
    if home.sources and all(source.state == "silent" for source in home.sources):
        return "silent"
    return "stale" if partitions_lag is not None and partitions_lag > STALE_SECONDS else "live"
