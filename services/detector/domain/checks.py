"""Is it real? Seven looks at an alert made by machine: fine, suspect (look here first) or unknown (could not check).

There is no look at the weather: no weather file is read.
"""

import calendar
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from schemas.alert import Check, Verdict, Words
from schemas.codes import CONTACTS, unmapped_area
from services.detector.domain import declared, words
from services.detector.domain.alerts import Episode
from services.detector.domain.check_words import Share, Times, Value, found
from services.detector.domain.evidence import Arrivals
from services.detector.domain.past_hours import KEPT_HOURS, Totals
from services.detector.domain.scene import Scene

NEARLY_ALL = 0.9
A_PART = 0.1
"""A source or line that takes less than this share of a need's calls is not asked about it."""
FEW = 3.0
"""Fewer calls than this tell nothing."""
MATCH = 0.5
"""A fall elsewhere of this share of the rise may be the same calls."""
FALLEN = 0.7
FALLEN_SD = 3.0
RISEN = 1.3
REPEATED = 0.1
BATCH = 0.5
USUALLY_LATE = 0.25
DAYS_AFTER = 1
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Facts:
    """One alert at one moment, as far as the checks look at it."""

    episode: Episode
    scene: Scene
    totals: Totals
    """Since the onset."""

    @property
    def node(self) -> int:
        """The alert's node."""
        return self.episode.node

    @property
    def need(self) -> str:
        """Its need."""
        return self.scene.scoring.nodes.names[self.node][0]

    @property
    def area(self) -> str:
        """Its area."""
        return self.scene.scoring.nodes.names[self.node][1]

    @property
    def excess(self) -> float:
        """Calls above usual; at least one, so that shares of it make sense."""
        return max(self.totals.excess, 1.0)

    @property
    def too_long_ago(self) -> bool:
        """Whether it began before what is remembered of single calls."""
        return self.episode.since <= self.scene.scoring.open_bucket - KEPT_HOURS

    @cached_property
    def feeds(self) -> Counter[tuple[str, str]]:
        """Calls by (source, line) since the onset."""
        return self.scene.by_feed(self.node, self.episode.since)

    @cached_property
    def by_source(self) -> Counter[str]:
        """Calls by source since the onset."""
        return _sums((source, calls) for (source, _), calls in self.feeds.items())

    @cached_property
    def by_line(self) -> Counter[str]:
        """Calls by line since the onset."""
        return _sums((line, calls) for (_, line), calls in self.feeds.items())

    @cached_property
    def usual_sources(self) -> Counter[str]:
        """Calls by source since the beginning."""
        return self.scene.usual(self.node, self.scene.usual_sources)

    @cached_property
    def silent(self) -> list[str]:
        """Sources that usually tell of this need and are not heard now, the largest first."""
        usual, total = self.usual_sources, sum(self.usual_sources.values())
        known = self.scene.sources
        parts = [one for one in usual if usual[one] >= A_PART * total and one in known and known[one].silent]
        return sorted(parts, key=lambda one: (-usual[one], one))

    @cached_property
    def top_source(self) -> str:
        """The source with the most calls since the onset."""
        return max(self.by_source.items(), key=lambda item: (item[1], item[0]))[0]

    def totals_of(self, need: str, area: str) -> Totals | None:
        """Sums of another node over the same time; None when it never occurred."""
        node = self.scene.scoring.nodes.find(need, area)
        return None if node is None else self.scene.scoring.totals(node, self.episode.since, self.scene.share)


def checks(episode: Episode, scene: Scene, totals: Totals) -> tuple[Check, ...]:
    """All of them, in a fixed order; the page sorts by verdict."""
    facts = Facts(episode, scene, totals)
    looks = (one_source, other_centre, duplicates, late_batch, recoded, denominator, on_the_calendar, other_line)
    return tuple(look(facts) for look in looks)


def one_source(facts: Facts) -> Check:
    """Whether nearly all of it comes from one source that does not usually tell of it alone."""
    total, usual = sum(facts.by_source.values()), facts.usual_sources
    if len({source for source, _ in facts.scene.feeds}) < 2 or total <= 0:
        return _check("one_source", "unknown", "alone")
    top = facts.top_source
    share = facts.by_source[top] / total
    if share < NEARLY_ALL:
        n = sum(calls > 0 for calls in facts.by_source.values())
        return _check("one_source", "fine", "several", n=n, m=max(len(usual), n))
    if usual[top] >= NEARLY_ALL * sum(usual.values()):
        return _check("one_source", "fine", "as_ever", source=top)
    others = [source for source in facts.silent if source != top]
    if others:
        return _check("one_source", "fine", "answers", source=top, share=Share(share), other=others[0])
    return _check("one_source", "suspect", "only", source=top, share=Share(share))


