"""The protocol of `backtest --compare` against that of the benchmark that judges the product: the same numbers."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.detector.backtest.comparators.ears import ears_c2
from services.detector.backtest.comparators.seasonal_z import daily_z, gaussian_cusum
from services.detector.backtest.comparison import Folder, all_rows, judged, run_all
from services.detector.backtest.counts_folder import read_counts
from services.detector.backtest.protocol import Run, judge
from services.detector.backtest.rows import Rows, write_rows
from services.detector.backtest.truth import read_truth
from services.runtime.clock import SystemClock

NAMES = ["ears-c2", "gaussian-cusum"]
BUDGETS = (0.2, 0.05)
WEEKS, TEST_WEEKS = 11, 2


@pytest.fixture(scope="module")
def surgebench(shared_data_module: Path) -> Any:
    """The benchmark's package, which no part of the product may import."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(shared_data_module))
    try:
        import surgebench.files
        import surgebench.reference
        import surgebench.score
        import surgebench.simulate
        import surgebench.trees
    finally:
        sys.path.remove(str(shared_data_module))
        sys.dont_write_bytecode = before
    return surgebench


@pytest.fixture(scope="module")
def shared_data_module() -> Path:
    """Where the benchmark lies."""
    root = Path(__file__).resolve().parents[2].parent / "shared"
    folder = Path(os.environ.get("GROUNDSWELL_SHARED", root)) / "bench"
    if not (folder / "surgebench").is_dir():
        pytest.fail(f"surgebench is not at {folder}; set GROUNDSWELL_SHARED to the folder that holds bench/")
    return folder


@pytest.fixture(scope="module")
def folders(surgebench: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Folder]:
    """Two simulations of 64 series, the first to set thresholds."""
    made = tmp_path_factory.mktemp("simulated")
    family = replace(
        surgebench.simulate.FAMILIES["base"], weeks=WEEKS, test_weeks=TEST_WEEKS, area_surges=2, need_surges=0, jumps=4
    )
    size = replace(surgebench.trees.SMALL, groups=1, districts=2, areas=8)
    for seed in (1, 2):
        simulation = surgebench.simulate.simulate(seed, family, size=size)
        surgebench.files.write_counts(simulation, made / f"counts-{seed}")
        surgebench.files.write_truth(simulation, made / f"truth-{seed}")
    return [Folder(made / f"counts-{seed}", made / f"truth-{seed}") for seed in (1, 2)]


def test_thresholds_false_alarms_pod_and_delays_are_the_benchmark_s(
    surgebench: Any, folders: list[Folder], tmp_path: Path
) -> None:
    scored = run_all(folders, NAMES, fine=False, clock=SystemClock(), told=lambda *_: None)
    ours = {(line.detector, line.budget): line for line in judged(scored, 1, BUDGETS)}
    for name in NAMES:
        files = []
        for i, folder in enumerate(folders):
            counts = read_counts(folder.counts)
            files.append(tmp_path / f"{name}-{i}")
            write_rows(counts, all_rows(name, counts, fine=False, least=None), files[i])
        for budget, theirs in benchmark(surgebench, folders, files, BUDGETS).items():
            line = ours[name, budget]
            told = (line.threshold, line.calibrated_false_alarms, line.false_alarms, line.pod, line.rmd72_hours)
            assert told == pytest.approx(figures(theirs), abs=1e-9)
            assert 0 < line.pod < 1


def test_five_minute_scores_are_judged_as_the_benchmark_judges_them(
    surgebench: Any, folders: list[Folder], tmp_path: Path
) -> None:
    runs, files = [], []
    for seed, folder in enumerate(folders):
        counts, rng = read_counts(folder.counts), np.random.default_rng(seed)
        truth = read_truth(Path(str(folder.truth)), counts.names)
        time = truth.start + 300 * rng.integers(-500, (truth.end - truth.start) // 300 + 1, 4000)
        rows = Rows(rng.integers(0, len(counts.names), 4000), time, rng.exponential(2.0, 4000).round(2))
        files.append(tmp_path / f"{seed}")
        write_rows(counts, rows, files[seed])
        inside = rows.between(truth.start, truth.end)
        runs.append(Run(inside, truth, inside.step_seconds(counts.start, 300)))
    for budget, theirs in benchmark(surgebench, folders, files, (2.0, 0.5)).items():
        ours = judge(runs[:1], runs[1:], budget)
        told = (ours.threshold, ours.calibrated, ours.false_alarms, ours.found, ours.rmd72_hours)
        assert told == pytest.approx(figures(theirs), abs=1e-9)
        assert 0 < ours.found < 1


def benchmark(
    surgebench: Any, folders: list[Folder], files: list[Path], budgets: tuple[float, ...]
) -> dict[float, Any]:
    """The benchmark's evaluation of these scores files at each budget."""
    truths = [surgebench.files.read_truth(folder.truth) for folder in folders]
    runs = [(surgebench.files.read_scores(file, truth), truth) for file, truth in zip(files, truths, strict=True)]
    return {budget: surgebench.score.evaluate(runs[:1], runs[1:], budget) for budget in budgets}


def figures(theirs: Any) -> tuple[float, ...]:
    """The five figures that the table shows."""
    return theirs.threshold, theirs.calibrated_false_alarms, theirs.false_alarms, theirs.pod, theirs.rmd72_hours


@pytest.mark.parametrize(
    ("ours", "theirs"), [(ears_c2, "ears_c2"), (daily_z, "daily_z"), (gaussian_cusum, "gaussian_cusum")]
)
def test_the_textbook_detectors_are_the_benchmark_s(
    ours: Any, theirs: str, surgebench: Any, folders: list[Folder]
) -> None:
    counts = read_counts(folders[0].counts)
    names = [(area, need) for need, area in counts.names]
    expected = getattr(surgebench.reference, theirs)(surgebench.files.read_hourly(folders[0].counts, names))
    score = ours(counts)[:, -TEST_WEEKS * 168 :]
    expected = expected[:, -TEST_WEEKS * 168 :]
    told = np.isfinite(expected)
    assert np.array_equal(told, np.isfinite(score))
    assert score[told] == pytest.approx(expected[told], abs=1e-9)
