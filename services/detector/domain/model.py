"""The model of one home area: what each node should bring in an hour, and what a sealed hour teaches."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.almanac import Almanac, HomeHour
from services.detector.domain.bank import EVERY, Bank, Floats, Index, Prediction
from services.detector.domain.calendar import Calendar, Slot
from services.detector.domain.exposure import Exposure, exposed
from services.detector.domain.ledger import Ledger
from services.detector.domain.memory import Model
from services.detector.domain.nodes import Nodes
from services.detector.domain.priors import usual_rates
from services.detector.domain.profile import Profiles, tidal
from services.detector.domain.rarity import handicap
from services.detector.domain.seasons import Seasons
from services.detector.domain.treatment import Treatment
from services.detector.domain.unlisted import Day, Unlisted

LEARNED_FROM = 0.2
"""Least exposure of an hour that a profile learns from."""


@dataclass
class HomeModel:
    """Bank, profiles and almanac of the nodes, seen through the exposure of their sources."""

    nodes: Nodes
    calendar: Calendar
    ledger: Ledger
    exposure: Exposure = field(default_factory=Exposure)
    bank: Bank = field(default_factory=Bank)
    profiles: Profiles = field(default_factory=Profiles)
    almanac: Almanac = field(default_factory=Almanac, kw_only=True)
    open_bucket: int = field(default=0, kw_only=True)
    contacts: int | None = field(default=None, kw_only=True)
    """Node of all contacts of the home area."""
    _contacts_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False, kw_only=True)
    _exposures: dict[int, Floats | float] = field(default_factory=dict, repr=False, kw_only=True)
    _predicted: dict[int, Prediction] = field(default_factory=dict, repr=False, kw_only=True)
    _handicaps: Floats | None = field(default=None, repr=False, kw_only=True)

    def profile(self, bucket: int, nodes: Index = EVERY) -> Floats:
        """Factor of a bucket's slot and kind of day for some nodes."""
        slot = self.calendar.slot(bucket)
        factors: Floats = (self.profiles.factors(slot.week_hour) * self.almanac.factors(slot))[
            self.nodes.need_of[nodes]
        ]
        return factors

    def day_factor(self, bucket: int, node: int) -> float:
        """What the kind of day does to a node's calls: 1 on an ordinary day."""
        return float(self.almanac.factors(self.calendar.slot(bucket))[self.nodes.need_of[node]])

    def predict(self, bucket: int, nodes: Index = EVERY) -> Prediction:
        """What a bucket should bring: a whole one, so far as its calls should be in."""
        return exposed(self.whole(bucket).rows(nodes), self.exposure_of(bucket, nodes))

    def exposure_of(self, bucket: int, nodes: Index = EVERY) -> Floats | float:
        """Part (0..1] of the calls of a bucket that should be in by now, one number where it is the same for all."""
        if bucket == self.open_bucket and not isinstance(nodes, slice):
            return self._exposure(bucket, nodes)
        known = self._exposures.get(bucket)
        if known is None or (isinstance(known, np.ndarray) and len(known) != len(self.nodes)):
            known = self._exposures[bucket] = self._exposure(bucket, np.arange(len(self.nodes)))
        return known[nodes] if isinstance(known, np.ndarray) else known

    def exposure_of_one(self, bucket: int, node: int) -> float:
        """The same of one node."""
        exposure = self.exposure_of(bucket, np.array([node]) if bucket == self.open_bucket else EVERY)
        if isinstance(exposure, float):
            return exposure
        return float(exposure[0 if len(exposure) == 1 else node])

    def _exposure(self, bucket: int, nodes: NDArray[np.int64]) -> Floats | float:
        if len(self._contacts_of) != len(self.nodes):
            self._contacts_of = self.nodes.contacts_of()
        return self.exposure.of_nodes(bucket, self.calendar.slot(bucket).week_hour, nodes, self._contacts_of[nodes])

    def home_hour(self, bucket: int, observed: Floats, expected: Floats) -> HomeHour:
        """An hour of the whole home area, by need, as the almanac wants it."""
        rows, needs = self._home_rows, len(self.nodes.need_names)
        sums = np.zeros((2, needs))
        sums[:, self.nodes.need_of[rows]] = observed[rows], expected[rows]
        return HomeHour(self.calendar.slot(bucket), sums[0], sums[1], self.nodes.leaf_needs())

    def forget_predictions(self) -> None:
        """Something was learned, or the trees or the calendar are others: nothing predicted before holds."""
        self._predicted.clear()
        self._handicaps = None
        self._exposures.clear()

    def whole(self, bucket: int) -> Prediction:
        """The prediction for every node at full exposure, kept until something is learned or a node is added."""
        known = self._predicted.get(bucket)
        if known is None or len(known.mean) != len(self.nodes):
            known = self._predicted[bucket] = self.bank.predict_many(self.profile(bucket))
        return known

    def as_of(self, bucket: int) -> Model:
        """All that `teach` changes, before it learns a bucket."""
        seasons, unlisted = self.almanac.seasons, self.almanac.unlisted
        parts = {"bank": self.bank.columns(), "profiles": self.profiles.columns(), "seasons": seasons.columns()}
        days = {"day": dict(vars(unlisted.sealed)), "days": list(unlisted.days)}
        return Model.of(bucket, parts, {"hours": self.bank.hours, "size": self.bank.size, **days})

    def put_back(self, model: Model) -> None:
        """The model as it was."""
        self.bank = Bank.restored(model.plain["size"], model.plain["hours"], model.part("bank"))
        self.profiles = Profiles.restored(model.part("profiles"))
        self.bank.grow(len(self.nodes))
        self.profiles.grow(len(self.nodes.need_names))
        days = Unlisted(Day(**model.plain["day"]), list(model.plain["days"]), self.almanac.unlisted.likely)
        self.almanac = Almanac(Seasons(**model.part("seasons")), days)
        self.almanac.seasons.grow(len(self.nodes.need_names))

    def teach(self, bucket: int, counts: Floats, exposure: Floats | float | None, treatment: Treatment | None) -> None:
        """What an hour teaches the model; no exposure means that nothing was heard at all."""
        slot = self.calendar.slot(bucket)
        if exposure is not None:
            predicted, part = exposed(self.whole(bucket), exposure), np.broadcast_to(exposure, counts.shape)
            weight = self.bank.learn_many(counts, predicted, self.profile(bucket) * part, bucket, treatment)
            if slot.holiday is None:
                self._learn_profiles(slot, counts, predicted, weight, part)
            if self.bank.careful:
                self.almanac.learn(self.home_hour(bucket, counts, predicted.mean), self.profiles)
        if self.calendar.slot(bucket + 1).day != slot.day:
            self.bank.end_day()
            if self.contacts is not None:
                self.bank.expect(usual_rates(self.nodes, self.bank.level(), self.contacts))

    def _learn_profiles(
        self, slot: Slot, counts: Floats, predicted: Prediction, weight: Floats, exposure: Floats
    ) -> None:
        """A need's calls in the home area; where the hour is doubted, what was expected stands in for the rest."""
        rows = self._home_rows[weight[self._home_rows] > 0.0]
        needs, size = self.nodes.need_of[rows], len(self.nodes.need_names)

        def by_need(values: Floats) -> Floats:
            spread = np.zeros(size)
            spread[needs] = values[rows]
            return spread

        believed = weight * counts + (1.0 - weight) * np.minimum(counts, predicted.mean)
        seen = by_need(exposure)
        calls = by_need(believed / exposure) / self.almanac.factors(slot)
        self.profiles.learn(slot.week_hour, calls, np.where(seen >= LEARNED_FROM, seen, 0.0))
        if self.bank.careful:
            observed, variance = tidal(counts, predicted)
            self.profiles.follow(*(by_need(weight * part) for part in (observed, predicted.mean, variance)))

    @property
    def _home_rows(self) -> NDArray[np.int64]:
        """Nodes whose area is the home area."""
        return self.nodes.in_area(self.nodes.names[self.contacts][1] if self.contacts is not None else "")

    @property
    def handicap(self) -> Floats:
        """Nats that chance gives each node by its level, kept until something is learned."""
        if self._handicaps is None or len(self._handicaps) != len(self.nodes):
            self._handicaps = handicap(self.bank.level())
        return self._handicaps
