"""Sources that post in batches: up to which hour the batches that have come reach.

A single call that strays in early does not show that a batch has landed: half of what the source should bring until
there must be in. Until then as much is expected of the rest as has strayed in.
"""

from dataclasses import dataclass, field

from services.detector.domain.moment import Moment
from services.detector.domain.sources import Sources

LANDED = 0.5
"""Part of what a batch should bring up to an hour that shows that it has landed."""
FEW_CALLS = 3.0
"""Where a batch should bring fewer calls than this, any call shows it."""


@dataclass
class Batches:
    """By source that posts batches."""

    reach: dict[int, int] = field(default_factory=dict)
    """Last bucket whose calls are in."""
    strayed: dict[int, float] = field(default_factory=dict)
    """Share of the calls of later buckets that is in."""

    def look(self, moment: Moment, sources: Sources, source: int) -> None:
        """See what has landed of a source."""
        first, last = moment.ledger.sealed_until, moment.open_bucket
        reach = max(self.reach.get(source, 0), first - 1)
        if not sources.known(source):
            feed = moment.feeds[sources.names[source]]
            self.reach[source], self.strayed[source] = max(reach, moment.calendar.bucket(feed.last_call)), 0.0
            return
        meant, came = 0.0, 0
        for bucket in range(reach + 1, last + 1):
            here = moment.heard(bucket)[source]
            part = moment.ages(bucket)[2] if bucket == last else 1.0
            came, meant = came + here, meant + sources.expected(moment.week_hour(bucket))[source] * part
            if here and (came >= LANDED * meant or meant < FEW_CALLS):
                reach, came, meant = bucket, 0, 0.0
        self.reach[source], self.strayed[source] = reach, min(1.0, came / max(meant, FEW_CALLS))

    def arrived(self, source: int, bucket: int) -> float:
        """Share of the calls of a bucket that should be in."""
        return 1.0 if bucket <= self.reach.get(source, -1) else self.strayed.get(source, 0.0)

    def forget(self, source: int) -> None:
        """A source posts live (again)."""
        self.reach.pop(source, None)
        self.strayed.pop(source, None)
