"""Why an alert was raised, in numbers that add up: what was usual and its parts, the onset, the end, the limits."""

import numpy as np
from numpy.typing import NDArray

from schemas.alert import Because, Ending, Limits, Onset, Part, PartName, Words
from services.detector.domain import reasons
from services.detector.domain.alerts import DWELL_MS, Episode
from services.detector.domain.bank import TUNING
from services.detector.domain.calendar import DAY_HOURS, HOUR_MS, Calendar
from services.detector.domain.calm import calm_at, calm_next
from services.detector.domain.choice import LEAST_EXCESS
from services.detector.domain.instants import instant
from services.detector.domain.onset import Step, onset, smallest_rise
from services.detector.domain.past_hours import KEPT_HOURS
from services.detector.domain.rarity import handicap
from services.detector.domain.scoring import Scoring

Floats = NDArray[np.float64]

BEFORE_HOURS = 24
"""An onset may lie this long before the hour from which the calls are counted."""


def because(
    episode: Episode, scoring: Scoring, local: Calendar, *, now: int, share: float, expected: float, limit: float
) -> Because:
    """All of it, for one version of an alert.

    Args:
        episode: the alert; its onset is noted in it, for the time when its first hours are no longer kept.
        scoring: model and counts.
        local: calendar of the alert's area, for the times of day in the sentences.
        now: log time, ms.
        share: part of the open bucket that has passed.
        expected: calls that were expected since `episode.since`; the alert says them in hundredths.
        limit: nats at which something is raised once what is usual by chance is taken off; infinite: nothing can be.
    """
    node = np.array([episode.node])
    level = float(scoring.bank.level(node)[0])
    today = Step.of(scoring.whole(scoring.open_bucket).rows(node))
    here = local.local(now)
    hours, factors = _factors(scoring, episode, share, level, expected)
    per_hour = round(level, 4)
    likely, whole = _began(scoring, episode, now, _onset(scoring, episode, share, _as_told_first(episode, today)))
    spans = [(local.local(first), local.local(last)) for first, last in (likely, whole)]
    ending, ending_words = _ending(scoring, episode, local, now) if episode.open else (None, None)
    by_chance = float(scoring.taken_off(node)[0]) + float(handicap(np.array([level]))[0])
    told = _limits(level, limit + by_chance, today)
    return Because(
        hours=round(hours, 2),
        per_hour=per_hour,
        parts=_parts(factors, expected),
        expected_words=reasons.in_three(
            lambda language: reasons.expected(
                expected, level, hours, {name: factors[name] for name in list(factors)[1:]}, language
            )
        ),
        onset=Onset(earliest=instant(whole[0]), likely=instant(likely[0]), latest=instant(whole[1])),
        onset_words=reasons.in_three(lambda language: reasons.began(spans[0], spans[1], here, language)),
        ends=ending,
        ends_words=ending_words,
        limits=told,
        limits_words=reasons.in_three(
            lambda language: reasons.limits(told.usual_per_day, told.smallest_rise_in_a_day, language)
        ),
    )


def _factors(
    scoring: Scoring, episode: Episode, share: float, level: float, expected: float
) -> tuple[float, dict[PartName, float]]:
    """Hours since the onset, and what the level is multiplied by to give what was expected.

    The last one is what is left over: hours of the past keep the level that they were told with.
    """
    hours = ordinary = actual = exposed = 0.0
    node = np.array([episode.node])
    need = int(scoring.nodes.need_of[episode.node])
    tide = float(scoring.profiles.tide[need])
    for bucket in range(episode.since, scoring.open_bucket + 1):
        part = share if bucket == scoring.open_bucket else 1.0
        profile = part * float(scoring.profile(bucket, node)[0])
        hours += part
        ordinary += part * float(scoring.profiles.weekly(_ordinary(scoring.calendar, bucket))[need])
        actual += profile
        exposed += profile * _exposure(scoring, bucket, node)
    if min(hours, ordinary, actual, exposed, tide) <= 0:
        return hours, {"level": expected}
    factors: dict[PartName, float] = {
        "level": level * hours,
        "hour_of_week": ordinary / hours,
        "tide": tide,
        "calendar": actual / (ordinary * tide),
        "exposure": exposed / actual,
        "level_change": expected / (level * exposed),
    }
    return hours, factors


def _exposure(scoring: Scoring, bucket: int, node: NDArray[np.int64]) -> float:
    """Part of a node's calls that was or should be in; all of them in hours that are no longer known."""
    if bucket >= scoring.ledger.sealed_until:
        return float(np.broadcast_to(scoring.exposure_of(bucket, node), 1)[0])
    hour = scoring.memory.hours.get(bucket)
    if hour is None or hour.exposure is None:
        return 1.0
    known = np.atleast_1d(np.asarray(hour.exposure))
    return float(known[0] if len(known) == 1 else known[node[0]] if node[0] < len(known) else 1.0)


