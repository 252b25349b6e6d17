"""All that an explanation looks at: names, counts, feeds, events, at one moment of one home area."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from schemas.alert import Mode, Words
from schemas.codes import CONTACTS, UNMAPPED
from schemas.controls import EventBody
from schemas.reference import Reference
from services.detector.domain.calendar import Calendar
from services.detector.domain.evidence import Evidence
from services.detector.domain.feeds import Feed
from services.detector.domain.scoring import Scoring
from services.detector.domain.words_kinds import ALL_CALLS

UNMAPPED_NEED = Words(en="Unrecognised need", fr="Besoin non reconnu", es="Necesidad no reconocida")

Cells = Mapping[tuple[int, int], int]
"""Calls by (leaf, feed)."""


@dataclass(frozen=True)
class Scene:
    """One home area at one moment."""

    home_area: str
    mode: Mode
    reference: Reference
    scoring: Scoring
    feeds: tuple[tuple[str, str], ...]
    """(source, line) by number."""
    usual_sources: Mapping[str, Mapping[str, int]]
    """Calls by need, then by source, since the beginning."""
    now: int
    share: float
    sources: Mapping[str, Feed] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    sealed: Mapping[int, Cells] = field(default_factory=dict)
    """Cells of sealed hours that are still known, by bucket."""
    events: Mapping[str, EventBody] = field(default_factory=dict)
    """Declared events by id."""
    limit: float = inf
    """Nats at which something is raised."""

    def need_name(self, code: str) -> Words:
        """A need's name in three languages."""
        if code == UNMAPPED:
            return UNMAPPED_NEED
        if code == CONTACTS:
            return Words(**ALL_CALLS)
        need = self.reference.need_by_code.get(code)
        return Words(en=need.name_en, fr=need.name_fr, es=need.name_es) if need else Words(en=code, fr=code, es=code)

    def area_name(self, code: str) -> Words:
        """An area's name; places are not translated, an unknown one is said to be so."""
        area = self.reference.area_by_code.get(code)
        if area is not None:
            return Words(en=area.name, fr=area.name, es=area.name)
        home = self.reference.area_by_code.get(self.home_area)
        name = home.name if home else self.home_area
        return Words(en=f"{name} (place unknown)", fr=f"{name} (lieu inconnu)", es=f"{name} (lugar desconocido)")

    def local_calendar(self, area: str) -> Calendar:
        """Display time of an area."""
        found = self.reference.area_by_code.get(area)
        zone = found.timezone if found else self.scoring.calendar.zone
        return self.scoring.calendar if zone == self.scoring.calendar.zone else Calendar(zone, {})

    def by_feed(self, node: int, since: int) -> Counter[tuple[str, str]]:
        """Calls of a node by (source, line), from a bucket on, as far back as they are known."""
        under = self.evidence.leaves_under(node, self.scoring.nodes)
        found: Counter[int] = Counter()
        live = {bucket: hour.cells for bucket, hour in self.scoring.ledger.hours.items()}
        for hours in (self.sealed, live):
            for bucket in (bucket for bucket in hours if bucket >= since):
                for (leaf, feed), calls in hours[bucket].items():
                    if leaf in under:
                        found[feed] += calls
        return Counter({self.feeds[feed]: calls for feed, calls in found.items() if calls})

    def usual(self, node: int, told: Mapping[str, Mapping[str, int]]) -> Counter[str]:
        """Sums of what is usually told of all needs below a node's."""
        need = self.scoring.nodes.names[node][0]
        sums: Counter[str] = Counter()
        for code, calls in told.items():
            if self.scoring.nodes.needs.covers(need, code):
                sums.update(calls)
        return sums
