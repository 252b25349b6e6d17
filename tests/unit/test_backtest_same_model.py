"""What `backtest --counts` scores is what runs: the same small world through it and through the fold.

The two are not the same code: the fold also has nodes above the leaves. Where calls come at once, from one source, and
nothing is raised, this is all that may differ:

* the profile that new needs lean on is that of all needs; in the fold contacts and inner needs are among them, so
  that a call counts twice or more there and the pool is drawn less to a flat week;
* profiles and tides are learned from a need's node in the home area, not from the sum over its leaves: one weight and
  one variance for all areas;
* what need and area suggest for a level is read from the nodes above (`usual_rates`), not from sums (`margins`);
* the pool of clumps is that of all nodes.

`backtest --counts` has no seal to wait for, no exposure, no correction by the home area's own past and no scan.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.codes import CONTACTS
from schemas.log_record import VERSION, History, HistoryCell
from schemas.reference import Area, Need, Reference
from schemas.space_config import SpaceConfig
from services.detector.backtest.counts import Counts, score_counts
from services.detector.domain.calendar import Calendar
from tests.detector_world import HOUR, MINUTE, SECOND, START, World

Floats = NDArray[np.float64]
NEEDS, AREAS = ["food", "rent"], ["east", "west", "hill"]
SERIES = [(need, area) for need in NEEDS for area in AREAS]
LEVELS = np.array([1.5, 0.6, 0.3, 0.8, 0.4, 1.2])
ZONE = "America/Chicago"
REFERENCE = Reference(
    (Area("city", "", "City", timezone=ZONE), *(Area(area, "city", area, timezone=ZONE) for area in AREAS)),
    tuple(Need(need, "", need, need, need) for need in NEEDS),
)
NEVER = SpaceConfig("live", 500, 1, 0.0001, 1, "usual")
"""A budget with which nothing is raised here: the end of an alert would start its scores again."""
PAST_HOURS, HOURS = 15 * 24, 21 * 24
HALVES = 2


MOST_APART, MEAN_APART = 0.9, 0.12
"""Nats, where the line is heard."""


@dataclass(frozen=True)
class Folded:
    """[hour of the last days, series], without handicap and correction."""

    whole: Floats
    """Scores at the end of the hour."""
    half: Floats
    """In its middle."""
    exposure_whole: Floats
    """Part of the hour's calls that should be in, by how the line is heard."""
    exposure_half: Floats


@dataclass(frozen=True)
class Both:
    """Scores of `backtest --counts`, and those of the fold."""

    whole: Floats
    half: Floats
    folded: Folded


