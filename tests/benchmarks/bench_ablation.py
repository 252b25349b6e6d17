"""What each part of the model buys: share of surges found at equal false alarms with one part taken away at a time.

Needs the benchmark's simulator on the path:

    PYTHONPATH=../shared/bench python tests/benchmarks/bench_ablation.py [--dense] [--fine] [--seeds 1,2:101,102]

Thresholds come from the surge-free series of the first seeds; everything is measured on the others.
"""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from services.detector.backtest import counts as counting
from services.detector.backtest.comparison import OWN_LEAST
from services.detector.backtest.counts import HOUR_SECONDS, score_counts
from services.detector.backtest.counts_folder import read_counts
from services.detector.backtest.protocol import Run, judge
from services.detector.backtest.rows import collect
from services.detector.backtest.truth import read_truth
from services.detector.domain import bank, cusum, profile
from services.detector.domain.tuning import TUNING

BUDGETS = (0.01, 0.003)


def no_tide(_: Any, observed: Any, expected: Any, variance: Any) -> None:
    """A tide that stays where it is."""


@contextmanager
def without(part: str) -> Iterator[None]:
    """The model with a part taken away."""
    changes: dict[str, Callable[[], None]] = {
        "the whole": lambda: None,
        "prior of need and area": lambda: setattr(counting, "margins", lambda level, areas: np.zeros_like(level)),
        "rare calls in full": lambda: tune(winsor_calls=0.0),
        "tides": lambda: setattr(profile.Profiles, "follow", no_tide),
        "variance inflation": lambda: tune(vif_part=0.0),
        "half of it (all)": lambda: tune(vif_part=1.0),
        "most of an hour": lambda: tune(hour_most=40.0),
        "handicap": lambda: vars(counting).update(handicap=np.zeros_like),
    }
    kept = counting.margins, profile.Profiles.follow, vars(counting)["handicap"]
    changes[part]()
    try:
        yield
    finally:
        tune()
        counting.margins = kept[0]
        profile.Profiles.follow = kept[1]  # type: ignore[method-assign]
        vars(counting)["handicap"] = kept[2]


def tune(**constants: float) -> None:
    """Other constants of the model, where bank and CUSUMs look them up."""
    for module in (bank, cusum):
        vars(module)["TUNING"] = replace(TUNING, **constants)


PARTS = (
    "the whole",
    "prior of need and area",
    "rare calls in full",
    "tides",
    "variance inflation",
    "half of it (all)",
    "most of an hour",
    "handicap",
)


def runs(folders: list[Path], *, fine: bool) -> list[Run]:
    """Scores of every folder."""
    found = []
    for folder in folders:
        counts = read_counts(folder / "counts")
        truth = read_truth(folder / "truth", counts.names)
        rows = collect(score_counts(counts, fine=fine), OWN_LEAST).between(truth.start, truth.end)
        found.append(Run(rows, truth, rows.step_seconds(counts.start, HOUR_SECONDS // counts.steps)))
    return found


def main(words: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--fine", action="store_true", help="score the open bucket every five minutes")
    parser.add_argument("--seeds", default="1:101", help="calibration:test")
    asked = parser.parse_args(words)
    try:
        simulate = importlib.import_module("surgebench.simulate")
        files = importlib.import_module("surgebench.files")
    except ModuleNotFoundError:
        print("bench_ablation: the simulator is not on the path (PYTHONPATH=../shared/bench): nothing measured")
        return
    calibration, test = ([int(seed) for seed in part.split(",")] for part in asked.seeds.split(":"))
    family = "dense" if asked.dense else "base"
    with tempfile.TemporaryDirectory() as place:
        folders = []
        for seed in (*calibration, *test):
            simulation, folder = simulate.simulate(seed, family), Path(place, str(seed))
            files.write_counts(simulation, folder / "counts")
            files.write_truth(simulation, folder / "truth")
            folders.append(folder)
        print(f"{family}, seeds {asked.seeds}{', every 5 minutes' if asked.fine else ', hourly'}")
        print(f"{'without':26s}" + "".join(f"  at {b:g}: false  found  RMD72" for b in BUDGETS))
        for part in PARTS:
            with without(part):
                scored = runs(folders, fine=asked.fine)
            first, rest = scored[: len(calibration)], scored[len(calibration) :]
            told = [judge(first, rest, budget) for budget in BUDGETS]
            line = "".join(f"  {v.false_alarms:13.4f}  {v.found:.3f}  {v.rmd72_hours:5.1f}" for v in told)
            print(f"{part:26s}{line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
