"""Texts of a CRM into instants: many formats, one zone, the hour that comes twice."""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.sources.errors import BadRow
from services.ingest.sources.spec import Time

_BACKWARDS = timedelta(minutes=30)
_NIGHT = timedelta(hours=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Times:
    """Reads the times of one export; it keeps the last one, for `ambiguous = "order"`."""

    def __init__(self, spec: Time) -> None:
        self._spec = spec
        self._zone = ZoneInfo(spec.zone)
        self._formats = [(one, "%H" in one or "%I" in one or "%X" in one or "%c" in one) for one in spec.formats]
        self._last: datetime | None = None
        self._turned: datetime | None = None

    def instant(self, text: str) -> datetime:
        """The instant in UTC.

        Raises:
            BadRow: no format fits, or the instant lies outside the years that a calendar has.
        """
        for form, with_clock in self._formats:
            try:
                read = self._read(text, form, with_clock)
                self._last = self._fixed(read)
            except (ValueError, OverflowError):
                continue
            return self._last
        raise BadRow("time", "is not a time in a format of the mapping")

    def _read(self, text: str, form: str, with_clock: bool) -> datetime:
        if form in ("unix", "unix_ms"):
            number = float(text)
            if not math.isfinite(number):
                raise ValueError("not finite")
            return _EPOCH + timedelta(seconds=number / (1000 if form == "unix_ms" else 1))
        if form == "iso":
            if len(text) == 10:
                return datetime.combine(date.fromisoformat(text), self._spec.at)
            return datetime.fromisoformat(text)
        read = datetime.strptime(text, form)  # noqa: DTZ007 (the zone is added below)
        return read if with_clock else datetime.combine(read, self._spec.at)

    def _fixed(self, read: datetime) -> datetime:
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        first = read.replace(tzinfo=self._zone, fold=0)
        second = read.replace(tzinfo=self._zone, fold=1)
        if (first.utcoffset() or timedelta()) <= (second.utcoffset() or timedelta()):
            return first.astimezone(UTC)  # not ambiguous; an hour that spring left out counts on from the old offset
        earlier, later = first.astimezone(UTC), second.astimezone(UTC)
        if self._spec.ambiguous == "order":
            return self._by_order(earlier, later)
        return later if self._spec.ambiguous == "second" else earlier

    def _by_order(self, earlier: datetime, later: datetime) -> datetime:
        """The first of the two until the rows have gone back; from then on the second, for that night."""
        back = self._last is not None and earlier < self._last - _BACKWARDS
        if back or (self._turned is not None and abs(later - self._turned) < _NIGHT):
            self._turned = later
            return later
        return earlier
