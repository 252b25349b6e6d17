"""What a home area knows of its hours that are not sealed when it looks: their ages, and who was heard in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.detector.domain.calendar import HOUR_MS, Calendar
from services.detector.domain.feeds import Feed
from services.detector.domain.ledger import Ledger


@dataclass(frozen=True)
class Moment:
    """One look at one log time."""

    now: int
    """ms."""
    open_bucket: int
    calendar: Calendar
    ledger: Ledger
    feeds: Mapping[str, Feed]
    of_feed: Sequence[int] = ()
    """Source by number of feed (source, line)."""
    sources: int = 0
    _heard: dict[int, list[int]] = field(default_factory=dict, repr=False)

    def ages(self, bucket: int) -> tuple[float, float, float]:
        """Seconds since the end (or now) and the beginning of the part of a bucket that has passed, and that part."""
        start = self.calendar.start_ms(bucket)
        end = min(max(self.now, start), start + HOUR_MS)
        oldest = max(0.0, (self.now - start) / 1000.0)
        return max(0.0, (self.now - end) / 1000.0), oldest, (end - start) / HOUR_MS

    def week_hour(self, bucket: int) -> int:
        """Slot of a bucket."""
        return self.calendar.slot(bucket).week_hour

    def heard(self, bucket: int) -> list[int]:
        """Contacts by source in a bucket."""
        found = self._heard.get(bucket)
        if found is None:
            found = self._heard[bucket] = [0] * self.sources
            for feed, calls in self.ledger.heard(bucket).items():
                found[self.of_feed[feed]] += calls
        return found