def made_calls() -> NDArray[np.int64]:
    """[series, half hour]: a daily rhythm, and in the last week two rises of some hours."""
    half_hours = np.arange(HOURS * HALVES)
    rhythm = 1.0 + 0.6 * np.sin((half_hours / HALVES + START // HOUR) / 24 * 2 * np.pi)
    calls = np.random.default_rng(3).poisson(LEVELS[:, None] * rhythm / HALVES)
    calls[1, -80:-68] += 1
    calls[3, -200:-194:2] += 3
    calls[:, (PAST_HOURS - 1) * HALVES : PAST_HOURS * HALVES] = 0  # the hour a home area begins in is not learned
    return calls


def counted(calls: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Scores at the end and in the middle of each hour of the last days, as `backtest --counts` has them."""
    hourly = calls.reshape(len(SERIES), HOURS, HALVES).sum(axis=2).astype(np.float64)
    counts = Counts(
        needs=NEEDS,
        areas=AREAS,
        need_of=np.repeat([0, 1], len(AREAS)),
        start=(START - PAST_HOURS * HOUR) // 1000,
        hourly=hourly[:, :PAST_HOURS],
        fine=calls[:, PAST_HOURS * HALVES :].astype(np.float64),
        fine_hour=PAST_HOURS,
        steps=HALVES,
        calendar=Calendar(ZONE, {}),
    )
    scores = np.array([score for _, score in score_counts(counts, fine=True, handicapped=False)][PAST_HOURS:])
    return scores[1::2], scores[0::2]


def folded(calls: NDArray[np.int64]) -> Folded:
    """The same through the fold: fifteen days of history, then call by call."""
    world = World(references={"usual": REFERENCE})
    world.configure(NEVER)
    world.put(past(calls), "city")
    world.one(NEEDS[0], AREAS[0], at=START - MINUTE, key="city")
    scores: list[list[Floats]] = [[], []]
    exposures: list[list[Floats]] = [[], []]
    for hour in range(HOURS - PAST_HOURS):
        for part in range(HALVES):
            place = (PAST_HOURS + hour) * HALVES + part
            begin = START + hour * HOUR + part * HOUR // HALVES
            which = [series for series in range(len(SERIES)) for _ in range(calls[series, place])]
            for number, series in enumerate(which):
                world.one(*SERIES[series], at=begin + number * (HOUR // HALVES) // len(which), key="city")
            world.tick(begin + HOUR // HALVES - SECOND)
            score, exposure = open_scores(world, (part + 1) / HALVES)
            scores[part].append(score)
            exposures[part].append(exposure)
    assert world.home("city").watch.raised_times == []
    return Folded(np.array(scores[1]), np.array(scores[0]), np.array(exposures[1]), np.array(exposures[0]))


def past(calls: NDArray[np.int64]) -> History:
    """The first fifteen days; the last hour of them, in which the home area begins, is in no history."""
    first = START // HOUR - PAST_HOURS
    hourly = calls.reshape(len(SERIES), HOURS, HALVES).sum(axis=2)
    cells = tuple(
        HistoryCell(name, area, first + hour, "211", int(hourly[series, hour]))
        for series, (need, area) in enumerate(SERIES)
        for hour in range(PAST_HOURS - 1)
        for name in (need, CONTACTS)
        if hourly[series, hour]
    )
    return History(VERSION, "crm", first * HOUR, START - HOUR, cells)


def open_scores(world: World, share: float) -> tuple[Floats, Floats]:
    """Scores of the leaves as they stand, without what is taken off them, and how far their line is heard."""
    scoring = world.home("city").scoring
    found = [scoring.nodes.find(*series) for series in SERIES]
    nodes = np.array([node for node in found if node is not None], np.int64)
    kept = scoring.correction, scoring.correction_of_need
    scoring.correct(-100.0, {})  # so much is added that nothing is cut off at zero
    scores = scoring.open_scores(nodes, share).best() + scoring.handicap[nodes] + scoring.taken_off(nodes)
    scoring.correct(*kept)
    heard = np.broadcast_to(scoring.exposure_of(scoring.open_bucket, nodes), scores.shape)
    return np.maximum(scores, 0.0), np.array(heard, np.float64)


@pytest.fixture(scope="module")
def both() -> Both:
    calls = made_calls()
    (whole, half), told = counted(calls), folded(calls)
    return Both(whole, half, told)


@pytest.mark.parametrize("when", ["whole", "half"])
def test_a_leaf_has_the_same_score_in_both_to_a_part_of_a_nat(both: Both, when: str) -> None:
    """A call more or less is worth one to three nats here; the four differences named above make the rest."""
    own, other = (both.whole, both.folded.whole) if when == "whole" else (both.half, both.folded.half)
    heard = (both.folded.exposure_whole if when == "whole" else both.folded.exposure_half) > 0.95
    apart = np.abs(own - other)
    assert heard.mean() > 0.75
    assert apart[heard].max() < MOST_APART
    assert apart[heard].mean() < MEAN_APART
    assert own.max() > 8.0  # the rises are there
    assert abs(own.max() - other.max()) < 0.5
    assert np.corrcoef(own[heard], other[heard])[0, 1] > 0.99


def test_a_line_that_falls_silent_is_what_else_differs(both: Both) -> None:
    """One call at the beginning of an hour and then none: the fold expects fewer, and the call is worth up to a nat
    more until the next one is heard."""
    silent = both.folded.exposure_whole < 0.95
    apart = both.folded.whole - both.whole
    assert silent.any()
    assert 0.5 < apart[silent].max() < 1.5
