"""The bank: a negative-binomial model and five CUSUMs for each node, as arrays (detection.md).

Mean of an hour: mu = lambda x p (level x weekly profile). Predictive: negative binomial with shape r,
1 / r = kappa + 1 / a + clump / mu, a being the gamma shape of the level. Levels, dispersion, clumping and variance
inflation are learned hour by hour when an hour is sealed; scores are sums of log-likelihood ratios, in nats, against a
rise of 1, 2, 4, 8 or 16 standard deviations of the node's average hour.

The level is a gamma posterior: what the node itself has seen, and a prior worth `prior_calls` calls around the rate
that its need and its area suggest (`usual`, learned daily by `expect`), which is all that a new node has. The prior
holds a level up, never down: a gamma's upper tail is thin and would keep a node of 30,000 calls an hour at 100.

Stored in float32, computed in float64, so that what a snapshot keeps is exactly what the next hour starts from.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.treatment import Treatment

Floats = NDArray[np.float64]
Stored = NDArray[np.float32]
Index = NDArray[np.int64] | slice

EVERY = slice(None)
SIZES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
"""Rises looked for, in sd of an average hour."""


SCORE_COLUMNS = ("up", "run", "down")
"""They say how unusual the last hours are, not what is usual."""


@dataclass(frozen=True)
class Tuning:
    """Constants of the model; part of the model's version."""

    prior_calls: float = 1.0
    """Calls that the rate of need and area is worth against a node's own: rates scatter about it by a factor of two."""
    guess_calls: float = 0.2
    guess_rate: float = 0.05
    """What stands in for it while neither need nor area say anything."""
    level_drift: float = 1.5e-5
    """Variance of the level's random walk per hour, relative."""
    least_rate: float = 0.005
    """Calls an hour below which no history can claim a node to be."""
    kappa: float = 0.08
    kappa_weight: float = 50.0
    kappa_most: float = 3.0
    clump_calls: float = 10.0
    """Calls that the pool's clumping is worth against a node's own."""
    clump_most: float = 20.0
    clump_reach: float = 5.0
    """A clump counts up to this many calls above the mean."""
    memory_hours: float = 8.0 * WEEK_HOURS
    vif_days: float = 7.0
    vif_most: float = 12.0
    vif_part: float = 0.5
    """How much of the variance inflation tempers the evidence; the whole costs detections, none of it false alarms."""
    winsor_sd: float = 4.0
    winsor_calls: float = 2.0
    """So many calls count in full even where hardly any are usual; else rare calls teach a tenth of themselves."""
    hour_most: float = 12.0
    """Nats that one hour can bring: a street of reports typed in at once is one cause, not a rise that goes on."""
    cap_nats: float = 40.0
    certain_nats: float = 10.0
    certain_hours: float = 3.0
    """What lies above so many nats halves in so many hours: else a big surge lingers for days in a rare series."""
    careful_after_hours: int = 2 * WEEK_HOURS
    """Anomaly-aware learning and alerts begin after two seasons."""
    accept_after_hours: int = WEEK_HOURS
    """A level that has stayed away this long is the new normal."""
    vanished_nats: float = 25.0
    """A fall is a new normal only when it is beyond doubt: with 3 nats, as for rises, levels wander."""
    keep_while_new: float = 0.97
    """How much of the old level an hour leaves while a new normal is taken in."""
    moved_hours: float = 6.0
    """What a level is worth, in hours, that a person says is the new normal."""


TUNING = Tuning()


class Prediction(NamedTuple):
    """What an hour should bring: arrays over the nodes asked for."""

    mean: Floats
    spread: Floats
    """Part of the inverse shape that does not depend on the mean: dispersion and doubt about the level."""
    clump: Floats
    """Variance over mean, less one, of calls that come in clumps: their part of the inverse shape is clump / mean."""
    sd_average: Floats
    """sd of the node's average hour: the unit of a rise."""
    variance: Floats
    vif: Floats

    def rows(self, nodes: Index) -> "Prediction":
        """The same for some of the nodes."""
        return self if isinstance(nodes, slice) else Prediction(*(column[nodes] for column in self))


