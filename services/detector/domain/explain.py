"""From an episode to an alert: names, numbers that add up, sentences in three languages, and "is it real?" checks."""

from typing import Literal

import numpy as np

from schemas.alert import Alert, DeclaredEvent, Detector, Words
from schemas.space_config import MODEL
from services.detector.domain import declared, words
from services.detector.domain.alerts import MERGED, Episode, Told, is_news, level_of
from services.detector.domain.because import because
from services.detector.domain.checks import checks
from services.detector.domain.drivers import drivers
from services.detector.domain.instants import instant
from services.detector.domain.past_hours import Totals
from services.detector.domain.rarity import budget_needed, home_recurrence_days, recurrence_days
from services.detector.domain.scene import Scene

__all__ = ["Scene", "episode_totals", "explanation", "headline", "tell"]

BAND_SD = 1.96
DETECTOR = Detector(name=MODEL.partition("/")[0], version=MODEL.partition("/")[2])


def tell(episode: Episode, scene: Scene) -> Alert | None:
    """The next version of an alert, or None when there is no news; a version told is noted in the episode."""
    totals = episode_totals(episode, scene)
    home_recurrence = home_recurrence_days(episode.peak, episode.watched)
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
    observed, expected = round(totals.observed), round(float(totals.expected), 2)
    fields = {
        "headline": headline(episode.status, scene.need_name(need), scene.area_name(area)),
        "explanation": explanation(episode, scene, totals),
        "started_at": instant(scene.scoring.calendar.start_ms(episode.since)),
        "raised_at": instant(episode.raised_at or scene.now),
        "ended_at": None if episode.ended_at is None else instant(episode.ended_at),
        "severity": severity,
        "because": because(
            episode,
            scene.scoring,
            scene.local_calendar(area),
            now=scene.now,
            share=scene.share,
            expected=float(totals.expected),
            limit=scene.limit,
        ),
        "declared_event": _declared(episode, scene),
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
        recurrence_days_home_area=round(home_recurrence_days(episode.peak, episode.watched), 4),
        budget_needed=float(f"{budget_needed(episode.peak, episode.watched):.4g}"),
        drivers=drivers(episode, scene.scoring, scene.share),
        checks=checks(episode, scene, totals),
        detector=DETECTOR,
        **fields,
    )


def _declared(episode: Episode, scene: Scene) -> DeclaredEvent | None:
    """The declared event that the rise falls into."""
    start = scene.scoring.calendar.start_ms(episode.since)
    end = scene.now + 1 if episode.ended_at is None else episode.ended_at
    event = declared.of_node(scene.events, scene.scoring.nodes, episode.node, start=start, end=end)
    return None if event is None else DeclaredEvent(id=event.event_id, name=event.name)


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
