"""The region as a whole: reference files, history, and a stream of calls in which things happen."""

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from schemas.codes import CONTACTS, unmapped_area
from schemas.log_record import History, HistoryCell
from schemas.reference import Reference
from services.cli.history_records import history_records
from services.cli.reference_folder import write_reference
from services.cli.simulation.calls import Speaker
from services.cli.simulation.hours import HourOfCalls, Hours
from services.cli.simulation.land import HOME, make_land
from services.cli.simulation.needs import kinds, need_tree
from services.cli.simulation.rhythm import HOUR_MS, home_holidays
from services.cli.simulation.surges import HEAT_WAVE, SMALLER, Surge

SOURCES = {"211": "marrow-211", "311": "marrow-311"}
FIRST_SURGE_HOURS = 0.4
PLANNED_DAYS = 60


class Region:
    """A made-up region; everything about it follows from the seed.

    >>> region = demo_region(1)
    >>> len([call["line"] for _, call in region.stream(1_750_000_000_000, until_ms=1_750_000_600_000)]) > 10
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.land = make_land(np.random.default_rng([seed, 0]))
        self.kinds = kinds()
        self.hours = Hours(seed, self.land.leaves, self.kinds)
        self._speaker = Speaker(seed, self.land.leaves, self.kinds, SOURCES)

    @property
    def home_area(self) -> str:
        """Code of the region."""
        return HOME

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the feeds."""
        return tuple(SOURCES.values())

    def reference(self, years: range = range(2024, 2031)) -> Reference:
        """Areas, needs, holidays of these years, and shapes."""
        shapes = json.dumps(self.land.geojson(), separators=(",", ":")).encode()
        return Reference(self.land.areas, need_tree(), home_holidays(years), shapes=msgspec.Raw(shapes))

    def reference_folder(self, path: Path, years: range = range(2024, 2031)) -> None:
        """Writes the reference files into a folder, which is made when needed."""
        write_reference(path, self.reference(years))

    def history(self, weeks: int, end_ms: int) -> list[HistoryCell]:
        """Hourly counts of the weeks before an instant: usual life only; `contacts` counts each call once."""
        return [cell for cells in self._history(weeks, end_ms).values() for cell in cells]

    def history_records(self, weeks: int, end_ms: int) -> Iterator[History]:
        """The same as records for the log, each small enough for one, by source; the key is `home_area`."""
        end = end_ms // HOUR_MS
        for line, cells in self._history(weeks, end_ms).items():
            yield from history_records(SOURCES[line], cells, end - weeks * 168, end)

    def surges(self, start_ms: int) -> tuple[Surge, ...]:
        """What happens from an instant on: a heat wave at once, then every few days something."""
        randomness = np.random.default_rng([self.seed, 4])
        time = start_ms / HOUR_MS + FIRST_SURGE_HOURS
        surges = [Surge(HEAT_WAVE, time, (1.0 + randomness.random(), 1.0 + randomness.random()))]
        while time < start_ms / HOUR_MS + PLANNED_DAYS * 24:
            time += randomness.uniform(60, 130)
            script = (*SMALLER, HEAT_WAVE)[int(randomness.integers(len(SMALLER) + 1))]
            centre = self.land.leaves[int(randomness.integers(len(self.land.leaves)))]
            strength = float(randomness.uniform(0.6, 1.3))
            surges.append(Surge(script, time, (centre.column, centre.row), strength))
        return tuple(surges)

    def stream(
        self, start_ms: int, *, surges: Sequence[Surge] | None = None, until_ms: int | None = None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Calls in order of arrival, from an instant on, without end unless `until_ms` says so.

        An hour is the same whenever it is asked for, so a stream may be taken up again later with the same surges.

        Args:
            start_ms: first `logged_at`, Unix milliseconds.
            surges: what happens; default: `surges(start_ms)`.

        Yields:
            (`logged_at` in ms, the call as in call-event/1).
        """
        happening = self.surges(start_ms) if surges is None else surges
        waiting: list[tuple[int, str, dict[str, Any]]] = []
        hour = start_ms // HOUR_MS - 1
        while True:
            for at, call in self._speaker.calls(self.hours.calls(hour, happening)):
                if at >= start_ms:
                    heapq.heappush(waiting, (at, call["id"], call))
            hour += 1
            while waiting and waiting[0][0] < hour * HOUR_MS:
                at, _, call = heapq.heappop(waiting)
                if until_ms is not None and at >= until_ms:
                    return
                yield at, call
            if until_ms is not None and hour * HOUR_MS >= until_ms:
                return

    def labels(self, surges: Sequence[Surge], end_ms: int) -> list[dict[str, Any]]:
        """The truth about surges that begin before an instant: when, where, which needs, how many calls more."""
        return [self._label(surge) for surge in surges if surge.start * HOUR_MS < end_ms]

    def _label(self, surge: Surge) -> dict[str, Any]:
        hours = range(int(surge.start), int(surge.last()) + 1)
        extra = sum(self.hours.extra(hour, [surge]).sum() for hour in hours)
        return {
            "name": surge.script.name,
            "title": surge.script.title,
            "start_ms": round(surge.start * HOUR_MS),
            "end_ms": round(surge.last() * HOUR_MS),
            "needs": sorted(surge.script.needs),
            "areas": [leaf.code for leaf in self.land.leaves if surge.hits(leaf)],
            "strength": round(surge.strength, 3),
            "extra_calls": round(float(extra)),
        }

    def _history(self, weeks: int, end_ms: int) -> dict[str, list[HistoryCell]]:
        end = end_ms // HOUR_MS
        cells: dict[str, list[HistoryCell]] = {line: [] for line in SOURCES}
        for hour in range(end - weeks * 168, end):
            for (line, need, area), count in sorted(self._counts(self.hours.calls(hour)).items()):
                cells[line].append(HistoryCell(need, area, hour, line, count))
        return cells

    def _counts(self, calls: HourOfCalls) -> Counter[tuple[str, str, str]]:
        areas = [*(leaf.code for leaf in self.land.leaves), unmapped_area(HOME)]
        codes = [kind.need.code for kind in self.kinds]
        lines = [kind.line for kind in self.kinds]
        counts: Counter[tuple[str, str, str]] = Counter()
        rows = zip(
            calls.kind.tolist(), calls.second.tolist(), calls.leaf.tolist(), calls.abandoned.tolist(), strict=True
        )
        for kind, second, leaf, abandoned in rows:
            counts[lines[kind], CONTACTS, areas[leaf]] += 1
            if not abandoned:
                counts[lines[kind], codes[kind], areas[leaf]] += 1
            if second >= 0:
                counts[lines[kind], codes[second], areas[leaf]] += 1
        return counts


def demo_region(seed: int = 1) -> Region:
    """The region of `simulate` and of the demo."""
    return Region(seed)
