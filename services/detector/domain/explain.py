"""From an episode to an alert: names, numbers that add up, sentences in three languages, and "is it real?" checks."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from schemas.alert import Alert, Check, Detector, Driver, Mode, Words
from schemas.codes import UNMAPPED
from schemas.reference import Reference
from schemas.space_config import MODEL
from services.detector.domain import words
from services.detector.domain.alerts import MERGED, Episode, Told, is_news, level_of
from services.detector.domain.calendar import Calendar
from services.detector.domain.instants import instant
from services.detector.domain.rarity import budget_needed, recurrence_days
from services.detector.domain.scoring import Scoring, Totals

DRIVERS = 8
NEARLY_ALL = 0.9
BAND_SD = 1.96
DETECTOR = Detector(name=MODEL.partition("/")[0], version=MODEL.partition("/")[2])
UNMAPPED_NEED = Words(en="Unrecognised need", fr="Besoin non reconnu", es="Necesidad no reconocida")


@dataclass(frozen=True)
class Scene:
    """All that an explanation looks at."""

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

    def need_name(self, code: str) -> Words:
        """A need's name in three languages."""
        if code == UNMAPPED:
            return UNMAPPED_NEED
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


def tell(episode: Episode, scene: Scene) -> Alert | None:
    """The next version of an alert, or None when there is no news; a version told is noted in the episode."""
    totals = episode_totals(episode, scene)
    home_recurrence = recurrence_days(episode.peak) / max(len(scene.scoring.nodes), 1)
    severity = level_of(episode, home_recurrence, totals.excess)
    if not is_news(episode, scene.now, round(totals.observed), severity):
        return None
    episode.version += 1
    episode.told = Told(scene.now, round(totals.observed), episode.status, severity, episode.node)
    return _alert(episode, scene, totals, severity)


def episode_totals(episode: Episode, scene: Scene) -> Totals:
    """Sums since the onset, hours that are no longer kept included."""
    totals = scene.scoring.totals(episode.node, episode.since, scene.share)
    totals.add(*episode.carried)
    return totals


def _alert(episode: Episode, scene: Scene, totals: Totals, severity: str) -> Alert:
    need, area = scene.scoring.nodes.names[episode.node]
    spread = BAND_SD * float(np.sqrt(max(totals.variance, 0.0)))
    recurrence = recurrence_days(episode.peak)
    nodes = len(scene.scoring.nodes)
    observed, expected = round(totals.observed), round(float(totals.expected), 2)
    fields = {
        "headline": headline(episode.status, scene.need_name(need), scene.area_name(area)),
        "explanation": explanation(episode, scene, totals),
        "started_at": instant(scene.scoring.calendar.start_ms(episode.since)),
        "raised_at": instant(episode.raised_at or scene.now),
        "ended_at": None if episode.ended_at is None else instant(episode.ended_at),
        "severity": severity,
    }
    return Alert(
        id=episode.id,
        version=episode.version,
        kind="surge",
        status=episode.status,
        mode=scene.mode,
        home_area=scene.home_area,
        need=need,
        need_name=scene.need_name(need),
        area=area,
        area_name=scene.area_name(area).en,
        updated_at=instant(scene.now),
        ended_by=episode.ended_by,
        observed=observed,
        expected=expected,
        ratio=round(observed / expected, 2) if expected >= 0.01 else None,
        band_low=round(max(0.0, expected - spread), 2),
        band_high=round(expected + spread, 2),
        score=round(episode.score, 4),
        recurrence_days=round(recurrence, 3),
        recurrence_days_home_area=round(recurrence / max(nodes, 1), 4),
        budget_needed=float(f"{budget_needed(episode.peak, nodes):.4g}"),
        drivers=drivers(episode, scene),
        checks=checks(episode, scene),
        detector=DETECTOR,
        **fields,
    )


def headline(status: Literal["rising", "easing", "ended"], need: Words, area: Words) -> Words:
    """State: need, area."""
    return Words(
        **{
            language: words.HEADLINE[status][language].format(
                need=getattr(need, language), area=getattr(area, language)
            )
            for language in words.LANGUAGES
        }
    )


