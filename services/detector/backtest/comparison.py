"""`backtest --compare`: Groundswell and off-the-shelf detectors, on the same counts at the same false alarms."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.detector.backtest.comparators.registry import COMPARATORS, comparator
from services.detector.backtest.counts import HOUR_SECONDS, Counts, score_counts
from services.detector.backtest.counts_folder import read_counts
from services.detector.backtest.protocol import Run, episodes, judge, lowest_threshold, shared
from services.detector.backtest.rows import Rows, collect
from services.detector.backtest.truth import WEEK_SECONDS, Truth, read_truth
from services.detector.domain.bank import Floats
from services.runtime.clock import Clock

OWN = "groundswell"
OWN_LEAST = 2.0
NAMES = (OWN, *COMPARATORS)
WARM_UP_WEEKS = 8
"""Without a truth, what comes before is not judged; at most half of the folder."""

Steps = Iterator[tuple[int, Floats]]
Told = Callable[[str, Path, float], None]
"""Name of a detector, folder and seconds, as each is done."""


@dataclass(frozen=True)
class Folder:
    """Counts, and where their truth is, if there is one."""

    counts: Path
    truth: Path | None = None


@dataclass(frozen=True)
class Scored:
    """A detector's runs over all folders."""

    name: str
    runs: list[Run]
    seconds: float
    buckets: int
    """Series x hours that were scored; five-minute scores of an hour count as one."""


@dataclass(frozen=True)
class Judged:
    """A line of the table with truth."""

    detector: str
    budget: float
    threshold: float
    calibrated_false_alarms: float
    false_alarms: float
    pod: float
    rmd72_hours: float
    surges: int
    scores: int
    """Scores that were told in the judged time; with none at all the other figures mean nothing."""
    seconds: float
    microseconds_per_bucket: float


@dataclass(frozen=True)
class Agreed:
    """A line of the table without truth."""

    detector: str
    budget: float
    threshold: float
    alarms_per_series_week: float
    alarms: int
    agreement: dict[str, float]
    """Other detector: share of this one's alarms that it has within 24 hours on the same series."""
    seconds: float
    microseconds_per_bucket: float


def steps_of(name: str, counts: Counts, *, fine: bool) -> tuple[Steps, float]:
    """A detector's scores in order of time and the least of them worth keeping.

    `fine` asks for a score every fine step; comparators tell theirs at the end of an hour or a day in any case.

    Raises:
        UnknownDetector: no detector has this name.
    """
    if name == OWN:
        return score_counts(counts, fine=fine), OWN_LEAST
    one = comparator(name)
    return one.steps(counts), one.least


def run_all(folders: Sequence[Folder], names: Sequence[str], *, fine: bool, clock: Clock, told: Told) -> list[Scored]:
    """Every detector over every folder.

    Raises:
        UnknownDetector, BadCounts, BadTruth.
    """
    for name in names:
        if name != OWN:
            comparator(name)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    spent = dict.fromkeys(names, 0.0)
    buckets = 0
    for folder in folders:
        counts = read_counts(folder.counts)
        truth = _whole(counts) if folder.truth is None else read_truth(folder.truth, counts.names)
        buckets += len(counts.names) * (counts.hourly.shape[1] + counts.fine.shape[1] // counts.steps)
        for name in names:
            began = clock.monotonic()
            steps, least = steps_of(name, counts, fine=fine)
            rows = collect(steps, least).between(truth.start, truth.end)
            seconds = clock.monotonic() - began
            runs[name].append(Run(rows, truth, rows.step_seconds(counts.start, HOUR_SECONDS // counts.steps)))
            spent[name] += seconds
            told(name, folder.counts, seconds)
    return [Scored(name, runs[name], spent[name], buckets) for name in names]


def judged(scored: Sequence[Scored], calibration: int, budgets: Sequence[float]) -> list[Judged]:
    """The table with truth: the first `calibration` folders set the thresholds, the others are the test."""
    lines = []
    for budget in budgets:
        for one in scored:
            verdict = judge(one.runs[:calibration], one.runs[calibration:], budget)
            lines.append(
                Judged(
                    detector=one.name,
                    budget=budget,
                    threshold=verdict.threshold,
                    calibrated_false_alarms=verdict.calibrated,
                    false_alarms=verdict.false_alarms,
                    pod=verdict.found,
                    rmd72_hours=verdict.rmd72_hours,
                    surges=verdict.surges,
                    scores=sum(len(run.rows.series) for run in one.runs),
                    seconds=one.seconds,
                    microseconds_per_bucket=_microseconds(one),
                )
            )
    return lines


def agreed(scored: Sequence[Scored], budgets: Sequence[float]) -> list[Agreed]:
    """The table without truth: all detectors alarm equally often, and do they alarm at the same things?"""
    lines = []
    for budget in budgets:
        threshold = {one.name: lowest_threshold(one.runs, budget) for one in scored}
        for one in scored:
            number = sum(len(episodes(run.rows, threshold[one.name], run.truth.quiet)[0]) for run in one.runs)
            weeks = sum(len(run.truth.quiet) * run.truth.weeks for run in one.runs)
            lines.append(
                Agreed(
                    detector=one.name,
                    budget=budget,
                    threshold=threshold[one.name],
                    alarms_per_series_week=number / weeks,
                    alarms=number,
                    agreement={other.name: _agreement(one, other, threshold) for other in scored if other is not one},
                    seconds=one.seconds,
                    microseconds_per_bucket=_microseconds(one),
                )
            )
    return lines


def _agreement(one: Scored, other: Scored, threshold: dict[str, float]) -> float:
    """Over all folders, each weighing by its alarms."""
    same = total = 0.0
    for mine, theirs in zip(one.runs, other.runs, strict=True):
        number = len(episodes(mine.rows, threshold[one.name], mine.truth.quiet)[0])
        if number:
            limits = threshold[one.name], threshold[other.name]
            same += number * shared(mine.rows, theirs.rows, *limits, mine.truth.quiet)
            total += number
    return same / total if total else float("nan")


def _microseconds(one: Scored) -> float:
    return 1e6 * one.seconds / one.buckets if one.buckets else float("nan")


def _whole(counts: Counts) -> Truth:
    """Nothing is known of surges: every series counts, after a warm-up."""
    hours = counts.hourly.shape[1] + counts.fine.shape[1] // counts.steps
    end = counts.start + hours * HOUR_SECONDS
    warm = min(WARM_UP_WEEKS * WEEK_SECONDS, hours // 2 * HOUR_SECONDS)
    return Truth(counts.start + warm, end, (), np.ones(len(counts.names), bool))


def all_rows(name: str, counts: Counts, *, fine: bool, least: float | None) -> Rows:
    """A detector's rows for a scores file; `least` None is what is usual for it.

    Raises:
        UnknownDetector: no detector has this name.
    """
    steps, usual = steps_of(name, counts, fine=fine)
    return collect(steps, usual if least is None else least)
