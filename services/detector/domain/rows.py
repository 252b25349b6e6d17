"""Columns of float32 numbers with a row for each node, that grow as nodes occur."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Rows:
    """Named columns; computed in float64, stored in float32, so that what a snapshot keeps is what comes next.

    >>> rows = Rows(("arm", "calls"))
    >>> rows.grow(2)
    >>> rows["arm"] = rows["arm"] + 0.5
    >>> rows["arm"].tolist(), len(rows)
    ([0.5, 0.5], 2)
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._columns = {name: np.zeros(0, np.float32) for name in names}

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> Floats:
        return self._columns[name].astype(np.float64)

    def __setitem__(self, name: str, values: Floats) -> None:
        self._columns[name] = values.astype(np.float32)

    def grow(self, size: int, **values: float) -> None:
        """Rows for nodes 0 … size-1; new ones hold zeros, or what is said for their column."""
        missing = size - len(self)
        if missing > 0:
            for name, column in self._columns.items():
                more = np.full(missing, values.get(name, 0.0), np.float32)
                self._columns[name] = np.concatenate([column, more])

    def columns(self) -> dict[str, NDArray[Any]]:
        """All columns, for a snapshot."""
        return dict(self._columns)

    @classmethod
    def restored(cls, columns: Mapping[str, NDArray[Any]]) -> "Rows":
        """From the columns of a snapshot."""
        rows = cls(tuple(columns))
        rows._columns = {name: column.copy() for name, column in columns.items()}
        return rows