def explanation(episode: Episode, scene: Scene, totals: Totals) -> Words:
    """How many against how many, and how rare that is; once it eases, since when."""
    return Words(**{language: _explain(episode, scene, totals, language) for language in words.LANGUAGES})


def _explain(episode: Episode, scene: Scene, totals: Totals, language: str) -> str:
    calendar = scene.local_calendar(scene.scoring.nodes.names[episode.node][1])
    now = calendar.local(scene.now)

    def at(time_ms: int) -> str:
        return words.moment(calendar.local(time_ms), now, language)

    since = at(scene.scoring.calendar.start_ms(episode.since))
    sentences = [words.counts(round(totals.observed), float(totals.expected), since, language)]
    if episode.status == "rising":
        sentences.append(words.chance(recurrence_days(episode.peak), language))
    elif episode.status == "easing":
        sentences.append(words.EASING[language].format(t=at(episode.easing_at or scene.now)))
    elif episode.ended_by == MERGED:
        sentences.append(words.JOINED[language])
    elif episode.ended_by is not None:
        sentences.append(words.CLOSED[language].format(t=at(episode.ended_at or scene.now)))
    else:
        sentences.append(words.ended(float(totals.excess), at(episode.easing_at or scene.now), language))
    return " ".join(sentences)


def drivers(episode: Episode, scene: Scene) -> tuple[Driver, ...]:
    """The parts below the node with the most calls above normal, biggest first."""
    below = np.array(scene.scoring.nodes.raisable(scene.scoring.nodes.below(episode.node)), np.int64)
    if not len(below):
        return ()
    observed, expected = scene.scoring.totals_many(below, episode.since, scene.share)
    names = scene.scoring.nodes.names
    excess = np.round(observed - expected, 4)
    order = sorted(range(len(below)), key=lambda i: (-excess[i], names[below[i]]))
    return tuple(
        Driver(
            need=names[below[i]][0],
            area=names[below[i]][1],
            observed=round(float(observed[i])),
            expected=round(float(expected[i]), 2),
        )
        for i in order[:DRIVERS]
        if excess[i] > 0
    )


def checks(episode: Episode, scene: Scene) -> tuple[Check, ...]:
    """Is it real? What to look at first, machine-made."""
    return (_one_source(episode, scene), _calendar(scene))


def _one_source(episode: Episode, scene: Scene) -> Check:
    by_source: dict[str, int] = {}
    for bucket, hour in scene.scoring.ledger.hours.items():
        if bucket < episode.since:
            continue
        for (leaf, feed), calls in hour.cells.items():
            if episode.node in scene.scoring.nodes.above(leaf):
                source = scene.feeds[feed][0]
                by_source[source] = by_source.get(source, 0) + calls
    usual = _usual_sources(episode, scene)
    total = sum(by_source.values())
    if len({source for source, _ in scene.feeds}) < 2 or total <= 0:
        return Check(name="one_source", verdict="unknown", detail="There is only one source to look at.")
    top, calls = max(by_source.items(), key=lambda item: (item[1], item[0]))
    if calls < NEARLY_ALL * total:
        return Check(name="one_source", verdict="fine", detail=f"{len(by_source)} of {len(usual)} sources show it.")
    if usual.get(top, 0) >= NEARLY_ALL * sum(usual.values()):
        return Check(name="one_source", verdict="fine", detail=f"Only {top} takes such calls, now as ever.")
    share = words.percent(calls / total, "en")
    return Check(name="one_source", verdict="suspect", detail=f"Only {top} shows it ({share}).")


def _usual_sources(episode: Episode, scene: Scene) -> Counter[str]:
    """Calls by source since the beginning, of all needs below the alert's own."""
    need = scene.scoring.nodes.names[episode.node][0]
    usual: Counter[str] = Counter()
    for code, sources in scene.usual_sources.items():
        if scene.scoring.nodes.needs.covers(need, code):
            usual.update(sources)
    return usual


def _calendar(scene: Scene) -> Check:
    holiday = scene.scoring.calendar.slot(scene.scoring.open_bucket).holiday
    if holiday is None:
        return Check(name="calendar", verdict="fine", detail="No holiday or known event.")
    return Check(name="calendar", verdict="suspect", detail=f"{holiday}: a rise is usual.")
