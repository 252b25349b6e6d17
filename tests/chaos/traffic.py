"""Calls that clients post: two home areas, surges, late calls, repeats, voids; all from one seed."""

import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas.log_record import VERSION, History, HistoryCell
from tests.integration.detector_world import HOUR, MINUTE

BEGIN = int(datetime(2025, 11, 2, 1, tzinfo=UTC).timestamp() * 1000)
"""Five hours before summer time ends in New York, six before it does in Texas."""
RATES = (("BD-1", "-1", 40.0), ("BD-2", "-2", 20.0), ("BH", "-1", 8.0))
"""Calls an hour of each need and area, in each home area."""
HOME_AREAS = (("tx", "-1", "-2"), ("ny", "-1", "-1"))
STEP_MINUTES = 2
REPEATS, VOIDS = 0.04, 0.02

Call = dict[str, Any]


def history(home_area: str, north: str, south: str) -> History:
    """Four quiet weeks before the first call."""
    rng = random.Random(home_area)
    hours = range(BEGIN // HOUR - 4 * 168, BEGIN // HOUR)
    cells = []
    for hour in hours:
        total = 0
        for need, place, rate in RATES:
            calls = max(0, round(rng.gauss(rate, rate**0.5)))
            total += calls
            area = home_area + (north if place == "-1" else south)
            cells.append(HistoryCell(need, area, hour, "211", calls))
        cells.append(HistoryCell("contacts", home_area, hour, "211", total))
    return History(VERSION, "old", hours[0] * HOUR, BEGIN, tuple(cells))


@dataclass
class Traffic:
    """The next calls, whoever asks; log time moves with every batch."""

    rng: random.Random
    now: int = BEGIN
    """ms of log time."""
    number: int = 0
    surge_until: int = 0
    recent: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def batch(self, source: str) -> tuple[int, list[Call]]:
        """Two minutes of calls for one source, and the log time after them."""
        with self._lock:
            begin = self.now
            self.now += STEP_MINUTES * MINUTE
            if self.rng.random() < 0.01:
                self.surge_until = begin + 90 * MINUTE
            calls = [call for home in HOME_AREAS for call in self._calls(source, begin, *home)]
            return self.now, calls or [self._call(source, "BH", "tx-1", begin)]

    def surge(self, hours: float) -> None:
        """From now on far more is wanted in the north of Texas."""
        with self._lock:
            self.surge_until = self.now + round(hours * HOUR)

    def many(self, source: str, size: int) -> list[Call]:
        """So many contacts at once."""
        with self._lock:
            return [self._call(source, None, "tx", self.now) for _ in range(size)]

    def _calls(self, source: str, begin: int, home: str, north: str, south: str) -> list[Call]:
        found = []
        for need, place, rate in RATES:
            surge = 6 if begin < self.surge_until and (need, home) == ("BD-1", "tx") else 1
            mean = rate * surge * STEP_MINUTES / 60
            for _ in range(sum(self.rng.random() < mean / 20 for _ in range(20))):
                area = home + (north if place == "-1" else south)
                found.append(self._again(source, begin) or self._call(source, need, area, begin))
        return found

    def _call(self, source: str, need: str | None, area: str, begin: int) -> Call:
        self.number += 1
        at = begin + self.rng.randrange(STEP_MINUTES * MINUTE)
        late = self.rng.choice((0, 0, 0, 0, 0, 0, 20 * MINUTE, 3 * HOUR))
        call = {
            "id": f"{source}-{self.number}",
            "source": source,
            "time": at - late,
            "logged_at": at,
            "line": "211",
            "needs": [need] if need else [],
            "area": area,
        }
        call["time"] = datetime.fromtimestamp(call["time"] / 1000, UTC).isoformat()
        self.recent = [*self.recent[-200:], call]
        return call

    def _again(self, source: str, begin: int) -> Call | None:
        chance = self.rng.random()
        own = [call for call in self.recent if call["source"] == source]
        if not own or chance > REPEATS + VOIDS:
            return None
        old = self.rng.choice(own)
        if chance < REPEATS:
            return old
        return old | {"revision": 1, "void": True, "logged_at": begin + self.rng.randrange(MINUTE)}
