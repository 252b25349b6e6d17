"""What each part of the model buys: share of surges found at equal false alarms with one part taken away at a time.

Needs the benchmark's simulator on the path:

    PYTHONPATH=../shared/bench python tests/benchmarks/bench_ablation.py [--dense] [--every 5m] [--seeds 1,2:101,102]

Thresholds come from the surge-free series of the first seeds; everything is measured on the others. A part whose
absence changes no score at all ends the run: then it was not taken away.
"""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from services.detector.backtest import counts as counting
from services.detector.backtest.comparison import OWN_LEAST
from services.detector.backtest.counts import HOUR_SECONDS, score_counts
from services.detector.backtest.counts_folder import read_counts
from services.detector.backtest.protocol import Run, judge
from services.detector.backtest.rows import collect
from services.detector.backtest.truth import read_truth
from services.detector.domain import rarity
from services.detector.domain.almanac import Almanac
from services.detector.domain.bank import Bank
from services.detector.domain.profile import Profiles
from services.detector.domain.tuning import TUNING

BUDGETS = (0.01, 0.003)
WHOLE = "the whole"
DOMAIN = "services.detector.domain."


def no_prior(level: Any, _: int) -> Any:
    """Need and area suggest nothing."""
    return np.zeros_like(level)


def no_tide(_: Any, observed: Any, expected: Any, variance: Any) -> None:
    """A tide that stays where it is."""


def no_doubt(bank: Any, score: Any, best: Any) -> tuple[Any, Any]:
    """Every hour is believed in full, and nothing is a new normal."""
    return np.ones(bank.size), np.zeros(0, np.int64)


def no_spread(bank: Any) -> Any:
    """A negative binomial that is as good as Poisson."""
    return np.full(bank.size, 1e-6)


def no_kinds_of_days(almanac: Any, _: Any) -> Any:
    """Every day is like its day of the week."""
    return np.ones(len(almanac.seasons.observed))


PARTS: dict[str, tuple[Any, ...]] = {
    WHOLE: (),
    "prior of need and area": (patch.object(counting, "margins", no_prior),),
    "rare calls in full": ({"winsor_calls": 0.0},),
    "tides": (patch.object(Profiles, "follow", no_tide),),
    "kinds of days": (patch.object(Almanac, "factors", no_kinds_of_days),),
    "variance inflation": ({"vif_part": 0.0},),
    "half of it (all)": ({"vif_part": 1.0},),
    "clumps": ({"clump_most": 0.0},),
    "dispersion (Poisson)": ({"clump_most": 0.0, "kappa_most": 0.0}, patch.object(Bank, "_spread", no_spread)),
    "anomaly-aware learning": (patch.object(Bank, "_doubt", no_doubt),),
    "fading": ({"certain_nats": 1e9},),
    "most of an hour": ({"hour_most": 40.0},),
    "handicap": (patch.object(counting, "handicap", np.zeros_like),),
    "open hour's debt": (patch.object(rarity, "EARLY_NATS", 0.0),),
}
"""What is taken away: other constants, and other functions."""
ONLY_FINE = ("open hour's debt",)
"""Whole hours owe nothing."""


@contextmanager
def without(part: str) -> Iterator[None]:
    """The model with a part taken away."""
    with ExitStack() as stack:
        for change in PARTS[part]:
            for one in tuned(change) if isinstance(change, dict) else (change,):
                stack.enter_context(one)
        yield


def tuned(constants: dict[str, float]) -> list[Any]:
    """Other constants of the model, in every module that looks them up by name."""
    modules = [module for name, module in sys.modules.items() if name.startswith(DOMAIN)]
    other = replace(TUNING, **constants)
    return [patch.object(module, "TUNING", other) for module in modules if vars(module).get("TUNING") is TUNING]


def changed(before: list[Run], after: list[Run]) -> int:
    """Scores that are others, or in one of the two only."""
    return sum(len(_scores(one) ^ _scores(other)) for one, other in zip(before, after, strict=True))


def _scores(run: Run) -> set[tuple[int, int, float]]:
    rows = run.rows
    return set(zip(rows.series.tolist(), rows.time.tolist(), rows.score.round(4).tolist(), strict=True))


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
    parser.add_argument("--every", choices=("1h", "5m"), default="1h", help="5m: the open bucket too")
    parser.add_argument("--seeds", default="1:101", help="calibration:test")
    parser.add_argument("--only", default="", help="parts with commas between; the whole is always there")
    asked = parser.parse_args(words)
    fine = asked.every == "5m"
    parts = [part for part in PARTS if part != WHOLE and (fine or part not in ONLY_FINE)]
    parts = [part for part in parts if not asked.only or part in asked.only.split(",")]
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
        print(f"{family}, seeds {asked.seeds}{', every 5 minutes' if fine else ', hourly'}")
        print(f"{'without':26s}" + "".join(f"  at {b:g}: false  found  RMD72" for b in BUDGETS))
        whole = runs(folders, fine=fine)
        show(WHOLE, whole, len(calibration))
        for part in parts:
            with without(part):
                scored = runs(folders, fine=fine)
            if not changed(whole, scored):
                sys.exit(f"bench_ablation: without {part!r} every score is the same: it was not taken away")
            show(part, scored, len(calibration))


def show(part: str, scored: list[Run], calibration: int) -> None:
    """A line of the table."""
    told = [judge(scored[:calibration], scored[calibration:], budget) for budget in BUDGETS]
    line = "".join(f"  {v.false_alarms:13.4f}  {v.found:.3f}  {v.rmd72_hours:5.1f}" for v in told)
    print(f"{part:26s}{line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
