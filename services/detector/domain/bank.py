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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.cusum import (
    SIZES,
    Floats,
    Index,
    Prediction,
    Scores,
    advance,
    belief,
    fallen,
    highest,
    mark_starts,
    may_move,
    risen,
)
from services.detector.domain.stored import remember, wide, within
from services.detector.domain.treatment import Treatment
from services.detector.domain.tuning import TUNING

__all__ = ["EVERY", "SIZES", "TUNING", "Bank", "Floats", "Index", "Prediction", "Scores", "advance"]

EVERY = slice(None)
SCORE_COLUMNS = ("up", "run", "down")
"""They say how unusual the last hours are, not what is usual."""


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
        self._follows: dict[str, Floats] = {}

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
        self._learned()

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
        return self._kept("kappa", self._kappa)[nodes]

    def clump(self, nodes: Index = EVERY) -> Floats:
        """How calls clump (one caller, several reports), beyond what chance does: shrunk to the pool of all nodes."""
        return self._kept("clump", self._clump)[nodes]

    def vif(self, nodes: Index = EVERY) -> Floats:
        """Variance inflation of a day's sum."""
        return self._kept("vif", self._vif)[nodes]

    def level(self, nodes: Index = EVERY) -> Floats:
        """Calls in an average hour."""
        return self._kept("level", self._level)[nodes]

    def _kept(self, name: str, compute: Callable[[], Floats]) -> Floats:
        """What follows from the state, by node: computed once, until `_learned` says that it is something else."""
        values = self._follows.get(name)
        if values is None:
            values = self._follows[name] = compute()
            values.flags.writeable = False
        return values

    def _learned(self, *names: str) -> None:
        for name in names or tuple(self._follows):
            self._follows.pop(name, None)

    def _kappa(self) -> Floats:
        raw = wide(self.kappa_num)
        raw += TUNING.kappa * TUNING.kappa_weight
        raw /= wide(self.kappa_den) + TUNING.kappa_weight
        return within(raw, 0.005, TUNING.kappa_most)

    def _clump(self) -> Floats:
        num, den = wide(self.clump_num), wide(self.clump_den)
        if self.pooled:
            pool: Floats | float = max(0.0, float(num.sum())) / max(float(den.sum()), 1.0)
        else:
            pool = np.maximum(0.0, num) / np.maximum(den, 1.0)
        num += pool * TUNING.clump_calls
        den += TUNING.clump_calls
        by_chance = TUNING.clump_doubt_sd / np.sqrt(den)
        return within(num / den - by_chance, 0.0, TUNING.clump_most)

    def _vif(self) -> Floats:
        raw = (wide(self.vif_sum) + TUNING.vif_days) / (wide(self.vif_weight) + TUNING.vif_days)
        return within(raw, 1.0, TUNING.vif_most)

    def _level(self) -> Floats:
        a, b = wide(self.level_a), wide(self.level_b)
        calls, rate = self._prior_calls(), self._kept("prior_rate", self._prior_rate)
        rate = np.maximum(rate, a / np.maximum(b, 1e-9))
        a += calls
        b += calls / rate
        a /= b
        return np.maximum(a, TUNING.least_rate, out=a)

    def _prior_calls(self) -> Floats:
        """Calls that a level's prior is worth; a usual rate of 0 has not been learned."""
        return self._kept("prior_calls", lambda: np.where(self.usual > 0.0, TUNING.prior_calls, TUNING.guess_calls))

    def _prior_rate(self) -> Floats:
        return np.where(self.usual > 0.0, wide(self.usual), TUNING.guess_rate)

    def _spread(self) -> Floats:
        doubt = wide(self.level_a)
        doubt += self._prior_calls()
        np.divide(1.0, doubt, out=doubt)
        doubt += self.kappa()
        return doubt

    def _sd_average(self) -> Floats:
        level = self.level()
        variance = level**2
        variance *= self.kappa()
        variance += level * (1.0 + self.clump())
        return np.sqrt(variance, out=variance)

    def expect(self, rates: Floats) -> None:
        """The rates (calls an hour) that need and area suggest for every node: the middle of its level's prior."""
        self.usual[:] = np.maximum(rates, TUNING.least_rate)
        self._learned()

    def predict_many(self, profile: Floats, nodes: Index = EVERY) -> Prediction:
        """The hour to come; `profile` is the factor of its slot for each of the nodes."""
        kappa, clump = self.kappa(nodes), self.clump(nodes)
        mean = self.level(nodes) * profile
        variance = mean**2
        variance *= kappa
        variance += mean * (1.0 + clump)
        return Prediction(
            mean=mean,
            spread=self._kept("spread", self._spread)[nodes],
            clump=clump,
            sd_average=self._kept("sd_average", self._sd_average)[nodes],
            variance=variance,
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
        self._learned()
        weight[held] = 0.0
        return weight

    def _move(self, predicted: Prediction, nodes: Index, factors: Floats) -> None:
        """The level of some nodes is put to a new place, worth no more than a few hours of what is to come."""
        phi = predicted.inflation()[nodes]
        known = np.maximum(wide(self.level_b[nodes]), 1e-9)
        share = np.minimum(1.0, TUNING.moved_hours / np.maximum(phi, 1.0) / known)
        self.level_a[nodes] = np.maximum(wide(self.level_a[nodes]) * share * factors, 1e-3)
        self.level_b[nodes] = known * share

    def _learn_many(self, observed: Floats, predicted: Prediction, profile: Floats, bucket: int) -> Floats:
        """Before two seasons have been seen nothing is unusual yet, so no CUSUM gathers anything."""
        before, best = self._gather(observed, predicted, bucket)
        weight, new_normal = self._doubt(np.minimum(before, best), best)
        capped = predicted.capped(observed)
        if self.careful:
            self._learn_level(capped, predicted, profile, weight, new_normal)
        else:
            self.level_a[:] += observed.astype(np.float32)
            self.level_b[:] += profile.astype(np.float32)
        if self.hours >= WEEK_HOURS:
            excess = capped - predicted.mean
            self._learn_day(excess, predicted, weight)
            self._learn_dispersion(excess, predicted.mean, weight)
            self._learn_clumps(observed, predicted, before)
        self.hours += 1
        self._learned("level", "kappa", "clump", "spread", "sd_average")
        if self.hours == TUNING.careful_after_hours:
            self._weigh_levels()
        return weight

    def _gather(self, observed: Floats, predicted: Prediction, bucket: int) -> tuple[Floats, Floats]:
        """CUSUMs one hour later; returns the best upward one of each node before and after it."""
        up, down, nodes = self.up, self.down, may_move(self.up, observed, predicted.mean)
        before = wide(up.take(nodes, axis=0).T)
        after = risen(before, observed[nodes], predicted.rows(nodes))
        up[nodes] = after.T if self.careful else 0.0
        mark_starts(self.run, nodes, before, after, bucket)
        down[:] = fallen(wide(down), observed, predicted)
        best_before, best = np.zeros(self.size), np.zeros(self.size)
        best_before[nodes], best[nodes] = highest(before), highest(after)
        return best_before, best

    def _learn_day(self, excess: Floats, predicted: Prediction, weight: Floats) -> None:
        """Sums of a day's calls beyond what was expected, and of the variance they should have."""
        residual, variance = self.day_residual, self.day_variance
        residual += (weight * excess).astype(np.float32)
        variance += (weight * predicted.variance).astype(np.float32)

    def end_day(self) -> None:
        """Learn variance inflation from the sums of the day that ended."""
        variance = wide(self.day_variance)
        seen = variance > 0.05
        ratio = np.where(seen, wide(self.day_residual) ** 2 / np.where(seen, variance, 1.0), 0.0)
        ratio = np.minimum(ratio, 9.0 * self.vif())
        keep = 1.0 - 24.0 / TUNING.memory_hours
        self.vif_sum[:] = np.where(seen, keep * wide(self.vif_sum) + ratio, self.vif_sum)
        self.vif_weight[:] = np.where(seen, keep * wide(self.vif_weight) + 1.0, self.vif_weight)
        self.day_residual[:] = 0.0
        self.day_variance[:] = 0.0
        self._learned("vif")

    def forget_scores(self, nodes: Index) -> None:
        """Start the CUSUMs of some nodes again from zero."""
        self.up[nodes] = 0.0
        self.raised_hours[nodes] = 0.0

    def _doubt(self, score: Floats, best: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """How far each node's hour is believed (0.05..1), and the nodes that take what they see for a new normal."""
        weight = np.ones(self.size)
        if not self.careful:
            return weight, np.zeros(0, np.int64)
        down, raised_hours = self.down, self.raised_hours
        unusual = np.maximum(score, wide(down))
        raised = np.flatnonzero(unusual > 3.0)
        hours = raised_hours[raised] + np.float32(1.0)
        raised_hours[:] = 0.0
        raised_hours[raised] = hours
        accepted = hours > TUNING.accept_after_hours
        weight[raised] = np.where(accepted, 1.0, belief(unusual[raised]).clip(0.05))
        moved = (best[raised] > 3.0) | (down[raised] > TUNING.vanished_nats)
        return weight, raised[accepted & moved]

    def _weigh_levels(self) -> None:
        """Two seasons were plain sums of calls and hours; from now on both count as the information that they hold."""
        phi = ((1.0 + self.clump() + self.kappa() * self.level()) * self.vif()).astype(np.float32)
        self.level_a[:] /= phi
        self.level_b[:] /= phi
        self._learned("level", "spread", "sd_average")

    def _learn_level(
        self, observed: Floats, predicted: Prediction, profile: Floats, weight: Floats, new_normal: NDArray[np.int64]
    ) -> None:
        a, b, phi = wide(self.level_a), wide(self.level_b), predicted.inflation()
        keep = a * TUNING.level_drift
        keep += 1.0
        np.divide(1.0, keep, out=keep)
        keep[new_normal] = TUNING.keep_while_new
        for stored, value, told in ((self.level_a, a, observed), (self.level_b, b, profile)):
            news = weight * told
            news /= phi
            value *= keep
            value += news
            stored[:] = value

    def _learn_dispersion(self, excess: Floats, mu: Floats, weight: Floats) -> None:
        spread = self.kappa() * mu
        spread += 1.0
        spread *= spread
        spread *= 2.0 * mu
        spread += 1.0
        beyond = excess**2
        beyond -= mu
        beyond *= weight
        beyond *= mu
        beyond /= spread
        remember(self.kappa_num, beyond)
        cube = mu**3
        cube *= weight
        cube /= spread
        remember(self.kappa_den, cube)
        self._learned("kappa")

    def _learn_clumps(self, observed: Floats, predicted: Prediction, score_before: Floats) -> None:
        """Variance beyond dispersion, in hours that began quietly: a clump is one hour, a surge goes on."""
        mu = predicted.mean
        reach = np.maximum(TUNING.winsor_sd * np.sqrt(predicted.variance), TUNING.clump_reach)
        reach += mu
        beyond = np.minimum(observed, reach, out=reach)
        beyond -= mu
        beyond *= beyond
        beyond -= mu
        beyond -= self.kappa() * mu**2
        told, loud = mu.copy(), np.flatnonzero(score_before > 3.0)
        weight = belief(score_before[loud])
        beyond[loud] *= weight
        told[loud] *= weight
        remember(self.clump_num, beyond)
        remember(self.clump_den, told)


def _zeros(rows: int, width: int, dtype: str) -> NDArray[Any]:
    return np.zeros((rows, width) if width else rows, dtype)
