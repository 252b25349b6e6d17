"""What it takes to learn the last two weeks again: the model as it was, once a day, and every sealed hour since.

A label that comes the morning after, an event that is declared late and calls that are taken back all change what some
hours should have taught. The model is then put back to the last day before them and the hours are learned once more,
in order, as they would have been. Learning again without any change ends in the same model to the last bit, unless a
node occurred for the first time meanwhile: it is then one that was silent before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.controls import REMEMBERED_DAYS
from services.detector.domain.calendar import DAY_HOURS

Floats = NDArray[np.float64]
Cells = dict[tuple[int, int], int]
"""Calls by (leaf, feed)."""

EVERY_HOURS = DAY_HOURS
"""How often the model is kept."""
LATEST_DAYS = 4
"""All of the last days are kept: most labels come the morning after, and an alert may have begun three days before."""
OLDER_EVERY_HOURS = 4 * DAY_HOURS
REACH_HOURS = REMEMBERED_DAYS * DAY_HOURS


@dataclass(frozen=True)
class Model:
    """The model before a bucket was learned; arrays are never changed in place."""

    bucket: int
    arrays: dict[str, NDArray[Any]]
    """Columns of its parts, as `part:column`."""
    plain: dict[str, Any]
    """What is no column, for msgpack."""

    @classmethod
    def of(cls, bucket: int, parts: Mapping[str, Mapping[str, NDArray[Any]]], plain: dict[str, Any]) -> "Model":
        """A copy of the columns of all parts."""
        columns = ((f"{part}:{name}", column) for part, named in parts.items() for name, column in named.items())
        return cls(bucket, {name: column.copy() for name, column in columns}, plain)

    def part(self, part: str) -> dict[str, NDArray[Any]]:
        """A copy of the columns of one part, to go on from."""
        return {
            name.removeprefix(f"{part}:"): column.copy()
            for name, column in self.arrays.items()
            if name.startswith(f"{part}:")
        }


@dataclass
class KeptHour:
    """One sealed hour as it was learned."""

    bucket: int
    exposure: Floats | float | None
    """Part of each node's calls that was in, one number where it was the same for all; None: nothing was learned."""
    started_again: list[int]
    """Nodes whose CUSUMs were set to zero before it was learned."""
    zeroed: list[int]
    """Nodes whose CUSUMs were set to zero after it was learned."""
    cells: Cells = field(default_factory=dict)


@dataclass
class Memory:
    """Kept models and hours of one home area."""

    models: dict[int, Model] = field(default_factory=dict)
    """By the bucket that each had not learned yet, oldest first."""
    hours: dict[int, KeptHour] = field(default_factory=dict)
    """By bucket, without a gap from the oldest model on."""
    started_again: list[int] = field(default_factory=list)
    """Nodes whose CUSUMs were set to zero since the last hour was learned."""

    @property
    def reaches(self) -> int | None:
        """The first bucket that can be learned again."""
        return min(self.models, default=None)

    def sealed_cells(self) -> Mapping[int, Cells]:
        """Cells of the kept hours, by bucket."""
        return {bucket: hour.cells for bucket, hour in self.hours.items()}

    def wants(self, bucket: int) -> bool:
        """Whether the model is to be kept before a bucket is learned."""
        return not self.models or bucket % EVERY_HOURS == 0

    def put(self, model: Model) -> None:
        """Keep a model; drop what is too old."""
        self.models[model.bucket] = model
        self._forget(model.bucket)

    def keep(self, hour: KeptHour) -> None:
        """A bucket was learned."""
        self.hours[hour.bucket] = hour
        self.started_again = []

    def start_from(self, bucket: int) -> Model | None:
        """The last model that had not learned a bucket; the oldest one when none reaches so far back."""
        fit = [known for known in self.models if known <= bucket]
        found = max(fit, default=self.reaches)
        return None if found is None else self.models[found]

    def clear(self) -> None:
        """Everything is learned anew from elsewhere."""
        self.models.clear()
        self.hours.clear()
        self.started_again = []

    def _forget(self, bucket: int) -> None:
        """Models: every day of the latest, every fourth day before, one that reaches two weeks back."""
        old = sorted(self.models)
        beyond = [known for known in old if known <= bucket - REACH_HOURS]
        for known in old:
            recent = known > bucket - LATEST_DAYS * DAY_HOURS
            spaced = known % OLDER_EVERY_HOURS == 0 or known == old[0]
            if known < max(beyond, default=known) or not (recent or spaced):
                del self.models[known]
        for gone in [known for known in self.hours if known < min(self.models)]:
            del self.hours[gone]