def other_centre(facts: Facts) -> Check:
    """Whether these may be calls that a centre which is not heard any more would have taken."""
    usual = facts.usual_sources
    total = sum(usual.values())
    if sum(calls >= A_PART * total for calls in usual.values()) < 2:
        return _check("other_centre", "unknown", "alone")
    if not facts.silent:
        return _check("other_centre", "fine", "heard")
    everywhere = facts.totals_of(facts.need, facts.scene.home_area)
    if everywhere is not None and everywhere.excess < MATCH * facts.excess:
        return _check("other_centre", "suspect", "moved", other=facts.silent[0])
    return _check("other_centre", "fine", "all_the_same", other=facts.silent[0])


def duplicates(facts: Facts) -> Check:
    """Whether unusually many records were refused because they had been counted before."""
    if facts.too_long_ago or not facts.by_source:
        return _check("duplicates", "unknown", "past.too_long_ago")
    evidence = facts.scene.evidence
    repeats = evidence.repeats_of(facts.node, facts.episode.since, facts.scene.scoring.nodes)
    came = repeats + sum(facts.by_source.values())
    known = evidence.sources.get(facts.top_source, Arrivals())
    usual = known.repeated_beside(facts.by_source[facts.top_source], repeats)
    if repeats >= FEW and repeats >= max(REPEATED, min(3.0 * usual, MATCH)) * came:
        return _check("duplicates", "suspect", "many", n=repeats)
    return _check("duplicates", "fine", "usual")


def late_batch(facts: Facts) -> Check:
    """Whether most of it was logged long after its time by a source that is usually quick."""
    if facts.too_long_ago or not facts.by_source:
        return _check("late_batch", "unknown", "past.too_long_ago")
    evidence = facts.scene.evidence
    late, at = evidence.late_of(facts.node, facts.episode.since, facts.scene.scoring.nodes)
    share = late / max(sum(facts.by_source.values()), 1)
    if late < FEW or share < BATCH:
        return _check("late_batch", "fine", "in_time")
    told = Share(min(share, 1.0))
    known = evidence.sources.get(facts.top_source, Arrivals())
    if known.late_beside(facts.by_source[facts.top_source], late) >= USUALLY_LATE:
        return _check("late_batch", "fine", "always", share=told)
    local = facts.scene.local_calendar(facts.area)
    moments = {
        language: words.moment(local.local(at), local.local(facts.scene.now), language) for language in words.LANGUAGES
    }
    return _check("late_batch", "suspect", "batch", share=told, t=Words(**moments))


def recoded(facts: Facts) -> Check:
    """Whether a category beside this one fell as this one rose."""
    nodes, scoring = facts.scene.scoring.nodes, facts.scene.scoring
    above = nodes.needs.path(facts.need)[1:]
    beside = [
        node
        for need in nodes.need_names
        if need not in (facts.need, CONTACTS) and nodes.needs.path(need)[1:] == above
        if (node := nodes.find(need, facts.area)) is not None
    ]
    index = np.array(beside, np.int64)
    observed, expected = scoring.totals_many(index, facts.episode.since, facts.scene.share)
    if not beside or expected.max() < FEW:
        return _check("recoded", "unknown", "too_few")
    fall = np.round(expected - observed, 4)
    place = min(range(len(beside)), key=lambda one: (-fall[one], nodes.names[beside[one]]))
    other = scoring.totals(beside[place], facts.episode.since, facts.scene.share)
    if _gone(other, facts.excess) and other.observed <= MATCH * other.expected:
        name = facts.scene.need_name(nodes.names[beside[place]][0])
        return _check("recoded", "suspect", "fell", other=name, k=round(-other.excess))
    return _check("recoded", "fine", "none")


