"""A small world for tests of the detector: two trees, a log that is a list, home areas that know their usual."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.log_record import VERSION, Calls, Control, History, HistoryCell, LogCall, LogRecord, Tick
from schemas.output import HomeStatus, Rejected, SealedHour, SeriesPoint, SeriesRecord
from schemas.reference import Area, Holiday, Need, Reference
from schemas.space_config import SpaceConfig
from services.detector.domain.fold import State, step
from services.detector.domain.home import Home
from services.detector.domain.outputs import Output
from services.detector.domain.snapshot import from_blocks, to_blocks

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START = 1_760_000_400_000 - 1_760_000_400_000 % HOUR
"""A full hour: Thursday 9 October 2025, 09:00 UTC, 04:00 in Chicago."""
WARM = START + 6 * HOUR + 2 * MINUTE
"""10:02 in Chicago: where warm worlds begin."""

REFERENCE = Reference(
    areas=(
        Area("tx", "", "Texas", timezone="America/Chicago"),
        Area("tx-1", "tx", "North", timezone="America/Chicago"),
        Area("tx-1a", "tx-1", "North Hill", timezone="America/Chicago"),
        Area("tx-1b", "tx-1", "North Lake", timezone="America/Chicago"),
        Area("tx-2", "tx", "South", timezone="America/Denver"),
        Area("ok", "", "Oklahoma", timezone="America/Chicago"),
        Area("nl", "", "Newfoundland", timezone="America/St_Johns"),
    ),
    needs=(
        Need("BD", "", "Food", "Nourriture", "Comida"),
        Need("BD-1", "BD", "Meals", "Repas", "Comidas"),
        Need("BD-2", "BD", "Pantry", "Panier", "Despensa"),
        Need("BH", "", "Housing", "Logement", "Vivienda"),
    ),
    holidays=(Holiday("2025-12-25", "", "Christmas Day"),),
)
CONFIG = SpaceConfig("live", 500, 2, 3.0, 1, "usual")
USUAL = (("BD-1", "tx-1a"), ("BD-1", "tx-1b"), ("BD-1", "tx-2"), ("BD-2", "tx-2"), ("BH", "tx-2"))
"""Leaves of a warm home area, each with a call an hour on average."""


@dataclass
class World:
    """A partition's state and what it has said; time is what the log says."""

    state: State = field(default_factory=State)
    references: dict[str, Reference] = field(default_factory=lambda: {"usual": REFERENCE})
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> int:
        """Log time, ms."""
        return self.state.log_time

    def home(self, code: str = "tx") -> Home:
        """State of a home area."""
        return self.state.homes[code]

    def put(self, record: LogRecord, key: str | None = None, limit: int | None = None) -> list[Output]:
        """Fold one record in."""
        return step(self.state, key, record, self.references.__getitem__, no_later_than=limit)

    def configure(
        self, config: SpaceConfig = CONFIG, *, name: str = "config", effective_at: int = START
    ) -> list[Output]:
        """A `config` control."""
        return self.control(name, "config", msgspec.to_builtins(config), effective_at=effective_at)

    def control(
        self, name: str, type_: str, body: dict[str, Any], *, effective_at: int = 0, home_area: str | None = None
    ) -> list[Output]:
        """A control of any type."""
        return self.put(Control(VERSION, name, type_, START, effective_at, "ana", body, home_area))

    def tick(self, at: int) -> list[Output]:
        """Time passes."""
        return self.put(Tick(VERSION, at))

    def call(self, need: str | None = "BD-1", area: str | None = "tx-1a", *, at: int, **more: Any) -> LogCall:
        """A call with an id of its own, by default of the moment at which it is logged."""
        named = {"id": f"{next(self.ids):016x}", "source": "crm", "time": at, "line": "211"} | more
        needs = named.pop("needs", () if need is None else (need,))
        return LogCall(needs=needs, area=area, **named)

    def calls(self, *calls: LogCall, at: int, key: str = "tx") -> list[Output]:
        """A record of calls that were all logged at one moment."""
        return self.put(Calls(VERSION, (at,) * len(calls), calls), key)

    def one(
        self, need: str | None = "BD-1", area: str | None = "tx-1a", *, at: int, key: str = "tx", **more: Any
    ) -> list[Output]:
        """One call, logged when it began."""
        return self.calls(self.call(need, area, at=at, **more), at=at, key=key)

    def burst(
        self, size: int, need: str = "BD-1", area: str = "tx-1a", *, at: int, every: int = SECOND, key: str = "tx"
    ) -> list[Output]:
        """Calls at equal distances, each its own record."""
        said: list[Output] = []
        for number in range(size):
            said += self.one(need, area, at=at + number * every, key=key)
        return said

    def usual(self, until: int, places: Sequence[tuple[str, str]] = USUAL) -> list[Output]:
        """Usual calls, from the next full hour on."""
        said: list[Output] = []
        for hour in range(-(-self.now // HOUR), until // HOUR):
            for minute in range(0, 60, 7):
                for place, (need, area) in enumerate(places):
                    if minute // 7 % 4 == place % 4 and minute // 28 < usual_calls(hour, place):
                        said += self.one(need, area, at=hour * HOUR + minute * MINUTE + place * SECOND)
        return said + self.tick(until)

    def restarted(self) -> "World":
        """The same world from its snapshot."""
        return World(from_blocks(to_blocks(self.state), self.references.__getitem__), self.references, self.ids)


def usual_calls(hour: int, place: int) -> int:
    """0, 1 or 2: a call an hour on average, without any run of busy hours."""
    return (0, 1, 2, 1)[(hour + place) % 4]


def history(days: int = 15, source: str = "crm") -> History:
    """Usual hours before START, contacts included."""
    first = START // HOUR - days * 24
    cells: list[HistoryCell] = []
    for hour in range(first, START // HOUR):
        for place, (need, area) in enumerate(USUAL):
            calls = usual_calls(hour, place)
            if calls:
                cells += [HistoryCell(one, area, hour, "211", calls) for one in (need, "contacts")]
    return History(VERSION, source, first * HOUR, START, tuple(cells))


@cache
def _warm_blocks(config: SpaceConfig) -> dict[str, bytes]:
    world = World()
    world.configure(config)
    world.put(history(), "tx")
    world.one("BD-1", "tx-1b", at=START + MINUTE, id="ffffffffffffffff")
    world.usual(START + 6 * HOUR)
    world.tick(WARM)
    return to_blocks(world.state)


def warm(config: SpaceConfig = CONFIG) -> World:
    """A world at WARM whose home area tx has learned two weeks of history and some hours of calls."""
    return World(from_blocks(_warm_blocks(config), lambda _: REFERENCE), ids=itertools.count(10**6))


def configured(config: SpaceConfig = CONFIG) -> World:
    """A world that holds a configuration and nothing else."""
    world = World()
    world.configure(config)
    return world


def alerts(said: Sequence[Output]) -> list[Alert]:
    """Versions of alerts, in order."""
    return [output.value for output in said if isinstance(output.value, Alert)]


def statuses(said: Sequence[Output]) -> list[HomeStatus]:
    """What was told of home areas."""
    return [output.value for output in said if isinstance(output.value, HomeStatus)]


def rejections(said: Sequence[Output]) -> list[Rejected]:
    """What was refused."""
    return [output.value for output in said if isinstance(output.value, Rejected)]


def sealed(said: Sequence[Output]) -> list[SealedHour]:
    """Hours for good."""
    return [output.value for output in said if isinstance(output.value, SealedHour)]


def points(said: Sequence[Output]) -> list[SeriesPoint]:
    """Series points, in order."""
    records = [output.value for output in said if isinstance(output.value, SeriesRecord)]
    return [point for record in records for point in record.points]


def contacts_of(said: Sequence[Output]) -> int:
    """Contacts in all sealed hours."""
    return sum(row.count for hour in sealed(said) for row in hour.counts if row.need == "contacts")