def _ordinary(calendar: Calendar, bucket: int) -> int:
    """Slot of the week that a bucket would have if its day were nothing special."""
    local = calendar.local(calendar.start_ms(bucket))
    return local.weekday() * DAY_HOURS + local.hour


def _parts(factors: dict[PartName, float], expected: float) -> tuple[Part, ...]:
    """What each factor adds, in hundredths of a call, so that the sum is what was expected to the digit."""
    parts: list[Part] = []
    product, so_far = 1.0, 0
    names = list(factors)
    for name in names:
        product *= factors[name]
        reached = round(100 * round(expected, 2)) if name == names[-1] else round(100 * product)
        if name in ("level", "hour_of_week") or reached != so_far:
            parts.append(Part(name=name, factor=round(factors[name], 4), calls=(reached - so_far) / 100))
        so_far = reached
    return tuple(parts)


def _as_told_first(episode: Episode, today: Step) -> Step:
    """The model of its node as it was when the alert was first told there, noted in the episode."""
    if episode.step is None or episode.step_node != episode.node:
        episode.step, episode.step_node = list(today), episode.node
    return Step(*episode.step)


def _began(
    scoring: Scoring, episode: Episode, now: int, hours: tuple[int, int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Begin and end (ms) of the likely hour, and of all in which it may have begun: it had begun when it was told."""
    earliest, likely, latest = (scoring.calendar.start_ms(hour) for hour in hours)

    def over(start: int) -> int:
        told = now if episode.raised_at is None or start >= episode.raised_at else episode.raised_at
        return max(start, min(start + HOUR_MS, told))

    return (likely, over(likely)), (earliest, over(latest))


def _onset(scoring: Scoring, episode: Episode, share: float, step: Step) -> tuple[int, int, int]:
    """Buckets: earliest, likely, latest; what was known of it last when its hours are no longer kept."""
    oldest = scoring.open_bucket - KEPT_HOURS + 1
    if episode.onset is not None and episode.since <= oldest:
        earliest, likely, latest = episode.onset
        return earliest, likely, latest
    begin = max(episode.since - BEFORE_HOURS, oldest)
    fresh = int(scoring.fresh_from[episode.node])
    if fresh <= episode.since:  # later means that the alert itself has ended
        begin = max(begin, fresh)
    buckets, observed, expected = _hours_of(scoring, episode.node, begin, share)
    shares = np.where(buckets == scoring.open_bucket, share, 1.0)
    told = scoring.open_bucket if episode.raised_bucket is None else max(episode.raised_bucket, episode.since)
    found = onset(observed, expected, shares, step, int((buckets <= told).sum()) - 1)
    earliest, likely, latest = (int(buckets[place]) for place in found)
    episode.onset = [earliest, likely, latest]
    return earliest, likely, latest


def _hours_of(scoring: Scoring, node: int, begin: int, share: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """(bucket, observed, expected) of a node's hours that are kept, oldest first, the open one included."""
    rows = [
        (hour.bucket, float(hour.observed[node]), float(hour.expected[node]))
        for hour in scoring.past
        if hour.bucket >= begin and node < len(hour.observed)
    ]
    one = np.array([node])
    for bucket in range(max(begin, scoring.ledger.sealed_until), scoring.open_bucket + 1):
        observed, expected, _ = scoring.hours_of(one, bucket, share)
        rows.append((bucket, float(observed[0]), float(expected[0])))
    columns = list(zip(*rows, strict=True))
    return np.array(columns[0], np.int64), np.array(columns[1]), np.array(columns[2])


def _ending(scoring: Scoring, episode: Episode, local: Calendar, now: int) -> tuple[Ending, Words]:
    """What it would take to ease, and once it eases, to end when its time has come."""
    parts, dwell, calendar = len(episode.parts), DWELL_MS / HOUR_MS, scoring.calendar
    easing = episode.easing_at if episode.status == "easing" else None
    then = now if easing is None else easing + DWELL_MS
    if then > now:
        bucket = calendar.bucket(then)
        calm = calm_at(scoring, episode, bucket, (then - calendar.start_ms(bucket)) / HOUR_MS)
        span, here = (local.local(calendar.start_ms(calm.first)), local.local(then)), local.local(now)
        told = reasons.in_three(lambda language: reasons.ends(calm.calls_below, parts, span, here, language))
    else:
        calm, still = calm_next(scoring, episode), None if easing is not None else dwell
        told = reasons.in_three(lambda language: reasons.eases(calm.calls_below, parts, calm.hours, still, language))
    return Ending(calls_below=calm.calls_below, window_hours=calm.hours, dwell_hours=dwell), told


def _limits(level: float, limit: float, step: Step) -> Limits:
    def rise(hours: int) -> int | None:
        if limit > TUNING.cap_nats:
            return None
        return max(int(LEAST_EXCESS), smallest_rise(limit, level, hours, step))

    return Limits(
        usual_per_day=round(DAY_HOURS * level, 2),
        smallest_rise_in_an_hour=rise(1),
        smallest_rise_in_a_day=rise(DAY_HOURS),
    )
