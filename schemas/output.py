"""What the fold says besides alerts: series points, sealed counts, status and refusals (msgspec, log only)."""

from typing import Literal

import msgspec


class SeriesPoint(msgspec.Struct, frozen=True, array_like=True):
    """One bucket of one node: [need, area, start ms, observed, expected, band low, band high, open, warming].

    For an open bucket `expected` and the band speak of the part of the hour that has passed. While a series is warming
    up they are guesses and not what is usual there: whoever shows them must say so.
    """

    need: str
    area: str
    start: int
    observed: int
    expected: float
    band_low: float
    band_high: float
    open: bool
    warming: bool = False


class SeriesRecord(msgspec.Struct, frozen=True):
    """Points of one home area, known since `known_at` (ms of log time)."""

    v: int
    home_area: str
    known_at: int
    points: tuple[SeriesPoint, ...]


class LeafCount(msgspec.Struct, frozen=True, array_like=True):
    """[need, area, source, line, count] of one hour."""

    need: str
    area: str
    source: str
    line: str
    count: int


class SealedHour(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one hour held when it was sealed; enough to learn a new model from."""

    v: int
    home_area: str
    start: int
    """ms."""
    counts: tuple[LeafCount, ...]
    corrected: bool = False
    """True: told again because calls were taken back; it stands in place of what was said before."""


class SourceStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One feed of one home area."""

    source: str
    last_call: int | None
    """Time of its newest call, ms."""
    last_logged: int | None
    calls: int
    """Calls counted since the beginning."""
    duplicates: int = 0
    late: int = 0
    refused: int = 0
    unknown_codes: int = 0
    median_delay_seconds: float | None = None
    state: Literal["live", "silent", "warming"] = "warming"
    batch: bool = False
    """Whether it posts in batches: half of its calls come more than an hour after their time."""


class HeldBack(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rise that was followed and not raised, because it needs a larger budget."""

    need: str
    area: str
    noticed_at: int
    """ms of log time."""
    since: int
    """Estimated onset, ms."""
    observed: int
    expected: float
    score: float
    budget_needed: float
    """Chance alerts a week at which it would just have been raised; at its strongest."""
    ended_at: int | None = None
    """None while it is followed."""


class HomeStatus(msgspec.Struct, frozen=True, tag_field="kind", tag="home_area"):
    """How one home area stands at a point of log time."""

    v: int
    home_area: str
    log_time: int
    sealed_until: int
    state: Literal["live", "warming"]
    series: int
    """Nodes watched."""
    open_alerts: int
    budget_per_week: float
    raised_week: int
    held_back_week: int
    counters: dict[str, int]
    sources: tuple[SourceStatus, ...]
    false_alarms_week: int = 0
    """Alerts of the last seven days that people called false."""
    held_back: tuple[HeldBack, ...] | None = None
    """Of the last seven days, newest first, at most fifty; None: this detector does not tell them."""
    warming_hours: int = 0
    """Hours still to be learned before a surge, trend or drop can be raised; 0 when it is live."""
    warming_series: int = 0
    """Series that warm up in a live home area: those that a feed brought which is itself new."""
    correction_nats: float = 0.0
    """What the home area's own past takes off every score: its chance alerts are more common than the table says."""


class PartitionStatus(msgspec.Struct, frozen=True, tag_field="kind", tag="partition"):
    """How far the worker that reads a partition has come; written by the worker, not by the fold."""

    v: int
    partition: int
    next_offset: int
    end_offset: int
    log_time: int
    written_at: int
    """Wall clock, ms."""
    state: Literal["running", "rebuilding"]
    worker: str


StatusRecord = HomeStatus | PartitionStatus


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something refused: where it stood and why, never its value."""

    v: int
    reason: str
    source: str | None = None
    field: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    at: int | None = None