class Scores(NamedTuple):
    """Five upward CUSUMs and the bucket in which each last left zero."""

    up: Floats
    run: NDArray[np.int64]

    def best(self) -> Floats:
        """Highest of the five, rounded as every comparison wants it."""
        best: Floats = np.round(reduce(np.maximum, self.up.T), 4)  # by columns: along short rows numpy is slow
        return best


@dataclass
class Bank:
    """State of all nodes of a home area; row i is node i."""

    ARRAYS: ClassVar[dict[str, tuple[str, int]]] = {
        "level_a": ("f4", 0),
        "level_b": ("f4", 0),
        "usual": ("f4", 0),
        "kappa_num": ("f4", 0),
        "kappa_den": ("f4", 0),
        "clump_num": ("f4", 0),
        "clump_den": ("f4", 0),
        "day_residual": ("f4", 0),
        "day_variance": ("f4", 0),
        "vif_sum": ("f4", 0),
        "vif_weight": ("f4", 0),
        "down": ("f4", 0),
        "raised_hours": ("f4", 0),
        "up": ("f4", len(SIZES)),
        "run": ("i4", len(SIZES)),
    }
    size: int = 0
    hours: int = 0
    """Hours learned by the home area."""
    pooled: bool = True
    """Whether nodes lean on each other where they have seen little; without it each is as if alone."""

    def __post_init__(self) -> None:
        self._arrays = {name: _zeros(0, width, dtype) for name, (dtype, width) in self.ARRAYS.items()}

    def __getattr__(self, name: str) -> NDArray[Any]:
        try:
            return self.__dict__["_arrays"][name][: self.size]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def grow(self, size: int) -> None:
        """Make room for nodes 0 … size-1; a new node is one that has been silent in all hours so far."""
        old = self.size
        if size <= old:
            return
        if size > len(self._arrays["down"]):
            room = max(64, 2 * size)
            for name, (dtype, width) in self.ARRAYS.items():
                wider = _zeros(room, width, dtype)
                wider[:old] = self._arrays[name][:old]
                self._arrays[name] = wider
        self.size = size
        self.level_b[old:] = self.hours

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for a snapshot."""
        return {name: self._arrays[name][: self.size] for name in self.ARRAYS}

    @classmethod
    def restored(cls, size: int, hours: int, columns: dict[str, NDArray[Any]]) -> "Bank":
        """A bank from the arrays of a snapshot."""
        bank = cls(size=size, hours=hours)
        bank._arrays = {name: columns[name].copy() for name in cls.ARRAYS}
        return bank

    @property
    def careful(self) -> bool:
        """Whether two seasons have been seen."""
        return self.hours >= TUNING.careful_after_hours

    def kappa(self, nodes: Index = EVERY) -> Floats:
        """Dispersion, shrunk to the pool."""
        num, den = _wide(self.kappa_num, nodes), _wide(self.kappa_den, nodes)
        raw = (num + TUNING.kappa * TUNING.kappa_weight) / (den + TUNING.kappa_weight)
        return np.clip(raw, 0.005, TUNING.kappa_most)

    def clump(self, nodes: Index = EVERY) -> Floats:
        """How calls clump (one caller, several reports), shrunk to the pool of all nodes."""
        num, den = _wide(self.clump_num, EVERY), _wide(self.clump_den, EVERY)
        if self.pooled:
            pool: Floats | float = max(0.0, float(num.sum())) / max(float(den.sum()), 1.0)
        else:
            pool = (np.maximum(0.0, num) / np.maximum(den, 1.0))[nodes]
        raw = (num[nodes] + pool * TUNING.clump_calls) / (den[nodes] + TUNING.clump_calls)
        return np.clip(raw, 0.0, TUNING.clump_most)

    def vif(self, nodes: Index = EVERY) -> Floats:
        """Variance inflation of a day's sum."""
        total, weight = _wide(self.vif_sum, nodes), _wide(self.vif_weight, nodes)
        return np.clip((total + TUNING.vif_days) / (weight + TUNING.vif_days), 1.0, TUNING.vif_most)

    def level(self, nodes: Index = EVERY) -> Floats:
        """Calls in an average hour."""
        calls, rate = self._prior(nodes)
        a, b = _wide(self.level_a, nodes), _wide(self.level_b, nodes)
        own = a / np.maximum(b, 1e-9)
        return np.maximum((a + calls) / (b + calls / np.maximum(rate, own)), TUNING.least_rate)

    def _prior(self, nodes: Index) -> tuple[Floats, Floats]:
        """(calls, rate) of the prior; a usual rate of 0 has not been learned."""
        usual = _wide(self.usual, nodes)
        known = usual > 0.0
        return np.where(known, TUNING.prior_calls, TUNING.guess_calls), np.where(known, usual, TUNING.guess_rate)

    def expect(self, rates: Floats) -> None:
        """The rates (calls an hour) that need and area suggest for every node: the middle of its level's prior."""
        self.usual[:] = np.maximum(rates, TUNING.least_rate)

    def predict_many(self, profile: Floats, nodes: Index = EVERY) -> Prediction:
        """The hour to come; `profile` is the factor of its slot for each of the nodes."""
        level, kappa, clump = self.level(nodes), self.kappa(nodes), self.clump(nodes)
        mean = level * profile
        return Prediction(
            mean=mean,
            spread=kappa + 1.0 / (_wide(self.level_a, nodes) + self._prior(nodes)[0]),
            clump=clump,
            sd_average=np.sqrt(level * (1.0 + clump) + kappa * level**2),
            variance=mean * (1.0 + clump) + kappa * mean**2,
            vif=self.vif(nodes),
        )

    def sealed_scores(self, nodes: Index = EVERY) -> Scores:
        """CUSUMs at the seal point, from which all later hours are computed again."""
        return Scores(self.up[nodes].astype(np.float64), self.run[nodes].astype(np.int64))

    def learn_many(
        self,
        observed: Floats,
        predicted: Prediction,
        profile: Floats,
        bucket: int,
        treatment: Treatment | None = None,
    ) -> Floats:
        """Learn one sealed hour for every node; returns the weight (0.05..1) that each hour was learned with.

        With a treatment from outside some nodes learn nothing (weight 0, their CUSUMs go on all the same) and others
        take the hour for normal at once.
        """
        if treatment is None:
            return self._learn_many(observed, predicted, profile, bucket)
        held = treatment.held
        self._move(predicted, treatment.moved, treatment.factors)
        self.raised_hours[treatment.accepted] = float(TUNING.accept_after_hours + 1)
        columns = {name: column for name, column in self.columns().items() if name not in SCORE_COLUMNS}
        before = {name: column[held].copy() for name, column in columns.items()}
        weight = self._learn_many(observed, predicted, profile, bucket)
        if self.hours != TUNING.careful_after_hours:  # in that hour all levels change their unit
            for name, column in columns.items():
                column[held] = before[name]
        weight[held] = 0.0
        return weight

    def _move(self, predicted: Prediction, nodes: Index, factors: Floats) -> None:
        """The level of some nodes is put to a new place, worth no more than a few hours of what is to come."""
        phi = (predicted.variance / np.maximum(predicted.mean, 1e-9) * predicted.vif)[nodes]
        known = np.maximum(_wide(self.level_b, nodes), 1e-9)
        share = np.minimum(1.0, TUNING.moved_hours / np.maximum(phi, 1.0) / known)
        self.level_a[nodes] = np.maximum(_wide(self.level_a, nodes) * share * factors, 1e-3)
        self.level_b[nodes] = known * share

    def _learn_many(self, observed: Floats, predicted: Prediction, profile: Floats, bucket: int) -> Floats:
        """Before two seasons have been seen nothing is unusual yet, so no CUSUM gathers anything."""
        before = self.sealed_scores()
        after = advance(before, observed, predicted, bucket)
        self.up[:], self.run[:] = after.up, after.run
        self.down[:] = _advance_down(_wide(self.down, EVERY), observed, predicted)
        best_before, best = before.best(), after.best()
        weight = self._weights(np.minimum(best_before, best))
        moved = (best > 3.0) | (self.down > TUNING.vanished_nats)
        new_normal = (self.raised_hours > TUNING.accept_after_hours) & moved
        if not self.careful:
            self.up[:] = 0.0
        reach = predicted.mean + TUNING.winsor_sd * np.sqrt(predicted.variance * predicted.vif)
        capped = np.minimum(observed, np.maximum(reach, TUNING.winsor_calls))
        if self.careful:
            self._learn_level(capped, predicted, profile, weight, new_normal)
        else:
            self.level_a[:] += observed.astype(np.float32)
            self.level_b[:] += profile.astype(np.float32)
        if self.hours >= WEEK_HOURS:
            self._learn_dispersion(capped, predicted, weight)
            self._learn_clumps(observed, predicted, best_before)
            self.day_residual[:] += (weight * (capped - predicted.mean)).astype(np.float32)
            self.day_variance[:] += (weight * predicted.variance).astype(np.float32)
        self.hours += 1
        if self.hours == TUNING.careful_after_hours:
            self._weigh_levels()
        return weight

    def end_day(self) -> None:
        """Learn variance inflation from the sums of the day that ended."""
        variance = _wide(self.day_variance, EVERY)
        seen = variance > 0.05
        ratio = np.where(seen, _wide(self.day_residual, EVERY) ** 2 / np.where(seen, variance, 1.0), 0.0)
        ratio = np.minimum(ratio, 9.0 * self.vif())
        keep = 1.0 - 24.0 / TUNING.memory_hours
        self.vif_sum[:] = np.where(seen, keep * _wide(self.vif_sum, EVERY) + ratio, self.vif_sum)
        self.vif_weight[:] = np.where(seen, keep * _wide(self.vif_weight, EVERY) + 1.0, self.vif_weight)
        self.day_residual[:] = 0.0
        self.day_variance[:] = 0.0

    def forget_scores(self, nodes: Index) -> None:
        """Start the CUSUMs of some nodes again from zero."""
        self.up[nodes] = 0.0
        self.raised_hours[nodes] = 0.0

    def _weights(self, score: Floats) -> Floats:
        if not self.careful:
            return np.ones(self.size)
        highest = np.maximum(score, _wide(self.down, EVERY))
        self.raised_hours[:] = np.where(highest > 3.0, self.raised_hours + 1.0, 0.0)
        accepted = self.raised_hours > TUNING.accept_after_hours
        weight = np.clip(np.exp(-(highest - 3.0) / 2.0), 0.05, 1.0)
        return np.where(accepted, 1.0, weight)

    def _weigh_levels(self) -> None:
        """Two seasons were plain sums of calls and hours; from now on both count as the information that they hold."""
        level = self.level()
        phi = (1.0 + self.clump() + self.kappa() * level) * self.vif()
        self.level_a[:] /= phi.astype(np.float32)
        self.level_b[:] /= phi.astype(np.float32)

    def _learn_level(
        self, observed: Floats, predicted: Prediction, profile: Floats, weight: Floats, new_normal: NDArray[np.bool_]
    ) -> None:
        a, b = _wide(self.level_a, EVERY), _wide(self.level_b, EVERY)
        keep = np.where(new_normal, TUNING.keep_while_new, 1.0 / (1.0 + a * TUNING.level_drift))
        phi = predicted.variance / np.maximum(predicted.mean, 1e-9) * predicted.vif
        self.level_a[:] = keep * a + weight * observed / phi
        self.level_b[:] = keep * b + weight * profile / phi

    def _learn_clumps(self, observed: Floats, predicted: Prediction, score_before: Floats) -> None:
        """Variance beyond dispersion, in hours that began quietly: a clump is one hour, a surge goes on."""
        mu = predicted.mean
        reach = np.maximum(TUNING.winsor_sd * np.sqrt(predicted.variance), TUNING.clump_reach)
        excess = (np.minimum(observed, mu + reach) - mu) ** 2 - mu - self.kappa() * mu**2
        weight = np.clip(np.exp(-(score_before - 3.0) / 2.0), 0.0, 1.0)
        keep = 1.0 - 1.0 / TUNING.memory_hours
        self.clump_num[:] = keep * _wide(self.clump_num, EVERY) + weight * excess
        self.clump_den[:] = keep * _wide(self.clump_den, EVERY) + weight * mu

    def _learn_dispersion(self, observed: Floats, predicted: Prediction, weight: Floats) -> None:
        mu = predicted.mean
        excess = (observed - mu) ** 2 - mu
        spread = 1.0 + 2.0 * mu * (1.0 + self.kappa() * mu) ** 2
        keep = 1.0 - 1.0 / TUNING.memory_hours
        self.kappa_num[:] = keep * _wide(self.kappa_num, EVERY) + weight * excess * mu / spread
        self.kappa_den[:] = keep * _wide(self.kappa_den, EVERY) + weight * mu**3 / spread


