"""How some nodes learn an hour otherwise than by themselves, because people have said what it was."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Floats = NDArray[np.float64]


def _none() -> Index:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Treatment:
    """Numbers of nodes; a node stands in one of the first two at most."""

    held: Index = field(default_factory=_none)
    """They learn nothing from it: their CUSUMs go on, the model stays as it is."""
    accepted: Index = field(default_factory=_none)
    """They take it for normal at once, however unusual it is."""
    moved: Index = field(default_factory=_none)
    """Their level is put to a new place before, where it is worth no more than some hours."""
    factors: Floats = field(default_factory=lambda: np.ones(0))
    """By how much, for each of those that are moved."""
