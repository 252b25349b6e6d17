"""Scores as rows: what a scores file holds and what a comparison judges."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from services.detector.backtest.counts import HOUR_SECONDS, Counts
from services.detector.domain.bank import Floats


@dataclass(frozen=True)
class Rows:
    """Scores of at least some value; a series and time that is not there is below it."""

    series: NDArray[np.int64]
    """Index in `Counts.names`."""
    time: NDArray[np.int64]
    """End of the scored interval, Unix seconds."""
    score: Floats

    def between(self, start: int, end: int) -> "Rows":
        """Rows after `start`, up to and with `end`, by series and then by time."""
        inside = np.flatnonzero((self.time > start) & (self.time <= end))
        order = inside[np.lexsort((self.time[inside], self.series[inside]))]
        return Rows(self.series[order], self.time[order], self.score[order])

    def step_seconds(self, start: int, fine_seconds: int) -> int:
        """Time between scores: an hour if all of them end whole hours after `start`."""
        return HOUR_SECONDS if ((self.time - start) % HOUR_SECONDS == 0).all() else fine_seconds


def collect(steps: Iterable[tuple[int, Floats]], least: float) -> Rows:
    """Rows of (end of interval, score of each series) with scores of at least `least`, in order of time."""
    series, time, score = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for end, scores in steps:
        found = np.flatnonzero(scores >= least)
        if len(found):
            series.append(found)
            time.append(np.full(len(found), end))
            score.append(scores[found])
    return Rows(np.concatenate(series), np.concatenate(time), np.concatenate(score))


def write_rows(counts: Counts, rows: Rows, path: Path) -> None:
    """The scores file: time, area, need, score."""
    need = np.array([need for need, _ in counts.names])
    area = np.array([area for _, area in counts.names])
    table = pa.table(
        {
            "time": pa.array(rows.time, pa.int64()).cast(pa.timestamp("s", tz="UTC")),
            "area": pa.array(area[rows.series]),
            "need": pa.array(need[rows.series]),
            "score": pa.array(rows.score),
        }
    )
    pq.write_table(table, path, compression="zstd")