def denominator(facts: Facts) -> Check:
    """Whether only the place of calls changed, or all other calls fell."""
    unplaced = unmapped_area(facts.scene.home_area)
    without, everywhere = facts.totals_of(facts.need, unplaced), facts.totals_of(facts.need, facts.scene.home_area)
    if without is not None and everywhere is not None:
        if facts.area == unplaced:
            placed = _less(everywhere, without)
            if _gone(placed, facts.excess):
                return _check("denominator", "suspect", "lost_place", k=round(-placed.excess))
        elif facts.area != facts.scene.home_area and _gone(without, facts.excess):
            return _check("denominator", "suspect", "placed", k=round(-without.excess))
    others = _others(facts)
    if others is None:
        return _check("denominator", "unknown", "too_few")
    if others.observed <= FALLEN * others.expected and others.z <= -FALLEN_SD:
        return _check("denominator", "suspect", "fell", share=Share(1.0 - others.observed / others.expected))
    return _check("denominator", "fine", "usual")


def on_the_calendar(facts: Facts) -> Check:
    """Whether a declared event, a holiday, the day after one, or the turn of the month may explain it."""
    scoring = facts.scene.scoring
    begin = scoring.calendar.start_ms(facts.episode.since)
    event = declared.of_node(facts.scene.events, scoring.nodes, facts.node, start=begin, end=facts.scene.now + 1)
    if event is not None:
        return _check("calendar", "fine", "event", event=event.name)
    holidays = scoring.calendar.holidays
    first = scoring.calendar.local(begin).date().toordinal()
    today = scoring.calendar.local(facts.scene.now).date().toordinal()
    days = sorted((day.toordinal(), name) for day, name in holidays.items())
    for day, name in days:
        if first <= day <= today:
            return _check("calendar", "suspect", "holiday", holiday=name)
    for day, name in days:
        if first <= day + DAYS_AFTER <= today:
            return _check("calendar", "suspect", "after", holiday=name)
    began = scoring.calendar.local(begin)
    if began.day == 1 or began.day == calendar.monthrange(began.year, began.month)[1]:
        return _check("calendar", "suspect", "month_turn")
    if not any(abs(day - today) <= 366 for day, _ in days):
        return _check("calendar", "unknown", "no_list")
    return _check("calendar", "fine", "none")


def other_line(facts: Facts) -> Check:
    """Whether the other line that takes such calls shows the same rise."""
    usual = facts.scene.usual(facts.node, facts.scene.evidence.usual_lines)
    total = sum(usual.values())
    lines = [line for line in sorted(usual) if usual[line] >= A_PART * total]
    if len(lines) < 2 or facts.too_long_ago:
        return _check("other_line", "unknown", "alone", line=max(usual, key=lambda line: usual[line], default="-"))
    expected = {line: max(facts.totals.expected, 0.0) * usual[line] / total for line in lines}
    main = max(lines, key=lambda line: (facts.by_line[line] - expected[line], line))
    other = max((line for line in lines if line != main), key=lambda line: (expected[line], line))
    seen, normal = facts.by_line[other], expected[other]
    if seen >= max(FEW, RISEN * normal + normal**0.5 * (RISEN - 1.0)):
        return _check("other_line", "fine", "too", line=other, r=Times(seen / max(normal, 0.1)))
    if normal < FEW and seen <= 2.0 * normal + 1.0 and facts.excess * usual[other] / total < FEW:
        return _check("other_line", "unknown", "too_few", line=other)
    return _check("other_line", "suspect", "not", line=other)


def _others(facts: Facts) -> Totals | None:
    """All contacts but the alert's own: those of its area, or of the home area where these are too few."""
    for area in (facts.area, facts.scene.home_area):
        contacts = facts.totals_of(CONTACTS, area)
        if contacts is not None:
            others = _less(contacts, facts.totals)
            if others.expected >= 2 * FEW:
                return others
    return None


def _less(whole: Totals, part: Totals) -> Totals:
    """What is left of a whole without a part of it."""
    expected = max(whole.expected - part.expected, 0.0)
    return Totals(whole.observed - part.observed, expected, max(whole.variance - part.variance, expected))


def _gone(other: Totals, excess: float) -> bool:
    """Whether as many calls are missing there as may have come here."""
    fall = -other.excess
    return fall >= max(FEW, MATCH * excess) and other.z <= -2.0


def _sums(rows: Iterable[tuple[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for name, calls in rows:
        sums[name] += calls
    return sums


def _check(name: str, verdict: Verdict, finding: str, **values: Value) -> Check:
    key = finding if "." in finding else f"{name}.{finding}"
    told = found(key, **values)
    return Check(name=name, verdict=verdict, detail=told.en, words=told)