def advance(scores: Scores, observed: Floats, predicted: Prediction, bucket: int, share: float = 1.0) -> Scores:
    """CUSUMs after one more bucket, of which `share` (0..1) has passed.

    S_c = max(0, S_c + llr_c / (1 + (VIF - 1) / 2 x min(1, 2 / c))), the ratio being that of a negative binomial with
    mean mu + c sd to one with mean mu, at the same shape; of the S_c before, what is beyond certainty has faded.
    """
    faded = 1.0 - 0.5 ** (share / TUNING.certain_hours)
    up = scores.up - faded * np.maximum(scores.up - TUNING.certain_nats, 0.0)
    mu = np.maximum(predicted.mean * share, 1e-4)
    # A score of zero stays zero where no more calls came than usual: most of all scores, and no logarithm for them.
    places = np.flatnonzero((up > 0.0) | (observed > mu)[:, None])
    row, size = np.divmod(places, len(SIZES))
    some, mean = SIZES[size], mu[row]
    shape = 1.0 / (predicted.spread[row] + predicted.clump[row] / mean)
    ratio = _log_ratio(observed[row], mean, mean + some * (predicted.sd_average[row] * share), shape)
    temper = 1.0 + TUNING.vif_part * (predicted.vif[row] - 1.0) * np.minimum(1.0, 2.0 / some)
    before = up.take(places)
    after = np.clip(before + np.minimum(ratio / temper, TUNING.hour_most), 0.0, TUNING.cap_nats)
    up.put(places, after)
    run = scores.run.copy()
    run.put(places[(before <= 0.0) & (after > 0.0)], bucket)
    return Scores(up, run)


def _advance_down(score: Floats, observed: Floats, predicted: Prediction) -> Floats:
    """The same for a fall to half the mean."""
    mu = np.maximum(predicted.mean, 1e-4)
    row = np.flatnonzero((score > 0.0) | (observed < mu))
    mean, after = mu[row], score.copy()
    ratio = _log_ratio(observed[row], mean, 0.5 * mean, 1.0 / (predicted.spread[row] + predicted.clump[row] / mean))
    after[row] = np.clip(score[row] + ratio / predicted.vif[row], 0.0, TUNING.cap_nats)
    return after


def _log_ratio(observed: Floats, mu: Floats, other: Floats, shape: Floats) -> Floats:
    tail = np.log((shape + other) / (shape + mu))
    ratio: Floats = observed * (np.log(other / mu) - tail) - shape * tail
    return ratio


def _wide(stored: NDArray[Any], nodes: Index) -> Floats:
    return stored[nodes].astype(np.float64)


def _zeros(rows: int, width: int, dtype: str) -> NDArray[Any]:
    return np.zeros((rows, width) if width else rows, dtype)
