"""The calls of one hour, the same whenever and from wherever that hour is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.cli.simulation.land import Leaf
from services.cli.simulation.needs import Kind
from services.cli.simulation.rhythm import Calendar
from services.cli.simulation.surges import Surge

SECOND_NEED = 0.12
ABANDONED = 0.025
NO_PLACE = 0.03
DAY_SHAPE = 60.0
"""Shape of the gamma noise of one need on one day: 13 % up or down."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HourOfCalls:
    """One hour as arrays, one entry a call; -1 stands for "none"."""

    hour: int
    """Unix hours."""
    kind: Ints
    second: Ints
    """A second need of a 211 call."""
    leaf: Ints
    """-1: the caller did not say where."""
    abandoned: NDArray[np.bool_]
    """Hung up before anybody asked what for."""


class Hours:
    """Draws hours of calls.

    Args:
        seed: everything follows from it and from the hour.
        leaves, kinds: where and what for.
    """

    def __init__(self, seed: int, leaves: Sequence[Leaf], kinds: Sequence[Kind]) -> None:
        self._seed, self._leaves, self._kinds = seed, tuple(leaves), tuple(kinds)
        self._calendar = Calendar()
        randomness = np.random.default_rng([seed, 1])
        people = np.array([leaf.people for leaf in leaves], float)
        share = people * randomness.lognormal(0.0, 0.35, (len(kinds), len(leaves)))
        per_hour = np.array([kind.per_week for kind in kinds]) / 168
        self._usual = per_hour[:, None] * share / share.sum(axis=1, keepdims=True)
        self._people = people / 10_000
        self._is_211 = np.array([kind.line == "211" for kind in kinds])
        weight = np.where(self._is_211, per_hour, 0)
        self._second_chance = weight / weight.sum()
        self._places = {kind.need.code: place for place, kind in enumerate(kinds)}

    def calls(self, hour: int, surges: Sequence[Surge] = ()) -> HourOfCalls:
        """The calls that begin in an hour (Unix hours)."""
        randomness = np.random.default_rng([self._seed, 2, hour])
        counts = randomness.poisson(self.rates(hour, surges))
        kind, leaf = (np.repeat(axis, counts.ravel()) for axis in np.divmod(np.arange(counts.size), len(self._leaves)))
        number = len(kind)
        second = randomness.choice(len(self._kinds), number, p=self._second_chance)
        has_second = (randomness.random(number) < SECOND_NEED) & self._is_211[kind] & (second != kind)
        abandoned = (randomness.random(number) < ABANDONED) & self._is_211[kind]
        nowhere = randomness.random(number) < NO_PLACE
        return HourOfCalls(
            hour, kind, np.where(has_second & ~abandoned, second, -1), np.where(nowhere, -1, leaf), abandoned
        )

    def rates(self, hour: int, surges: Sequence[Surge] = ()) -> NDArray[np.float64]:
        """Expected calls of an hour, shape (kinds, leaves)."""
        factors = np.array([self._calendar.factor(kind.daily, hour) for kind in self._kinds])
        day = np.random.default_rng([self._seed, 3, self._calendar.local(hour).toordinal()])
        rates: NDArray[np.float64] = self._usual * (
            factors * day.gamma(DAY_SHAPE, 1 / DAY_SHAPE, len(self._kinds))
        )[:, None]  # fmt: skip
        return rates + self.extra(hour, surges) if surges else rates

    def extra(self, hour: int, surges: Sequence[Surge]) -> NDArray[np.float64]:
        """Expected calls that surges add in an hour, shape (kinds, leaves)."""
        extra = np.zeros(self._usual.shape)
        clock = self._calendar.local(hour).hour
        daylight = 0.5 - 0.5 * np.cos((clock - 3.5) / 24 * 2 * np.pi)
        for surge in surges:
            if not surge.start - 1 < hour < surge.last() + 1:
                continue
            night = surge.script.nights + (1 - surge.script.nights) * daylight
            hit = np.array([surge.intensity(leaf, hour + 0.5) for leaf in self._leaves]) * self._people * night
            for code, peak in surge.script.needs.items():
                extra[self._places[code]] += peak * hit
        return extra
