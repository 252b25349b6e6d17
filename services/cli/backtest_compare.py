"""`groundswell backtest --compare`: one table of detectors on the same counts at the same budget of false alarms."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.cli.errors import WRONG_USE, CliError
from services.runtime.clock import Clock, SystemClock

if TYPE_CHECKING:
    from services.detector.backtest.comparison import Agreed, Judged

BUDGETS = (0.01, 0.003)
"""False alarms per series-week."""


def compare(
    counts: Sequence[Path],
    truth: Sequence[Path],
    *,
    calibrate: int | None,
    detectors: str | None,
    budgets: Sequence[float],
    fine: bool,
    as_json: bool,
    clock: Clock | None = None,
) -> str:
    """Runs the detectors, tells each one that is done on stderr, and returns the table.

    Args:
        counts: folders of counts.
        truth: their truth folders, in the same order; without any, only what is raised is compared.
        calibrate: how many of the folders, from the first, set the thresholds; half of them if None.
        detectors: names with commas between; all if None.
        budgets: false alarms per series-week.
        fine: a score every five minutes from those that can.
        as_json: lines as JSON instead of a table.
        clock: measures how long each takes.

    Raises:
        CliError: status 2, a folder or name that is none, or truths that do not fit.
    """
    from services.detector.backtest.comparators.registry import UnknownDetector
    from services.detector.backtest.comparison import NAMES, Folder, agreed, judged, run_all
    from services.detector.backtest.counts_folder import BadCounts
    from services.detector.backtest.truth import BadTruth

    names = list(dict.fromkeys(name.strip() for name in detectors.split(","))) if detectors else list(NAMES)
    first = _calibrating(len(counts), len(truth), calibrate)
    truths: Sequence[Path | None] = truth or [None] * len(counts)
    folders = [Folder(*pair) for pair in zip(counts, truths, strict=True)]
    try:
        scored = run_all(folders, names, fine=fine, clock=clock or SystemClock(), told=_tell)
    except (BadCounts, BadTruth, UnknownDetector) as error:
        raise CliError(str(error), WRONG_USE) from None
    chosen = list(budgets) or list(BUDGETS)
    if not truth:
        common = agreed(scored, chosen)
        return _json(common) if as_json else agreed_table(common)
    lines = judged(scored, first, chosen)
    return _json(lines) if as_json else judged_table(lines)


def _json(lines: "Sequence[Judged | Agreed]") -> str:
    """Lines as JSON; a figure that says nothing, as of a detector without any score, is null."""
    return json.dumps([_told(asdict(line)) for line in lines], allow_nan=False)


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _told(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _calibrating(counts: int, truths: int, calibrate: int | None) -> int:
    if not truths:
        if calibrate is not None:
            raise CliError("--calibrate needs --truth: without it every folder is its own measure", WRONG_USE)
        return 0
    if truths != counts:
        raise CliError(f"{counts} --counts and {truths} --truth: give one truth for each, in the same order", WRONG_USE)
    first = counts // 2 if calibrate is None else calibrate
    if not 0 < first < counts:
        raise CliError(
            "with --truth at least two --counts are needed: the first --calibrate N of them set the thresholds, "
            "the others are the test",
            WRONG_USE,
        )
    return first


def _tell(name: str, folder: Path, seconds: float) -> None:
    print(f"{name} on {folder.name}: {seconds:.1f} s", file=sys.stderr, flush=True)


def judged_table(lines: Sequence["Judged"]) -> str:
    """The table with truth, the best of each budget first."""
    out = []
    for budget in dict.fromkeys(line.budget for line in lines):
        out += [
            f"at {budget:g} false alarms per series-week ({lines[0].surges} surges)",
            f"{'detector':20} threshold  false alarms  found (POD)  RMD72 h  seconds  µs per series-hour",
        ]
        of_budget = [line for line in lines if line.budget == budget]
        out += [_judged_line(line) for line in sorted(of_budget, key=lambda line: line.rmd72_hours)]
    return "\n".join(out)


def _judged_line(line: "Judged") -> str:
    if not line.scores:
        return f"{line.detector:20} has no score here: the folders are too short for it"
    return (
        f"{line.detector:20} {line.threshold:9.3f}  {line.false_alarms:12.4f}  {line.pod:11.3f}  "
        f"{line.rmd72_hours:7.1f}  {line.seconds:7.1f}  {line.microseconds_per_bucket:18.2f}"
    )


def agreed_table(lines: Sequence["Agreed"]) -> str:
    """The table without truth: how many of a row's alarms each column has too."""
    out = []
    for budget in dict.fromkeys(line.budget for line in lines):
        of_budget = [line for line in lines if line.budget == budget]
        numbers = " ".join(f"{number:>4}" for number in range(1, len(of_budget) + 1))
        out += [
            f"at {budget:g} alarms per series-week; columns: share of the row's alarms that detector N has within 24 h",
            f"   {'detector':20} threshold  alarms  per series-week  seconds  µs per series-hour  {numbers}",
        ]
        for number, line in enumerate(of_budget, start=1):
            same = " ".join(
                f"{line.agreement[other.detector]:4.2f}" if other is not line else "   -" for other in of_budget
            )
            out.append(
                f"{number:2} {line.detector:20} {line.threshold:9.3f}  {line.alarms:6}  "
                f"{line.alarms_per_series_week:15.4f}  {line.seconds:7.1f}  "
                f"{line.microseconds_per_bucket:18.2f}  {same}"
            )
    return "\n".join(out)
