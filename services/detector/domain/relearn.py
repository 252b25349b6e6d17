"""What people say afterwards, done to one home area: labels, declared events, calls that are taken back."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from schemas.controls import EventBody, LabelBody, RetractBody
from schemas.output import Rejected, SeriesRecord
from services.detector.domain.calendar import Calendar
from services.detector.domain.history import Past
from services.detector.domain.home import Home
from services.detector.domain.labels import CAUSED, NOWHERE, Remembered
from services.detector.domain.memory import KeptHour
from services.detector.domain.outputs import Output, rejected_output, sealed_output, series_output
from services.detector.domain.points import past_points
from services.detector.domain.scoring import Scoring
from services.detector.domain.sealing import told_hour

Index = NDArray[np.int64]

RISEN_SD = 2.0
"""A node that rose by this much has the new level that a person calls normal."""
LEAST_EXPECTED = 0.05
"""Calls: no level is multiplied without measure."""


def label(home: Home, body: LabelBody, by: str, now: int) -> list[Output]:
    """A person says what an alert was; its hours are learned again accordingly."""
    alert = home.labels.alerts.get(body.alert_id)
    if alert is None:
        return [rejected_output(Rejected(1, "label_of_unknown_alert", field="body.alert_id"))]
    before = alert.changes_learning
    alert.label, alert.accepted, alert.accepted_until = body.label, {}, 0
    home.quiet.say(alert.id, caused=body.label in CAUSED)
    if body.label == "new_normal":
        alert.accepted = _risen(home.scoring, alert)
        alert.accepted_until = home.scoring.open_bucket + 1
        home.end({"alert_id": alert.id}, by, now)
    if before or alert.changes_learning:
        learn_again(home, alert.since)
    home.changed_at = now
    return []


def declare(home: Home, old: EventBody | None, new: EventBody, now: int) -> None:
    """An event was declared, told again or taken back; what it changes in hours that are sealed is learned again."""
    told = [event for event in (old, new) if event is not None and not event.withdrawn]
    home.labels.follow()
    starts = [home.scoring.calendar.bucket(event.start) for event in told if _concerns(home, event)]
    if starts:
        learn_again(home, min(starts))
        home.changed_at = now


def learn_again(home: Home, since: int) -> None:
    """Learn all sealed hours from a bucket on once more, with all that people have said."""
    if since < home.scoring.ledger.sealed_until:
        for _ in home.scoring.learn_again(since, home.treatment):
            pass


def retract(home: Home, body: RetractBody, now: int) -> list[Output]:
    """Take out what a source brought for hours that begin in a stretch of time, sealed or not."""
    scoring, intake = home.scoring, home.intake
    feeds = {number for number, (source, _) in enumerate(intake.feeds) if source == body.source}
    begin, end = hours_in(scoring.calendar, body.start, body.end)
    if home.past is not None and _out_of_history(home.past, body):
        home.stale = True
    scoring.ledger.take_back(range(begin, end), feeds)
    changed = [hour for bucket, hour in scoring.memory.hours.items() if begin <= bucket < end]
    removed = {hour.bucket: _remove(hour, feeds) for hour in changed}
    said = _told_again(home, {bucket: cells for bucket, cells in removed.items() if cells}, now)
    for cells in removed.values():
        _forget_usual(home, body.source, cells)
    home.changed_at = now
    reach = scoring.memory.reaches
    if begin < home.born or (reach is not None and max(begin, home.born + 1) < reach):
        said.append(rejected_output(Rejected(1, "retract_reaches_too_far_back", source=body.source, field="body.from")))
    return said


def hours_in(calendar: Calendar, start: int, end: int) -> tuple[int, int]:
    """First bucket that begins in a stretch of time (ms), and the first one after."""
    return calendar.bucket(start - 1) + 1, calendar.bucket(end - 1) + 1


def _told_again(home: Home, removed: dict[int, list[tuple[int, int, int]]], now: int) -> list[Output]:
    """Learn without what was taken out; the hours that changed are said again."""
    scoring, feeds = home.scoring, home.intake.feeds
    if not removed:
        return []
    said: list[Output] = []
    kept = {hour.bucket: hour for hour in scoring.past}
    for hour in scoring.learn_again(min(removed), home.treatment):
        if hour.bucket not in removed:
            continue
        nodes = _nodes_of(scoring, (leaf for leaf, _, _ in removed[hour.bucket]))
        if hour.bucket in kept:
            size = min(len(hour.observed), len(kept[hour.bucket].observed))
            kept[hour.bucket].observed[:size] = hour.observed[:size]
        points = past_points(scoring, kept.get(hour.bucket, hour), nodes)
        said.append(series_output(SeriesRecord(1, home.code, now, tuple(points))))
        cells = scoring.memory.hours[hour.bucket].cells
        said.append(sealed_output(told_hour(scoring, hour.bucket, cells, feeds, home.code, corrected=True)))
    return said


def _remove(hour: KeptHour, feeds: set[int]) -> list[tuple[int, int, int]]:
    """Take the cells of some feeds out of a kept hour; returns (leaf, feed, calls)."""
    gone = [(leaf, feed, calls) for (leaf, feed), calls in hour.cells.items() if feed in feeds]
    for leaf, feed, _ in gone:
        del hour.cells[leaf, feed]
    return gone


def _forget_usual(home: Home, source: str, cells: Iterable[tuple[int, int, int]]) -> None:
    leaves = home.scoring.nodes.leaves
    for leaf, _, calls in cells:
        usual = home.intake.usual_sources.get(leaves[leaf][0], Counter())
        if calls > 0 and source in usual:
            usual[source] = max(0, usual[source] - calls)


def _out_of_history(past: Past, body: RetractBody) -> bool:
    periods = [period for period in past.periods if period.source == body.source]
    gone = [(period, hour) for period in periods for hour in period.hours if body.start <= hour < body.end]
    for period, hour in gone:
        del period.hours[hour]
    return bool(gone)


def _concerns(home: Home, event: EventBody) -> bool:
    return any(home.rules.reference.home_area(area) == home.code for area in event.areas)


def _risen(scoring: Scoring, alert: Remembered) -> dict[int, float]:
    """The alert's node and those that share its calls and rose as well while it lasted, each with how far."""
    if alert.node == NOWHERE:
        return {}
    size = len(scoring.nodes)
    sums = np.zeros((3, size))
    for hour in scoring.past:
        if alert.lasts(hour.bucket):
            for row, column in zip(sums, (hour.observed, hour.expected, hour.variance), strict=True):
                row[: len(column)] += column
    every = np.arange(size)
    for bucket in range(max(alert.since, scoring.ledger.sealed_until), scoring.open_bucket):
        if alert.lasts(bucket):
            sums += np.stack(scoring.hours_of(every, bucket, 1.0))
    observed, expected, variance = sums
    z = np.round((observed - expected) / np.sqrt(np.maximum(variance, 1e-6)), 4)
    rose = (int(node) for node in np.flatnonzero(z >= RISEN_SD) if scoring.nodes.related(int(node), alert.node))
    return {
        node: round(float(observed[node] / max(expected[node], LEAST_EXPECTED)), 4)
        for node in sorted({alert.node, *rose})
    }


def _nodes_of(scoring: Scoring, leaves: Iterable[int]) -> Index:
    return np.unique(np.concatenate([scoring.nodes.above(leaf) for leaf in leaves]))
