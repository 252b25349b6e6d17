"""Small folders of counts with and without truth, for tests of `backtest`."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from services.detector.backtest.counts import Counts
from services.detector.domain.calendar import Calendar

START = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday."""
NEEDS = ["BD-1800.2000", "BH-1800.8500"]
AREAS = ["north", "south"]
SERIES = [(need, area) for need in NEEDS for area in AREAS]


def calls(weeks: int, *, rate: float = 2.0, seed: int = 1, series: int = len(SERIES)) -> NDArray[np.float64]:
    """[series, hour] of Poisson calls, twice as many by day as by night."""
    by_hour = rate * (1.0 + (np.arange(weeks * 168) % 24 >= 8))
    return np.random.default_rng(seed).poisson(by_hour, (series, weeks * 168)).astype(float)


def counts_of(hourly: NDArray[np.float64], *, zone: str = "UTC", holidays: dict[date, str] | None = None) -> Counts:
    """Counts in memory; all hourly."""
    return Counts(
        needs=[f"need-{i}" for i in range(len(hourly))],
        areas=["everywhere"],
        need_of=np.arange(len(hourly)),
        start=int(START.timestamp()),
        hourly=hourly,
        fine=np.zeros((len(hourly), 0)),
        fine_hour=hourly.shape[1],
        steps=12,
        calendar=Calendar(zone, holidays or {}),
    )


def write_folder(folder: Path, hourly: NDArray[np.float64]) -> Path:
    """A `--counts` folder of the four series of this world, its last week in steps of five minutes."""
    folder.mkdir()
    hours = hourly.shape[1]
    fine_hour = hours - 168
    series, hour = np.nonzero(hourly)
    seconds = hour * 3600 + np.where(hour >= fine_hour, 300 * (hour % 12), 0)
    table = pa.table(
        {
            "time": pa.array(int(START.timestamp()) + seconds, pa.int64()).cast(pa.timestamp("s", tz="UTC")),
            "area": pa.array([SERIES[i][1] for i in series]),
            "need": pa.array([SERIES[i][0] for i in series]),
            "count": pa.array(hourly[series, hour].astype(np.int64)),
        }
    )
    pq.write_table(table, folder / "counts.parquet")
    (folder / "areas.csv").write_text(
        "code,parent,name,latitude,longitude,timezone,population\n"
        + "city,,City,40,-100,UTC,1000\n"
        + "".join(f"{area},city,{area},40,-100,UTC,500\n" for area in AREAS)
    )
    (folder / "needs.csv").write_text(
        "code,parent,name_en,name_fr,name_es,line\n" + "".join(f"{need},,a,b,c,211\n" for need in NEEDS)
    )
    (folder / "holidays.csv").write_text("date,area,name\n")
    (folder / "crosswalk.csv").write_text("source,from_code,to_code\n")
    meta = {
        "start": at(0),
        "end": at(hours),
        "fine_from": at(fine_hour),
        "fine_seconds": 300,
        "timezone": "UTC",
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def write_truth(folder: Path, *surges: dict[str, Any], hours: int, test_from: int) -> Path:
    """A truth folder of the four series; a surge is {"series", "onset", "end"} with hours, and "kind" if not a step."""
    folder.mkdir()
    body = {
        "family": "made",
        "seed": 1,
        "test_from": at(test_from),
        "end": at(hours),
        "series": [{"need": need, "area": area, "rate_per_hour": 2.0} for need, area in SERIES],
        "surges": [
            {
                "id": f"s{number}",
                "kind": surge.get("kind", "step"),
                "k": 5,
                "onset": at(surge["onset"]),
                "end": at(surge["end"]),
                "members": [dict(zip(("need", "area"), SERIES[surge["series"]], strict=True))],
            }
            for number, surge in enumerate(surges)
        ],
        "area_parents": {},
        "need_parents": {},
    }
    (folder / "truth.json").write_text(json.dumps(body))
    return folder


def at(hour: float) -> str:
    """Moment of an hour after the start."""
    return (START + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")
