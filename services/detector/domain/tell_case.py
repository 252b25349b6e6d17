"""From a case to an alert: the same fields as a surge, with the words of its kind."""

import math
from collections.abc import Callable, Mapping

from schemas.alert import Alert, Check, Verdict, Words
from schemas.codes import CONTACTS
from services.detector.domain import words
from services.detector.domain import words_kinds as texts
from services.detector.domain.cases import Case
from services.detector.domain.explain import BAND_SD, DETECTOR, Scene
from services.detector.domain.instants import instant
from services.detector.domain.rarity import RARE_DAYS, WEEK_DAYS
from services.detector.domain.triggers import PLAN_CHANGED

KNOWN_FROM = 0.05
"""Expected calls from which on it makes sense to say what is usual."""


def tell_case(case: Case, scene: Scene) -> Alert:
    """The next version of an alert; that it was told is noted in the case."""
    case.tell(scene.now)
    spread = BAND_SD * math.sqrt(max(case.variance, 0.0))
    observed, expected = round(case.observed), round(case.expected, 2)
    days = _days(case.false_a_week)
    return Alert(
        id=case.id,
        version=case.version,
        kind=case.kind,
        status=case.status,
        mode=scene.mode,
        home_area=scene.home_area,
        need=case.need,
        need_name=None if case.need is None else _need(case.need, scene),
        area=case.area,
        area_name=scene.area_name(case.area).en,
        source=case.source,
        started_at=instant(case.since),
        raised_at=instant(case.raised_at),
        updated_at=instant(scene.now),
        ended_at=None if case.ended_at is None else instant(case.ended_at),
        ended_by=case.ended_by,
        observed=observed,
        expected=expected,
        ratio=round(observed / expected, 2) if expected >= 0.01 else None,
        band_low=round(max(0.0, expected - spread), 2),
        band_high=round(expected + spread, 2),
        score=round(case.score, 4),
        recurrence_days=round(days, 3),
        recurrence_days_home_area=round(days / max(case.nodes, 1), 4),
        budget_needed=float(f"{case.budget_needed:.4g}"),
        severity=case.severity,
        checks=_checks(case),
        headline=_each(lambda language: _headline(case, scene, language)),
        explanation=_each(lambda language: " ".join(_sentences(case, scene, language))),
        detector=DETECTOR,
    )


def _days(false_a_week: float) -> float:
    """Mean days between chance alerts of a node; 0 where chance is not the question."""
    return 0.0 if false_a_week <= 0.0 else min(RARE_DAYS, WEEK_DAYS / false_a_week)


def _each(text: Callable[[str], str]) -> Words:
    return Words(**{language: text(language) for language in words.LANGUAGES})


def _need(code: str, scene: Scene) -> Words:
    return Words(**texts.ALL_CALLS) if code == CONTACTS else scene.need_name(code)


def _headline(case: Case, scene: Scene, language: str) -> str:
    template = texts.HEADLINES[case.kind].get(case.status, words.HEADLINE[case.status])[language]
    need = "" if case.need is None else getattr(_need(case.need, scene), language)
    return template.format(need=need, area=getattr(scene.area_name(case.area), language), source=case.source)


def _sentences(case: Case, scene: Scene, language: str) -> list[str]:
    calendar = scene.local_calendar(case.area)
    now = calendar.local(scene.now)

    def at(time_ms: int | None) -> str:
        return words.moment(calendar.local(time_ms or scene.now), now, language)

    closed = case.ended_by not in (None, PLAN_CHANGED)
    ending = [words.CLOSED[language].format(t=at(case.ended_at))] if closed else []
    return KINDS[case.kind](case, at, language, closed) + ending


def _checks(case: Case) -> tuple[Check, ...]:
    """Is it real? What an alert of another kind can say of itself."""
    if not case.usual_known:
        return (_check("usual", "unknown", texts.USUAL_UNKNOWN),)
    return (_check("feeds", "fine", texts.FEEDS_ARE_LIVE),) if case.kind == "drop" and case.status == "rising" else ()


def _check(name: str, verdict: Verdict, text: Mapping[str, str]) -> Check:
    return Check(name=name, verdict=verdict, detail=text["en"], words=Words(**text))


At = Callable[[int | None], str]


def _trigger(case: Case, at: At, language: str, closed: bool) -> list[str]:
    observed, count, hours = case.detail
    said = [texts.window(observed, count, hours, language)]
    if case.expected >= KNOWN_FROM:
        said.append(texts.USUAL_SO_FAR[language].format(e=texts.calls(case.expected, language), t=at(case.since)))
    elif not case.usual_known:
        said.append(texts.USUAL_UNKNOWN[language])
    if case.ended_by == PLAN_CHANGED:
        return [*said, texts.RULE_GONE[language]]
    if case.status != "rising":
        return said if closed else [*said, texts.NO_LONGER_MET[language].format(t=at(case.easing_at))]
    playbook = case.playbook[words.LANGUAGES.index(language)]
    return [*said, playbook] if playbook else said


def _trend(case: Case, at: At, language: str, closed: bool) -> list[str]:
    said = [words.counts(round(case.observed), case.expected, at(case.since), language)]
    if case.status == "rising":
        return [*said, texts.grows(case.detail[0], language)] if case.detail[0] >= 0.01 else said
    return said if closed else [*said, (texts.NEW_LEVEL if case.status == "ended" else texts.GROWS_NO_MORE)[language]]


def _drop(case: Case, at: At, language: str, closed: bool) -> list[str]:
    since = at(case.since)
    if case.status == "ended" and not closed and case.easing_at is None:
        so_many = texts.so_many(round(case.observed), case.expected, since, language)
        return [so_many, texts.STAYS_LOW[language]]
    if case.status == "ended" and not closed:
        missing = words.number(max(0.0, round(case.expected - case.observed)), language)
        return [texts.USUAL_AGAIN[language].format(t=at(case.easing_at), n=missing)]
    said = [texts.so_many(round(case.observed), case.expected, since, language)]
    return (
        said if closed else [*said, (texts.COMING_BACK if case.status == "easing" else texts.FEEDS_ARE_LIVE)[language]]
    )


def _silence(case: Case, at: At, language: str, closed: bool) -> list[str]:
    if case.status == "ended" and not closed:
        return [texts.HEARD_AGAIN[language].format(t=at(case.ended_at))]
    if case.detail[0]:
        return [texts.NO_BATCH[language].format(t=at(case.since))]
    return [texts.NO_CALLS[language].format(t=at(case.since), e=texts.calls(case.expected, language))]


KINDS: dict[str, Callable[[Case, At, str, bool], list[str]]] = {
    "trigger": _trigger,
    "trend": _trend,
    "drop": _drop,
    "silence": _silence,
}
