"""Series points: what nodes saw in a bucket, what was expected, and the band that 95 % of ordinary hours fall in."""

from collections.abc import Collection

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.output import SeriesPoint
from services.detector.domain.bank import Floats
from services.detector.domain.calendar import WEEK_HOURS
from services.detector.domain.past_hours import PastHour
from services.detector.domain.scoring import Scoring

BAND_SD = 1.96
Index = NDArray[np.int64]


def points(scoring: Scoring, nodes: Index, bucket: int, share: float) -> list[SeriesPoint]:
    """Points of one bucket that is not sealed; of the open one `share` (0..1) has passed."""
    observed, expected, variance = scoring.hours_of(nodes, bucket, share)
    return _points(scoring, nodes, bucket, observed, expected, variance)


def past_points(scoring: Scoring, hour: PastHour, nodes: Index) -> list[SeriesPoint]:
    """Points of a sealed bucket, for the nodes that were known then."""
    known = nodes[nodes < len(hour.observed)]
    observed, expected, variance = (
        column[known].astype(np.float64) for column in (hour.observed, hour.expected, hour.variance)
    )
    return _points(scoring, known, hour.bucket, observed, expected, variance)


def late_points(scoring: Scoring) -> list[SeriesPoint]:
    """Calls for sealed hours change the series, not what was learned: their kept hours again, with what came."""
    found: list[SeriesPoint] = []
    for late in scoring.ledger.take_late():
        nodes = scoring.nodes.above(late.leaf)
        hour = scoring.amend(late.bucket, nodes, late.calls)
        found += past_points(scoring, hour, nodes) if hour is not None else []
    return found


def kept_points(scoring: Scoring, node: int, share: float) -> list[SeriesPoint]:
    """All kept hours of a node, the open one with its share, so that its chart is whole."""
    only = np.array([node], np.int64)
    told = [point for hour in scoring.past for point in past_points(scoring, hour, only)]
    for bucket in range(scoring.ledger.sealed_until, scoring.open_bucket + 1):
        told += points(scoring, only, bucket, share)
    return told


def marked(scoring: Scoring, told: list[SeriesPoint], newcomers: Collection[int]) -> list[SeriesPoint]:
    """The same points; those of nodes that a new feed has brought say that they are warming up."""
    if not newcomers:
        return told
    return [
        msgspec.structs.replace(point, warming=True)
        if scoring.nodes.find(point.need, point.area) in newcomers
        else point
        for point in told
    ]


def _points(
    scoring: Scoring, nodes: Index, bucket: int, observed: Floats, expected: Floats, variance: Floats
) -> list[SeriesPoint]:
    spread, young = BAND_SD * np.sqrt(variance), scoring.bank.hours < WEEK_HOURS
    start, is_open, names = scoring.calendar.start_ms(bucket), bucket == scoring.open_bucket, scoring.nodes.names
    rows = zip(
        nodes.tolist(),
        np.rint(observed).astype(np.int64).tolist(),
        np.round(expected, 3).tolist(),
        np.round(np.maximum(0.0, expected - spread), 3).tolist(),
        np.round(expected + spread, 3).tolist(),
        strict=True,
    )
    return [
        SeriesPoint(names[node][0], names[node][1], start, calls, usual, low, high, is_open, young)
        for node, calls, usual, low, high in rows
    ]
