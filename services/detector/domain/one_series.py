"""One series that stands alone, in plain numbers: `bank` and `profile` without the price of arrays for a single one.

numpy takes a microsecond for each of some hundred steps, be they over one number or a thousand. The formulas are those
of the two modules, and so is what is kept in float32; a property test holds both forms together to 1e-9.
"""

from array import array
from ctypes import c_float
from math import exp, log, sqrt
from typing import NamedTuple

from services.detector.domain.bank import SIZES, TUNING
from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS
from services.detector.domain.profile import (
    KEEP_A_WEEK,
    LEAST_TIDE,
    MOST_TIDE,
    SHRINK_CALLS,
    TIDE_HOURS,
    TIDE_RESERVE,
    TIDE_SD,
    TIDE_WINSOR_SD,
)

RISES = [(float(rise), min(1.0, 2.0 / float(rise))) for rise in SIZES]
"""Sizes in sd, and the part of the variance inflation that tempers each."""
FORGET = c_float(1.0 - KEEP_A_WEEK).value
KEEP_AN_HOUR = 1.0 - 1.0 / TUNING.memory_hours
KEEP_A_DAY = 1.0 - DAY_HOURS / TUNING.memory_hours


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

    def __init__(self) -> None:
        self.hours = 0
        self.up = [0.0] * len(RISES)
        self.down = self.raised_hours = 0.0
        self.level_a = self.level_b = 0.0
        self.kappa_num = self.kappa_den = 0.0
        self.clump_num = self.clump_den = 0.0
        self.vif_sum = self.vif_weight = 0.0
        self.day_residual = self.day_variance = 0.0
        self.calls = array("f", bytes(4 * WEEK_HOURS))
        self.weeks = array("f", bytes(4 * WEEK_HOURS))
        self.tide, self.doubt = 1.0, _single(TIDE_SD**2)
        self._factors: list[float] | None = None

    @property
    def warm(self) -> bool:
        """Whether two weeks have been learned."""
        return self.hours >= TUNING.careful_after_hours

    def level(self) -> float:
        """Calls in an average hour."""
        a, b = self.level_a, self.level_b
        rate = max(TUNING.guess_rate, a / max(b, 1e-9))
        return max((a + TUNING.guess_calls) / (b + TUNING.guess_calls / rate), TUNING.least_rate)

    def weekly(self, slot: int) -> float:
        """Factor of an hour of the week, the mean over a week being 1; computed anew after every day."""
        if self._factors is None:
            self._factors = _factors(self.calls.tolist(), self.weeks.tolist())
        return self._factors[slot]

    def predict(self, slot: int) -> Expected:
        """The hour to come."""
        return self._expected(self.weekly(slot) * self.tide)

    def score(self, count: float, slot: int, share: float = 1.0) -> float:
        """Nats after `count` calls in the part `share` of an hour; changes nothing."""
        return _rounded(_advance(self.up, count, self.predict(slot), share))

    def learn(self, count: float, slot: int) -> None:
        """Learn one hour that is over."""
        factor, was_warm = self.weekly(slot) * self.tide, self.warm
        expected = self._expected(factor)
        weight = self._learn_hour(count, expected, factor)
        self._learn_profile(slot, weight * count + (1.0 - weight) * min(count, expected.mean))
        if was_warm:
            self._follow(count, expected, weight)
        if self.hours % DAY_HOURS == 0:
            self._end_day()

    def _expected(self, factor: float) -> Expected:
        level, kappa, clump = self.level(), self._kappa(), self._clump()
        mean = level * factor
        return Expected(
            mean,
            kappa + 1.0 / (self.level_a + TUNING.guess_calls),
            clump,
            sqrt(level * (1.0 + clump) + kappa * level**2),
            mean * (1.0 + clump) + kappa * mean**2,
            self._vif(),
        )

    def _kappa(self) -> float:
        weight = TUNING.kappa_weight
        raw = (self.kappa_num + TUNING.kappa * weight) / (self.kappa_den + weight)
        return min(max(raw, 0.005), TUNING.kappa_most)

    def _clump(self) -> float:
        num, den, prior = self.clump_num, self.clump_den, TUNING.clump_calls
        own = max(0.0, num) / max(den, 1.0)
        return min(max((num + own * prior) / (den + prior), 0.0), TUNING.clump_most)

    def _vif(self) -> float:
        days = TUNING.vif_days
        return min(max((self.vif_sum + days) / (self.vif_weight + days), 1.0), TUNING.vif_most)

    def _learn_hour(self, count: float, expected: Expected, factor: float) -> float:
        before, careful = _rounded(self.up), self.warm
        after = _advance(self.up, count, expected)
        best = _rounded(after)
        self.down = _single(_advance_down(self.down, count, expected))
        weight = self._weight(min(before, best)) if careful else 1.0
        self.up = [_single(score) for score in after] if careful else [0.0] * len(RISES)
        reach = expected.mean + TUNING.winsor_sd * sqrt(expected.variance * expected.vif)
        capped = min(count, max(reach, TUNING.winsor_calls))
        if careful:
            moved = best > 3.0 or self.down > TUNING.vanished_nats
            self._learn_level(capped, expected, factor, weight, self._is_accepted and moved)
        else:
            self.level_a = _single(self.level_a + _single(count))
            self.level_b = _single(self.level_b + _single(factor))
        if self.hours >= WEEK_HOURS:
            self._learn_dispersion(capped, expected.mean, weight)
            self._learn_clumps(count, expected, before)
            self.day_residual = _single(self.day_residual + _single(weight * (capped - expected.mean)))
            self.day_variance = _single(self.day_variance + _single(weight * expected.variance))
        self.hours += 1
        if self.hours == TUNING.careful_after_hours:
            self._weigh_level()
        return weight

    @property
    def _is_accepted(self) -> bool:
        return self.raised_hours > TUNING.accept_after_hours

    def _weight(self, score: float) -> float:
        highest = max(score, self.down)
        self.raised_hours = self.raised_hours + 1.0 if highest > 3.0 else 0.0
        return 1.0 if self._is_accepted else min(max(exp(-(highest - 3.0) / 2.0), 0.05), 1.0)

    def _weigh_level(self) -> None:
        phi = _single((1.0 + self._clump() + self._kappa() * self.level()) * self._vif())
        self.level_a, self.level_b = _single(self.level_a / phi), _single(self.level_b / phi)

    def _learn_level(self, count: float, expected: Expected, factor: float, weight: float, new_normal: bool) -> None:
        keep = TUNING.keep_while_new if new_normal else 1.0 / (1.0 + self.level_a * TUNING.level_drift)
        share = weight / (expected.variance / max(expected.mean, 1e-9) * expected.vif)
        self.level_a = _single(keep * self.level_a + share * count)
        self.level_b = _single(keep * self.level_b + share * factor)

    def _learn_dispersion(self, count: float, mu: float, weight: float) -> None:
        share = weight * mu / (1.0 + 2.0 * mu * (1.0 + self._kappa() * mu) ** 2)
        self.kappa_num = _single(KEEP_AN_HOUR * self.kappa_num + share * ((count - mu) ** 2 - mu))
        self.kappa_den = _single(KEEP_AN_HOUR * self.kappa_den + share * mu * mu)

    def _learn_clumps(self, count: float, expected: Expected, score_before: float) -> None:
        mu = expected.mean
        reach = max(TUNING.winsor_sd * sqrt(expected.variance), TUNING.clump_reach)
        excess = (min(count, mu + reach) - mu) ** 2 - mu - self._kappa() * mu * mu
        weight = min(exp(-(score_before - 3.0) / 2.0), 1.0)
        self.clump_num = _single(KEEP_AN_HOUR * self.clump_num + weight * excess)
        self.clump_den = _single(KEEP_AN_HOUR * self.clump_den + weight * mu)

    def _learn_profile(self, slot: int, calls: float) -> None:
        seen, weeks = self.calls[slot], self.weeks[slot]
        self.calls[slot] = seen + _single(calls / self.tide - _single(FORGET * seen))
        self.weeks[slot] = weeks + _single(1.0 - _single(FORGET * weeks))
        if self.hours % DAY_HOURS == 0:
            self._factors = None

    def _follow(self, count: float, expected: Expected, weight: float) -> None:
        mean, tide, doubt = weight * expected.mean, self.tide, self.doubt
        calls = weight * min(count, expected.mean + TIDE_WINSOR_SD * sqrt(expected.variance))
        slope = mean / tide
        gain = doubt * slope / (slope**2 * doubt + weight * TIDE_RESERVE * expected.variance + 1e-9)
        drawn = 1.0 + (tide - 1.0) * (1.0 - 1.0 / TIDE_HOURS)
        self.tide = _single(min(max(drawn + gain * (calls - mean), LEAST_TIDE), MOST_TIDE))
        doubt *= 1.0 - gain * slope
        self.doubt = _single(doubt * (1.0 - 2.0 / TIDE_HOURS) + 2.0 * TIDE_SD**2 / TIDE_HOURS)

    def _end_day(self) -> None:
        if self.day_variance > 0.05:
            ratio = min(self.day_residual**2 / self.day_variance, 9.0 * self._vif())
            self.vif_sum = _single(KEEP_A_DAY * self.vif_sum + ratio)
            self.vif_weight = _single(KEEP_A_DAY * self.vif_weight + 1.0)
        self.day_residual = self.day_variance = 0.0


