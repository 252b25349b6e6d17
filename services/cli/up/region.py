"""The demo: a made-up region in a July, its history, and its calls for as long as anyone watches."""

import datetime as dt
import json
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from schemas.log_record import History, encode_record
from schemas.topics import CALLS
from services.cli.errors import WRONG_USE, CliError
from services.cli.log_tail import log_time
from services.cli.simulation import Region, demo_region
from services.cli.simulation.surges import Surge
from services.cli.up.poster import Call
from services.runtime.access import write_private
from services.runtime.clock import Clock
from services.runtime.kafka import Record, ReliableProducer
from services.runtime.settings import Settings

HISTORY_WEEKS = 4
PLAN_MS = 60 * 86_400_000
"""What happens is planned for so long at a time; each plan begins with a heat wave."""
START_HOUR = 10
ZONE = ZoneInfo("America/New_York")
WRITE_SECONDS = 60.0
RECORD_BYTES = 15 * 1024 * 1024


class Demo:
    """The demo of one data folder.

    Args:
        start_ms: when its first plan begins.
    """

    def __init__(self, seed: int, start_ms: int) -> None:
        self.start_ms = start_ms
        self.now_ms = start_ms
        """Where the log ends, once it was looked at."""
        self._region: Region = demo_region(seed)
        self._history: list[History] = []

    @property
    def sources(self) -> tuple[str, ...]:
        """The feeds that the demo posts as."""
        return self._region.sources

    @property
    def history_days(self) -> int:
        """How long its history is."""
        return HISTORY_WEEKS * 7

    def make_history(self) -> None:
        """Works the history out, which takes a second or two, so that it is there when Kafka is."""
        self._history = self._history or list(self._region.history_records(HISTORY_WEEKS, self.start_ms))

    def find_now(self, settings: Settings) -> bool:
        """Looks where the log ends; whether the demo has begun there.

        Raises:
            KafkaAway: no Kafka.
        """
        found = log_time(settings)
        self.now_ms = max(self.start_ms, found or 0)
        return found is not None

    def write_history(self, settings: Settings, clock: Clock) -> int:
        """Writes the history to the log, which is harmless to do twice; how many hourly counts.

        Raises:
            KafkaAway: no Kafka.
        """
        self.make_history()
        topic, key = CALLS.in_space(settings.space), self._region.home_area.encode()
        with ReliableProducer(settings, clock, limits={topic: RECORD_BYTES}) as producer:
            producer.write([Record(topic, encode_record(one), key=key) for one in self._history], WRITE_SECONDS)
        return sum(len(one.cells) for one in self._history)

    def calls(self, start_ms: int) -> Iterator[tuple[int, Call]]:
        """Calls with their `logged_at`, ms, in order of arrival, from an instant on, without end."""
        while True:
            plan = (start_ms - self.start_ms) // PLAN_MS
            end = self.start_ms + (plan + 1) * PLAN_MS
            for at, call in self._region.stream(start_ms, surges=self._surges(plan), until_ms=end):
                yield at, call | {"logged_at": at}
            start_ms = end

    def _surges(self, plan: int) -> tuple[Surge, ...]:
        """What happens in a plan, and what is left of the one before."""
        return tuple(
            surge
            for number in range(max(0, plan - 1), plan + 1)
            for surge in self._region.surges(self.start_ms + number * PLAN_MS)
        )


class CallStream:
    """The demo's calls piece by piece; a piece may be asked for again, and time may be jumped over."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._calls: Iterator[tuple[int, Call]] = iter(())
        self._held: deque[tuple[int, Call]] = deque()
        self._reached: int | None = None
        """Until when calls have been taken from the region."""

    def between(self, start_ms: int, end_ms: int) -> Iterable[Call]:
        """Calls logged in [start, end); starts never go back."""
        if self._reached is None or start_ms > self._reached:
            self._calls, self._reached = self._demo.calls(start_ms), start_ms
            self._held.clear()
        while self._held and self._held[0][0] < start_ms:
            self._held.popleft()
        while self._reached < end_ms:
            at, call = next(self._calls)
            self._held.append((at, call))
            self._reached = at
        return [call for at, call in self._held if at < end_ms]


def write_region(folder: Path, seed: int) -> None:
    """Writes the region's reference files, unless they are there."""
    if not (folder / "areas.csv").exists():
        demo_region(seed).reference_folder(folder)


def load_demo(data: Path, seed: int, now_ms: int) -> Demo:
    """The demo of a data folder; at the first start it is given the seed and the July before now.

    Raises:
        CliError: status 2, the file `demo.json` is damaged.
    """
    path = data / "demo.json"
    if not path.exists():
        write_private(path, json.dumps({"seed": seed, "start_ms": last_july(now_ms)}).encode())
    try:
        kept: Any = json.loads(path.read_text(encoding="utf-8"))
        return Demo(int(kept["seed"]), int(kept["start_ms"]))
    except (ValueError, KeyError, TypeError):
        raise CliError(f"the file {path} is damaged; choose another folder with `--data DIR`", WRONG_USE) from None


def last_july(now_ms: int) -> int:
    """Ten in the morning, local time, of the second Tuesday of the newest July that is over by two days, ms.

    >>> dt.datetime.fromtimestamp(last_july(1_763_780_000_000) / 1000, dt.UTC).isoformat()
    '2025-07-08T14:00:00+00:00'
    """
    now = dt.datetime.fromtimestamp(now_ms / 1000, ZONE)
    for year in (now.year, now.year - 1):
        first = dt.date(year, 7, 8)
        day = first + dt.timedelta(days=(1 - first.weekday()) % 7)
        start = dt.datetime.combine(day, dt.time(START_HOUR), ZONE)
        if start < now - dt.timedelta(days=2):
            break
    return int(start.timestamp() * 1000)
