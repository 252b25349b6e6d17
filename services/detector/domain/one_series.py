"""One series that stands alone, in plain numbers: `bank` and `profile` without the price of arrays for a single one.

numpy takes a microsecond for each of some hundred steps, be they over one number or a thousand. The formulas are those
of the two modules, and so is what is kept in float32; a property test holds both forms together to 1e-9. Here too the
price is that of steps, not of arithmetic: all that an hour changes is brought to float32 in one go, what follows from
it is computed once an hour, and a score that stays zero costs no logarithm.
"""

from collections.abc import Sequence
from math import exp, log, log1p, sqrt
from struct import Struct
from typing import NamedTuple

from services.detector.domain.bank import SIZES, TUNING
from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS
from services.detector.domain.one_week import OneWeek
from services.detector.domain.profile import (
    LEAST_TIDE,
    MOST_TIDE,
    TIDE_HOURS,
    TIDE_RESERVE,
    TIDE_SD,
    TIDE_WINSOR_SD,
)

RISES = [(float(rise), min(1.0, 2.0 / float(rise))) for rise in SIZES]
"""Sizes in sd, and the part of the variance inflation that tempers each."""
QUIET = (0.0,) * len(RISES)
LEAST_MEAN = 1e-4
LOG_HALF = log(0.5)
KEEP_AN_HOUR = 1.0 - 1.0 / TUNING.memory_hours
KEEP_A_DAY = 1.0 - DAY_HOURS / TUNING.memory_hours
TIDE_KEPT, DOUBT_KEPT = 1.0 - 1.0 / TIDE_HOURS, 1.0 - 2.0 / TIDE_HOURS
DOUBT_GAINED = 2.0 * TIDE_SD**2 / TIDE_HOURS
NEARLY = 2.9
"""Scores below are never compared with 3."""
GUESS_CALLS, GUESS_RATE, LEAST_RATE = TUNING.guess_calls, TUNING.guess_rate, TUNING.least_rate
KAPPA_WEIGHT, KAPPA_CALLS, KAPPA_MOST = TUNING.kappa_weight, TUNING.kappa * TUNING.kappa_weight, TUNING.kappa_most
CLUMP_CALLS, CLUMP_MOST, CLUMP_REACH = TUNING.clump_calls, TUNING.clump_most, TUNING.clump_reach
CLUMP_DOUBT_SD = TUNING.clump_doubt_sd
WINSOR_SD, WINSOR_CALLS = TUNING.winsor_sd, TUNING.winsor_calls
HOUR_MOST, CAP, CERTAIN, VIF_PART = TUNING.hour_most, TUNING.cap_nats, TUNING.certain_nats, TUNING.vif_part
LEVEL_DRIFT, VANISHED = TUNING.level_drift, TUNING.vanished_nats
CAREFUL_AFTER, ACCEPT_AFTER = TUNING.careful_after_hours, TUNING.accept_after_hours
"""Constants by names of their own: an attribute costs as much as a product."""

_SINGLE, _PAIR, _STATE, _SCORES = Struct("f"), Struct("2f"), Struct("9f"), Struct(f"{len(RISES)}f")


class Expected(NamedTuple):
    """What an hour should bring; the fields are those of `bank.Prediction`."""

    mean: float
    spread: float
    clump: float
    sd_average: float
    variance: float
    vif: float


