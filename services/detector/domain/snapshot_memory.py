"""What is remembered of the last two weeks, as plain values: a block for each kept model and each day of hours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.detector.domain.calendar import DAY_HOURS
from services.detector.domain.memory import KeptHour, Memory, Model

Columns = dict[str, NDArray[Any]]


def model_columns(memory: Memory) -> dict[str, Columns]:
    """The arrays of each kept model, by name of its block; they never change."""
    return {f"model:{bucket}": model.arrays for bucket, model in memory.models.items()}


def kept_days(memory: Memory) -> dict[str, list[Any]]:
    """The kept hours of each day, by name of its block; only that of the last day still changes."""
    days: dict[str, list[Any]] = {}
    for hour in memory.hours.values():
        days.setdefault(f"kept:{hour.bucket // DAY_HOURS}", []).append(_plain(hour))
    return days


def memory_index(memory: Memory) -> dict[str, Any]:
    """Which blocks there are, and what no block holds."""
    return {
        "models": [[model.bucket, model.plain] for model in memory.models.values()],
        "days": list(kept_days(memory)),
        "started_again": memory.started_again,
    }


def memory_again(index: dict[str, Any], models: dict[str, Columns], days: dict[str, list[Any]]) -> Memory:
    """The memory from its index and blocks."""
    kept = [_again(row) for name in index["days"] for row in days[name]]
    return Memory(
        {bucket: Model(bucket, models[f"model:{bucket}"], plain) for bucket, plain in index["models"]},
        {hour.bucket: hour for hour in kept},
        index["started_again"],
    )


def _plain(hour: KeptHour) -> list[Any]:
    exposure = hour.exposure.tobytes() if isinstance(hour.exposure, np.ndarray) else hour.exposure
    cells = [[leaf, feed, calls] for (leaf, feed), calls in hour.cells.items()]
    return [hour.bucket, exposure, hour.started_again, hour.zeroed, cells]


def _again(row: list[Any]) -> KeptHour:
    bucket, exposure, started_again, zeroed, cells = row
    if isinstance(exposure, bytes):
        exposure = np.frombuffer(exposure, np.float64)
    return KeptHour(bucket, exposure, started_again, zeroed, {(leaf, feed): calls for leaf, feed, calls in cells})
