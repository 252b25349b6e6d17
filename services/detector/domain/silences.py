"""Feeds that stopped: told when a feed misses more calls than chance explains, ended when it is heard again."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.reference import Severity
from services.detector.domain.cases import Case
from services.detector.domain.feeds import HOUR_MS, Feed

REMEMBERED_MS = 96 * HOUR_MS
"""An hour can be sealed three days after a feed was silent in it."""
MOST_NATS = 40.0


@dataclass(frozen=True)
class Outage:
    """A stretch in which a feed was not heard."""

    source: str
    start: int
    end: int | None
    """ms; None while it lasts."""

    def touches(self, start: int, end: int) -> bool:
        """Whether it overlaps a stretch of time."""
        return self.start < end and (self.end is None or self.end > start)


@dataclass
class Silences:
    """Silent feeds of one home area."""

    home_area: str
    cases: dict[str, Case] = field(default_factory=dict)
    """Open alerts by source."""
    blocked: set[str] = field(default_factory=set)
    """Sources whose alert a person ended while they were still silent."""
    outages: list[Outage] = field(default_factory=list)

    def look(self, feeds: Iterable[Feed], now: int) -> list[Case]:
        """Alerts that may have news."""
        feeds = sorted(feeds, key=lambda feed: feed.source)
        total = sum(feed.calls for feed in feeds)
        told: list[Case] = []
        for feed in feeds:
            case = self.cases.get(feed.source)
            if not feed.silent:
                told += self._heard(feed.source, case, now)
            elif case is None and feed.source not in self.blocked:
                told.append(self._stopped(feed, now, feed.calls / max(total, 1)))
            elif case is not None:
                self._count(case, feed)
                told.append(case)
        told += [self.cases.pop(source) for source in [one for one, case in self.cases.items() if not case.open]]
        self.outages = [one for one in self.outages if one.end is None or one.end > now - REMEMBERED_MS]
        return list({case.id: case for case in told}.values())

    def end(self, alert_id: str, by: str, now: int) -> bool:
        """A person ends an alert: nothing is told of that feed until it was heard again."""
        for source, case in self.cases.items():
            if case.id == alert_id:
                case.close(by, now)
                self.blocked.add(source)
                return True
        return False

    def lost(self, start: int, end: int) -> set[str]:
        """Sources that were silent at some time between two moments (ms)."""
        return {one.source for one in self.outages if one.touches(start, end)}

    def _stopped(self, feed: Feed, now: int, share: float) -> Case:
        since = feed.last_logged or feed.last_call
        case = Case("silence", None, self.home_area, since, now, source=feed.source)
        case.severity = _severity(share)
        self._count(case, feed)
        self.outages.append(Outage(feed.source, since, None))
        self.cases[feed.source] = case.named(self.home_area)
        return case

    def _heard(self, source: str, case: Case | None, now: int) -> list[Case]:
        self.blocked.discard(source)
        self.outages = [
            Outage(source, one.start, now) if one.source == source and one.end is None else one for one in self.outages
        ]
        if case is None:
            return []
        del self.cases[source]
        case.turn("ended", now)
        return [case]

    @staticmethod
    def _count(case: Case, feed: Feed) -> None:
        """The chance of no call where m were usual is exp(-m): that many nats."""
        case.expected = case.variance = feed.missed
        case.score = case.peak = min(feed.missed, MOST_NATS)
        case.detail = (float(feed.overdue),)
        case.false_a_week = 0.0 if feed.overdue else 168.0 * math.exp(-case.peak)


def _severity(share: float) -> Severity:
    """By the part of the home area's calls that the feed brings."""
    if share >= 0.5:
        return "severe"
    return "moderate" if share >= 0.1 else "minor"