class OneSeries:
    """State and model of one hourly series; 168 slots of a week, Monday 00:00 first."""

    __slots__ = (
        "clump",
        "clump_den",
        "clump_num",
        "day_residual",
        "day_variance",
        "doubt",
        "down",
        "hours",
        "kappa",
        "kappa_den",
        "kappa_num",
        "level",
        "level_a",
        "level_b",
        "raised_hours",
        "rises",
        "sealed",
        "tide",
        "up",
        "vif",
        "vif_sum",
        "vif_weight",
        "week",
    )

    def __init__(self) -> None:
        self.hours = 0
        self.up: tuple[float, ...] = QUIET
        self.sealed = self.down = 0.0
        self.raised_hours = 0
        self.level_a = self.level_b = 0.0
        self.kappa_num = self.kappa_den = 0.0
        self.clump_num = self.clump_den = 0.0
        self.vif_sum = self.vif_weight = 0.0
        self.day_residual = self.day_variance = 0.0
        self.week = OneWeek()
        self.tide, self.doubt = 1.0, _single(TIDE_SD**2)
        self.kappa = TUNING.kappa
        self._temper(1.0)
        self._follow_state()

    @property
    def warm(self) -> bool:
        """Whether two weeks have been learned."""
        return self.hours >= CAREFUL_AFTER

    def factor(self, slot: int) -> float:
        """Profile x tide of an hour of the week."""
        return self.week.factor(slot) * self.tide

    def predict(self, slot: int) -> Expected:
        """The hour to come."""
        mean = self.level * self.factor(slot)
        return Expected(mean, self._spread(), self.clump, self._sd_average(), self._variance(mean), self.vif)

    def score(self, count: float, slot: int, share: float = 1.0) -> float:
        """Nats after `count` calls in the part `share` of an hour; changes nothing."""
        mean = max(self.level * self.factor(slot) * share, LEAST_MEAN)
        shape = 1.0 / (self._spread() + self.clump / mean)
        return _rounded(max(self._risen(count, mean, shape, share)))

    def learn(self, count: float, slot: int) -> None:
        """Learn one hour that is over."""
        factor, careful = self.week.factor(slot) * self.tide, self.hours >= CAREFUL_AFTER
        mean = self.level * factor
        variance, before = self._variance(mean), self.sealed
        best = self._gather(count, mean, careful)
        weight = self._doubt(before if before < best else best) if careful else 1.0
        reach = mean + WINSOR_SD * sqrt(variance * self.vif)
        reach = reach if reach > WINSOR_CALLS else WINSOR_CALLS
        capped = count if count < reach else reach
        if careful:
            self._learn_level(capped, factor, weight / (variance / mean * self.vif), best)
        else:
            count_single, factor_single = _PAIR.unpack(_PAIR.pack(count, factor))
            self.level_a += count_single
            self.level_b += factor_single
        if self.hours >= WEEK_HOURS:
            self._learn_day(weight * (capped - mean), weight * variance)
            self._learn_dispersion(capped - mean, mean, weight)
            self._learn_clumps(count, mean, variance, before)
        believed = count if weight == 1.0 else weight * count + (1.0 - weight) * min(count, mean)
        self.week.learn(slot, believed / self.tide)
        if careful:
            self._follow(count, mean, variance, weight)
        self._end_hour()

    def _variance(self, mean: float) -> float:
        return mean * (1.0 + self.clump) + self.kappa * (mean * mean)

    def _spread(self) -> float:
        return self.kappa + 1.0 / (self.level_a + GUESS_CALLS)

    def _sd_average(self) -> float:
        return sqrt(self._variance(self.level))

    def _gather(self, count: float, mean: float, careful: bool) -> float:
        """CUSUMs one hour later; returns the best upward one."""
        mean, best = mean if mean > LEAST_MEAN else LEAST_MEAN, 0.0
        shape = 1.0 / (self._spread() + self.clump / mean)
        if count > mean or self.up != QUIET:
            after = self._risen(count, mean, shape)
            best = _best(after)
            if careful:
                self.up = _SCORES.unpack(_SCORES.pack(*after))
                self.sealed = _best(self.up)
        if count < mean or self.down > 0.0:
            tail = log((shape + 0.5 * mean) / (shape + mean))
            score = self.down + (count * (LOG_HALF - tail) - shape * tail) / self.vif
            self.down = CAP if score > CAP else score if score > 0.0 else 0.0
        return best

    def _risen(self, count: float, mean: float, shape: float, share: float = 1.0) -> list[float]:
        """`cusum.risen`: a score of zero stays zero where fewer calls came than lie half-way to the rise.

        Below the harmonic mean of both rates no negative binomial speaks for the higher one, whatever its shape: the
        count at which it is indifferent is the mean of the rates between them under weights r / (m (r + m)), least as
        r goes to 0, where it is their product over their logarithmic mean.
        """
        part, twice, unit = mean / (shape + mean), 2.0 * mean, self._sd_average() * share / mean
        before = self.up if self.sealed < CERTAIN else _faded(self.up, share)
        after = []
        for score, (rise, temper) in zip(before, self.rises, strict=True):
            more = rise * unit
            if score > 0.0 or count * (2.0 + more) > twice * (1.0 + more):
                tail = log1p(part * more)
                ratio = ((count * (log1p(more) - tail) if count else 0.0) - shape * tail) / temper
                score += ratio if ratio < HOUR_MOST else HOUR_MOST
                score = CAP if score > CAP else score if score > 0.0 else 0.0
            after.append(score)
        return after

    def _doubt(self, score: float) -> float:
        """How far the hour is believed."""
        if score <= 3.0 and self.down < NEARLY:
            self.raised_hours = 0
            return 1.0
        down = self.down = _single(self.down)
        unusual = score if score > down else down
        if unusual <= 3.0:
            self.raised_hours = 0
            return 1.0
        self.raised_hours += 1
        return 1.0 if self.raised_hours > ACCEPT_AFTER else max(exp(-(unusual - 3.0) / 2.0), 0.05)

    def _learn_level(self, count: float, factor: float, share: float, best: float) -> None:
        new_normal = self.raised_hours > ACCEPT_AFTER and (best > 3.0 or self.down > VANISHED)
        keep = TUNING.keep_while_new if new_normal else 1.0 / (1.0 + self.level_a * LEVEL_DRIFT)
        self.level_a = keep * self.level_a + share * count
        self.level_b = keep * self.level_b + share * factor

    def _learn_day(self, residual: float, variance: float) -> None:
        residual, variance = _PAIR.unpack(_PAIR.pack(residual, variance))
        self.day_residual += residual
        self.day_variance += variance

    def _learn_dispersion(self, excess: float, mean: float, weight: float) -> None:
        bulge = 1.0 + self.kappa * mean
        share = weight * mean / (1.0 + 2.0 * mean * (bulge * bulge))
        num = KEEP_AN_HOUR * self.kappa_num + share * (excess * excess - mean)
        self.kappa_num, self.kappa_den = num, den = _PAIR.unpack(
            _PAIR.pack(num, KEEP_AN_HOUR * self.kappa_den + share * mean * mean)
        )
        kappa = (num + KAPPA_CALLS) / (den + KAPPA_WEIGHT)
        self.kappa = KAPPA_MOST if kappa > KAPPA_MOST else kappa if kappa > 0.005 else 0.005

    def _learn_clumps(self, count: float, mean: float, variance: float, score_before: float) -> None:
        reach = WINSOR_SD * sqrt(variance)
        most = mean + (reach if reach > CLUMP_REACH else CLUMP_REACH)
        excess = (count if count < most else most) - mean
        excess = excess * excess - mean - self.kappa * (mean * mean)
        if score_before > 3.0:
            weight = exp(-(score_before - 3.0) / 2.0)
            excess, mean = weight * excess, weight * mean
        self.clump_num = KEEP_AN_HOUR * self.clump_num + excess
        self.clump_den = KEEP_AN_HOUR * self.clump_den + mean

    def _follow(self, count: float, mean: float, variance: float, weight: float) -> None:
        """`Profiles.follow`: the tide, moved by one hour."""
        tide, doubt, most = self.tide, self.doubt, mean + TIDE_WINSOR_SD * sqrt(variance)
        calls, mean = weight * (count if count < most else most), weight * mean
        slope = mean / tide
        gain = doubt * slope / (slope * slope * doubt + weight * TIDE_RESERVE * variance + 1e-9)
        tide = 1.0 + (tide - 1.0) * TIDE_KEPT + gain * (calls - mean)
        self.tide = MOST_TIDE if tide > MOST_TIDE else tide if tide > LEAST_TIDE else LEAST_TIDE
        self.doubt = doubt * (1.0 - gain * slope) * DOUBT_KEPT + DOUBT_GAINED

    def _end_hour(self) -> None:
        """All that the hour has changed is kept as float32; then what follows from it."""
        self.hours += 1
        self._round()
        self._follow_state()
        if self.hours == CAREFUL_AFTER:
            phi = _single((1.0 + self.clump + self.kappa * self.level) * self.vif)
            self.level_a, self.level_b = _single(self.level_a / phi), _single(self.level_b / phi)
            self._follow_state()
        if self.hours % DAY_HOURS == 0:
            self.week.end_day()
            self._end_day()

    def _round(self) -> None:
        (
            self.level_a,
            self.level_b,
            self.clump_num,
            self.clump_den,
            self.day_residual,
            self.day_variance,
            self.down,
            self.tide,
            self.doubt,
        ) = _STATE.unpack(
            _STATE.pack(
                self.level_a,
                self.level_b,
                self.clump_num,
                self.clump_den,
                self.day_residual,
                self.day_variance,
                self.down,
                self.tide,
                self.doubt,
            )
        )

    def _follow_state(self) -> None:
        """Level and clumping as the state has them; dispersion follows where it is learned, inflation once a day."""
        a, b = self.level_a, self.level_b
        rate = a / (b if b > 1e-9 else 1e-9)
        level = (a + GUESS_CALLS) / (b + GUESS_CALLS / (rate if rate > GUESS_RATE else GUESS_RATE))
        self.level = level if level > LEAST_RATE else LEAST_RATE
        num, den = self.clump_num, self.clump_den
        own = (num if num > 0.0 else 0.0) / (den if den > 1.0 else 1.0)
        clump = (num + own * CLUMP_CALLS) / (den + CLUMP_CALLS) - CLUMP_DOUBT_SD / sqrt(den + CLUMP_CALLS)
        self.clump = CLUMP_MOST if clump > CLUMP_MOST else clump if clump > 0.0 else 0.0

    def _end_day(self) -> None:
        if self.day_variance > 0.05:
            ratio = min(self.day_residual**2 / self.day_variance, 9.0 * self.vif)
            self.vif_sum = _single(KEEP_A_DAY * self.vif_sum + ratio)
            self.vif_weight = _single(KEEP_A_DAY * self.vif_weight + 1.0)
            self._temper((self.vif_sum + TUNING.vif_days) / (self.vif_weight + TUNING.vif_days))
        self.day_residual = self.day_variance = 0.0

    def _temper(self, inflation: float) -> None:
        self.vif = min(max(inflation, 1.0), TUNING.vif_most)
        more = VIF_PART * (self.vif - 1.0)
        self.rises = [(size, 1.0 + more * part) for size, part in RISES]


def _best(scores: Sequence[float]) -> float:
    """The highest, rounded where a comparison could tell."""
    best = max(scores)
    return best if best < NEARLY else _rounded(best)


def _rounded(score: float) -> float:
    return round(score * 1e4) / 1e4


def _faded(scores: Sequence[float], share: float) -> list[float]:
    """What lies beyond certainty fades."""
    part = 1.0 - 0.5 ** (share / TUNING.certain_hours)
    return [score - part * (score - CERTAIN) if score > CERTAIN else score for score in scores]


def _single(value: float) -> float:
    """The nearest float32."""
    single: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    return single