def _advance(scores: list[float], count: float, expected: Expected, share: float = 1.0) -> list[float]:
    """`bank.advance`: a score of zero stays zero where no more calls came than usual."""
    faded = 1.0 - 0.5 ** (share / TUNING.certain_hours)
    mu = max(expected.mean * share, 1e-4)
    shape, step = 1.0 / (expected.spread + expected.clump / mu), expected.sd_average * share
    more, fades = TUNING.vif_part * (expected.vif - 1.0), TUNING.certain_nats
    after = []
    for score, (rise, part) in zip(scores, RISES, strict=True):
        if score > 0.0 or count > mu:
            ratio = _log_ratio(count, mu, mu + rise * step, shape) / (1.0 + more * part)
            kept = score - faded * (score - fades) if score > fades else score
            score = min(max(kept + min(ratio, TUNING.hour_most), 0.0), TUNING.cap_nats)
        after.append(score)
    return after


def _advance_down(score: float, count: float, expected: Expected) -> float:
    mu = max(expected.mean, 1e-4)
    if score <= 0.0 and count >= mu:
        return 0.0
    ratio = _log_ratio(count, mu, 0.5 * mu, 1.0 / (expected.spread + expected.clump / mu))
    return min(max(score + ratio / expected.vif, 0.0), TUNING.cap_nats)


def _log_ratio(count: float, mu: float, other: float, shape: float) -> float:
    tail = log((shape + other) / (shape + mu))
    return count * (log(other / mu) - tail) - shape * tail


def _factors(calls: list[float], weeks: list[float]) -> list[float]:
    calls, weeks = _smooth(calls), _smooth(weeks)
    mean = sum(calls) / max(sum(weeks), 1e-9)
    factors = [(n + SHRINK_CALLS) / (w * mean + SHRINK_CALLS) for n, w in zip(calls, weeks, strict=True)]
    average = sum(factors) / WEEK_HOURS
    return [max(factor / average, 0.01) for factor in factors]


def _smooth(row: list[float]) -> list[float]:
    before, after = [row[-1], *row[:-1]], [*row[1:], row[0]]
    return [0.5 * here + 0.25 * (left + right) for left, here, right in zip(before, row, after, strict=True)]


def _rounded(scores: list[float]) -> float:
    return round(max(scores) * 1e4) / 1e4


def _single(value: float) -> float:
    """The nearest float32."""
    return c_float(value).value
