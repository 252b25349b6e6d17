"""Sealed hours as they are kept for three days: what they held and what they should have held, and sums over them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT_HOURS = 72


@dataclass(frozen=True)
class PastHour:
    """One sealed bucket: what it held and what it should have held, for every node known then."""

    bucket: int
    observed: NDArray[np.float32]
    expected: NDArray[np.float32]
    variance: NDArray[np.float32]
    """Of the count, inflated for autocorrelation."""


@dataclass
class Totals:
    """Sums over some hours of one node."""

    observed: float = 0.0
    expected: float = 0.0
    variance: float = 0.0

    def add(self, observed: float, expected: float, variance: float) -> None:
        """One more hour."""
        self.observed += observed
        self.expected += expected
        self.variance += variance

    @property
    def excess(self) -> float:
        """Calls above what was expected."""
        return self.observed - self.expected

    @property
    def z(self) -> float:
        """Excess in standard deviations."""
        return float(self.excess / np.sqrt(max(self.variance, 1e-6)))
