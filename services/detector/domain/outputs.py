"""What the fold says: a value for a key of a topic."""

from typing import NamedTuple

from schemas.alert import Alert
from schemas.output import HomeStatus, Rejected, SealedHour, SeriesRecord
from schemas.topics import ALERTS, COUNTS, REJECTED, SERIES, STATUS, Topic

Value = Alert | SeriesRecord | SealedHour | HomeStatus | Rejected


class Output(NamedTuple):
    """One record to be written; writing it twice changes nothing for its readers."""

    topic: Topic
    key: str
    value: Value


def alert_output(alert: Alert) -> Output:
    """A version of an alert."""
    return Output(ALERTS, alert.id, alert)


def series_output(record: SeriesRecord) -> Output:
    """Points of a home area."""
    return Output(SERIES, record.home_area, record)


def sealed_output(hour: SealedHour) -> Output:
    """An hour for good."""
    return Output(COUNTS, hour.home_area, hour)


def status_output(status: HomeStatus) -> Output:
    """How a home area stands."""
    return Output(STATUS, status.home_area, status)


def rejected_output(rejected: Rejected) -> Output:
    """Something that the fold does not count."""
    return Output(REJECTED, rejected.source or "", rejected)
