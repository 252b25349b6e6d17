"""History: hourly leaf counts loaded to start warm, kept until the first seal so that they can be replaced."""

from dataclasses import dataclass, field

from schemas.log_record import History
from services.detector.domain.calendar import HOUR_MS

Cell = tuple[str, str, str, int]
"""(need, area, line, calls)."""


@dataclass
class Period:
    """What one source says about a stretch of hours."""

    source: str
    start: int
    """ms."""
    end: int
    hours: dict[int, list[Cell]]
    """By start of the hour, ms."""


@dataclass
class Past:
    """All periods told so far; a new one replaces what its source had there."""

    periods: list[Period] = field(default_factory=list)

    def put(self, record: History) -> None:
        """Take in one record; telling it twice changes nothing."""
        hours: dict[int, list[Cell]] = {}
        for cell in record.cells:
            start = cell.hour * HOUR_MS
            if record.start <= start < record.end:
                hours.setdefault(start, []).append((cell.need, cell.area, cell.line, cell.count))
        for period in self.periods:
            if period.source == record.source:
                for start in [hour for hour in period.hours if record.start <= hour < record.end]:
                    del period.hours[start]
        covered = Period(record.source, record.start, record.end, hours)
        self.periods = [one for one in self.periods if one.hours or not _inside(one, covered)]
        self.periods.append(covered)

    def hours(self, before: int) -> dict[int, list[tuple[str, Cell]]]:
        """Every covered hour up to `before` (ms), in order, with (source, cell); empty hours included."""
        found: dict[int, list[tuple[str, Cell]]] = {}
        for period in self.periods:
            for start in range(period.start - period.start % HOUR_MS, min(period.end, before), HOUR_MS):
                found.setdefault(start, [])
            for start, cells in period.hours.items():
                if start < before:
                    found.setdefault(start, []).extend((period.source, cell) for cell in cells)
        return dict(sorted(found.items()))


def _inside(one: Period, other: Period) -> bool:
    return one.source == other.source and other.start <= one.start and one.end <= other.end
