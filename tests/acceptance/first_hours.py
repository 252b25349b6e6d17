"""When a dated event began in the calls themselves, and how long after that the detector spoke of it.

The first surge hour is read from the export alone, by a rule that knows nothing of the detector: the first hour of the
event's days with at least `LEAST` calls of one of its categories, so many that the same hour of the four weeks before
(dated events left out) lets expect them by chance once in ten thousand hours, the calls being Poisson.
"""

import csv
import datetime as dt
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import exp, lgamma, log
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.alert import Alert
from schemas.reference import Reference
from tests.acceptance.known_events import AFTER, KnownEvent, speaking

LEAST = 5
BY_CHANCE = 1e-4
WEEKS_BEFORE = 4
LEAST_MEAN = 0.05
"""Calls an hour below which four weeks cannot claim a category to be."""
HOUR = dt.timedelta(hours=1)
IN_TIME = 6 * HOUR

Hourly = Mapping[str, Counter[dt.datetime]]
"""Calls of each category by local hour, without zone."""


@dataclass(frozen=True)
class Onset:
    """The first surge hour of an event."""

    hour: dt.datetime
    """Its beginning, with zone."""
    category: str
    calls: int


@dataclass(frozen=True)
class Spoken:
    """When the detector first spoke of an event."""

    at: dt.datetime
    need: str
    new: bool
    """Whether the alert was raised then; else it had been open before and was told to rise."""

    def after(self, onset: Onset) -> dt.timedelta:
        """How long after the beginning of the first surge hour; less than nothing when it was earlier."""
        return self.at - onset.hour


def hourly_calls(export: Path, until: str) -> Hourly:
    """Calls of Boston's export before a local time, by category and hour."""
    found: defaultdict[str, Counter[dt.datetime]] = defaultdict(Counter)
    with gzip.open(export, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["ts"] < until:
                found[row["category"]][dt.datetime.fromisoformat(row["ts"]).replace(minute=0, second=0)] += 1
    return found


def first_surge_hour(event: KnownEvent, events: Iterable[KnownEvent], calls: Hourly, zone: ZoneInfo) -> Onset | None:
    """The first surge hour of an event; None when no hour of its days is one.

    Args:
        event: whose hour it is.
        events: all dated events; their days, and the day after each, say nothing of what is usual.
        calls: of each category, by local hour.
        zone: of the events.
    """
    dated = {day for one in events for day in _days(one.start, one.end + AFTER)}
    hour = dt.datetime.combine(event.start, dt.time())
    while hour.date() <= event.end:
        for category in event.categories:
            of_category = calls.get(category, Counter())
            before = [hour - dt.timedelta(days=days) for days in range(1, 7 * WEEKS_BEFORE + 1)]
            usual = [of_category[one] for one in before if one.date() not in dated]
            number, mean = of_category[hour], max(sum(usual) / max(len(usual), 1), LEAST_MEAN)
            if number >= LEAST and _as_many(number, mean) <= BY_CHANCE:
                return Onset(hour.replace(tzinfo=zone), category, number)
        hour += HOUR
    return None


def first_spoken(
    versions: Iterable[Alert], event: KnownEvent, onset: Onset, reference: Reference, zone: ZoneInfo
) -> Spoken | None:
    """The first word on an event: an alert raised in its days, or an older one told to rise from its first hour on."""
    first = dt.datetime.combine(event.start, dt.time(), zone)
    last = dt.datetime.combine(event.end + AFTER + AFTER, dt.time(), zone)
    found = []
    for told in speaking(versions, event, reference):
        alert = told[0]
        if first <= alert.raised_at < last:
            found.append(Spoken(alert.raised_at, alert.need or "", new=True))
        elif alert.raised_at < first:
            found += [
                Spoken(after.updated_at, after.need or "", new=False)
                for before, after in pairwise(told)
                if after.status == "rising" and onset.hour <= after.updated_at < last and _is_more(before, after)
            ]
    return min(found, key=lambda spoken: spoken.at, default=None)


def _is_more(before: Alert, after: Alert) -> bool:
    """Whether an alert rose: it has more calls, or it eased before."""
    return after.observed > before.observed or before.status != "rising"


def _days(first: dt.date, last: dt.date) -> Iterable[dt.date]:
    return (first + dt.timedelta(days=number) for number in range((last - first).days + 1))


def _as_many(number: int, mean: float) -> float:
    """Chance of at least so many Poisson calls.

    >>> _as_many(1, 0.05) < 0.05 < _as_many(1, 0.06)
    True
    """
    return sum(exp(i * log(mean) - mean - lgamma(i + 1)) for i in range(number, number + 60))
