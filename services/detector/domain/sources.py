"""What each source usually brings: how many contacts in which hour of the week, and how much of which node.

Learned when an hour is sealed, from its counts alone, so that the order in which calls came leaves no trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import DAY_HOURS, WEEK_HOURS

Floats = NDArray[np.float64]
KEEP_A_WEEK = 0.8
BROKEN_WEIGHT = 0.5
"""An hour in which a line was silent counts half, so that a desk that closes for good is believed in the end."""
SLOT_WEEKS, DAY_WEEKS = 0.5, 0.25
"""For the mix: weeks that the hour of the day is worth against a slot's own, and the whole week against that."""
KNOWN_AFTER_HOURS = 2 * WEEK_HOURS
"""A source's hours of the week are believed after two weeks."""
MIX_MEMORY_HOURS = 4.0 * WEEK_HOURS
MIX_PRIOR_CALLS = 2.0
LEAST_SHARE_OF_WEEK = 0.02


@dataclass
class Sources:
    """Arrays by source (in order of first occurrence) and slot of the week; `told` by node and source."""

    names: list[str] = field(default_factory=list)
    hours: list[int] = field(default_factory=list)
    """Sealed hours since each source was first heard."""
    calls: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, WEEK_HOURS), np.float32))
    weeks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, WEEK_HOURS), np.float32))
    told: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    _expected: list[list[float]] | None = field(default=None, repr=False)
    _shares: Floats | None = field(default=None, repr=False)

    def number(self, name: str) -> int:
        """Number of a source, new if need be."""
        if name not in self.names:
            self.names.append(name)
            self.hours.append(0)
            row = np.zeros((1, WEEK_HOURS), np.float32)
            self.calls, self.weeks = np.concatenate([self.calls, row]), np.concatenate([self.weeks, row])
            self.told = np.concatenate([self.told, np.zeros((len(self.told), 1), np.float32)], axis=1)
            self._expected = self._shares = None
        return self.names.index(name)

    def known(self, source: int) -> bool:
        """Whether its weeks have been seen twice."""
        return self.hours[source] >= KNOWN_AFTER_HOURS

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """The arrays by name, for a snapshot."""
        return {"calls": self.calls, "weeks": self.weeks, "told": self.told}

    def grow(self, nodes: int) -> None:
        """Room for every node."""
        missing = nodes - len(self.told)
        if missing > 0:
            self.told = np.concatenate([self.told, np.zeros((missing, len(self.names)), np.float32)])

    def expected(self, week_hour: int) -> list[float]:
        """Contacts that each source should bring in a whole hour of this slot: the mean of the weeks seen."""
        if self._expected is None:
            mean = self.calls.astype(np.float64) / np.maximum(self.weeks.astype(np.float64), 1e-9)
            self._expected = mean.T.tolist()
        return self._expected[week_hour]

    def never_heard(self, source: int, week_hour: int) -> bool:
        """Whether a known source that brings a call an hour or more on average is not heard in this slot."""
        mean = float(self.calls[source].sum()) / max(float(self.weeks[source].sum()), 1.0)
        return self.known(source) and mean >= 1.0 and self.expected(week_hour)[source] < LEAST_SHARE_OF_WEEK * mean

    def learn(self, week_hour: int, heard: Floats, broken: Sequence[int], told: Floats) -> None:
        """One sealed hour.

        Args:
            week_hour: its slot.
            heard: contacts by source.
            broken: sources whose line was silent.
            told: calls by node and source.
        """
        self.hours = [hours + 1 if hours or here else 0 for hours, here in zip(self.hours, heard, strict=True)]
        weight = np.where(np.array(self.hours) > 0, 1.0, 0.0)
        weight[list(broken)] *= BROKEN_WEIGHT
        keep = KEEP_A_WEEK**weight
        self.calls[:, week_hour] = keep * self.calls[:, week_hour] + weight * heard
        self.weeks[:, week_hour] = keep * self.weeks[:, week_hour] + weight
        self.grow(len(told))
        self.told *= np.float32(1.0 - 1.0 / MIX_MEMORY_HOURS)
        self.told += told.astype(np.float32)
        self._expected = self._shares = None

    def mix(
        self, week_hour: int, nodes: NDArray[np.int64], contacts_of: NDArray[np.int64], live: Sequence[int]
    ) -> Floats:
        """Share of each node's calls in this slot that each live source brings, [node, live source]; rows sum to 1.

        A node is shrunk to the contacts of its area (`contacts_of`, a node for each of `nodes`), those to all sources
        alike. Sources that are not live, which history alone has told of, bring nothing.
        """
        columns = list(live)
        prior = MIX_PRIOR_CALLS / len(columns)
        area = self.told[contacts_of][:, columns].astype(np.float64) + prior
        area /= area.sum(axis=1, keepdims=True)
        rows = self.told[nodes][:, columns] + MIX_PRIOR_CALLS * area
        rows *= self._share_of_week()[columns, week_hour]
        shares: Floats = rows / rows.sum(axis=1, keepdims=True)
        return shares

    def _share_of_week(self) -> Floats:
        """By source and slot: its contacts there against those of its average hour; never quite nothing."""
        if self._shares is None:
            calls, weeks = self.calls.astype(np.float64), self.weeks.astype(np.float64)
            days = (len(self.names), WEEK_HOURS // DAY_HOURS, DAY_HOURS)
            mean = calls.sum(axis=1, keepdims=True) / np.maximum(weeks.sum(axis=1, keepdims=True), 1.0)
            by_hour = (calls.reshape(days).sum(axis=1) + DAY_WEEKS * mean) / (
                weeks.reshape(days).sum(axis=1) + DAY_WEEKS
            )
            prior = np.tile(by_hour, (1, WEEK_HOURS // DAY_HOURS))
            slots = (calls + SLOT_WEEKS * prior) / (weeks + SLOT_WEEKS)
            self._shares = slots / np.maximum(slots.mean(axis=1, keepdims=True), 1e-9) + LEAST_SHARE_OF_WEEK
        return self._shares
