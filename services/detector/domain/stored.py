"""What is kept in float32 and computed in float64."""

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.tuning import TUNING

Floats = NDArray[np.float64]
Stored = NDArray[np.float32]
KEEP_AN_HOUR = 1.0 - 1.0 / TUNING.memory_hours


def wide(stored: Stored) -> Floats:
    """To compute with."""
    return stored.astype(np.float64, order="C")


def remember(stored: Stored, news: Floats) -> None:
    """Forget an hour's part of what was known, and add what is new."""
    known = wide(stored)
    known *= KEEP_AN_HOUR
    known += news
    stored[:] = known


def within(values: Floats, least: float, most: float) -> Floats:
    """The same array with its values moved between two bounds."""
    return values.clip(least, most, out=values)
