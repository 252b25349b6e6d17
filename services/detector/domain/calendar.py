"""Local hours of a home area: which bucket a moment falls in and which slot of the week a bucket is."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.detector.domain.daytypes import DayType, day_type

HOUR_MS = 3_600_000
DAY_HOURS = 24
WEEK_HOURS = 168
SUNDAY = 6


@dataclass(frozen=True)
class Slot:
    """One bucket as the calendar sees it."""

    week_hour: int
    """0..167, Monday 00:00 is 0; a public holiday takes the hours of a Sunday."""
    day: int
    """Ordinal of the local date."""
    holiday: str | None
    kind: DayType = DayType.ORDINARY


@dataclass
class Calendar:
    """Buckets of one home area: whole local hours, numbered from 1970 so that number x hour - shift is their start.

    A day that daylight saving shortens has 23 buckets, the long one 25: local hours repeat or are left out.

    >>> calendar = Calendar("America/Chicago", {date(2025, 7, 4): "Independence Day"})
    >>> hour = calendar.bucket(1_751_630_400_000)  # Friday 4 July 2025, 07:00 CDT
    >>> calendar.slot(hour).week_hour - SUNDAY * 24, calendar.slot(hour).holiday
    (7, 'Independence Day')
    """

    zone: str
    holidays: dict[date, str]
    _slots: dict[int, Slot] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.zone)
        offset = datetime(2024, 1, 1, tzinfo=self._zone).utcoffset() or timedelta()
        self.shift_ms = int(offset.total_seconds() * 1000) % HOUR_MS
        """Part of an hour by which the zone's hours begin earlier than UTC's (Newfoundland, India, Nepal)."""

    def bucket(self, time_ms: int) -> int:
        """Number of the bucket that holds a moment."""
        return (time_ms + self.shift_ms) // HOUR_MS

    def start_ms(self, bucket: int) -> int:
        """First moment of a bucket."""
        return bucket * HOUR_MS - self.shift_ms

    def slot(self, bucket: int) -> Slot:
        """Slot of the week, local day and holiday of a bucket."""
        found = self._slots.get(bucket)
        if found is None:
            if len(self._slots) > 4 * WEEK_HOURS:
                self._slots.clear()
            found = self._slots[bucket] = self._look_up(bucket)
        return found

    def _look_up(self, bucket: int) -> Slot:
        local = self.local(self.start_ms(bucket))
        holiday = self.holidays.get(local.date())
        weekday = SUNDAY if holiday is not None else local.weekday()
        kind = day_type(local.date(), self.holidays)
        return Slot(weekday * DAY_HOURS + local.hour, local.toordinal(), holiday, kind)

    def local(self, time_ms: int) -> datetime:
        """A moment in the zone."""
        return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(self._zone)
