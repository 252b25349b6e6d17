"""Dated events of a data set, and which alerts speak of them: the need or one above it, any area, at the right time."""

import csv
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.alert import Alert
from schemas.reference import Reference
from services.ingest.sources.slugs import slug

AFTER = dt.timedelta(days=1)
"""So long after its last day an event may still be raised."""


@dataclass(frozen=True)
class KnownEvent:
    """One row of known_events.csv."""

    start: dt.date
    end: dt.date
    name: str
    kind: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What the alerts say of an event."""

    raised: tuple[str, ...]
    """Ids of alerts first raised between its first day and the day after its last."""
    rising: tuple[str, ...]
    """Ids of alerts raised before it that were told to be rising in that time: two storms in a row are one alert."""

    def __bool__(self) -> bool:
        return bool(self.raised or self.rising)


@dataclass(frozen=True)
class Verdict:
    """All events of a data set, and the alerts that belong to none."""

    events: dict[KnownEvent, Found]
    other: tuple[Alert, ...]
    """First versions of alerts raised for no known event."""


def read_known_events(path: Path, dataset: str) -> tuple[KnownEvent, ...]:
    """The events of one data set, in order of time."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == dataset]
    events = (
        KnownEvent(
            dt.date.fromisoformat(row["start"]),
            dt.date.fromisoformat(row["end"]),
            row["event"],
            row["type"],
            tuple(part.strip() for part in row["expected_categories"].split(";")),
        )
        for row in rows
    )
    return tuple(sorted(events, key=lambda event: (event.start, event.name)))


def wanted_needs(event: KnownEvent, reference: Reference) -> frozenset[str]:
    """The needs that an alert of this event may name: its categories and all needs above them."""
    wanted: set[str] = set()
    for category in event.categories:
        code = slug(category)
        while code and code not in wanted and code in reference.need_by_code:
            wanted.add(code)
            code = reference.need_by_code[code].parent
    return frozenset(wanted)


def speaking(versions: Iterable[Alert], event: KnownEvent, reference: Reference) -> list[list[Alert]]:
    """All versions of every alert whose need is one of the event's, or one above it."""
    alerts: dict[str, list[Alert]] = defaultdict(list)
    for version in versions:
        alerts[version.id].append(version)
    needs = wanted_needs(event, reference)
    return [told for told in alerts.values() if told[0].kind in ("surge", "trend") and told[0].need in needs]


def judge(versions: Iterable[Alert], events: Iterable[KnownEvent], reference: Reference, zone: ZoneInfo) -> Verdict:
    """Which events were raised, by all versions of all alerts in the order in which they were told."""
    versions = tuple(versions)
    found: dict[KnownEvent, Found] = {}
    claimed: set[str] = set()
    for event in events:
        about = speaking(versions, event, reference)
        raised = tuple(told[0].id for told in about if _within(told[0].raised_at, event, zone))
        rising = tuple(told[0].id for told in about if told[0].id not in raised and _still_rose(told, event, zone))
        found[event] = Found(raised, rising)
        claimed.update(raised)
    first = {version.id: version for version in reversed(versions)}
    order = dict.fromkeys(version.id for version in versions)
    return Verdict(found, tuple(first[id_] for id_ in order if id_ not in claimed))


def _still_rose(told: list[Alert], event: KnownEvent, zone: ZoneInfo) -> bool:
    return any(version.status == "rising" and _within(version.updated_at, event, zone) for version in told)


def _within(instant: dt.datetime, event: KnownEvent, zone: ZoneInfo) -> bool:
    return event.start <= instant.astimezone(zone).date() <= event.end + AFTER
