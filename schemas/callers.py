"""Callers by group (`callers.v1`): counted at ingest, hour by hour; the only trace that a caller's group leaves."""

from typing import Literal

import msgspec


class CallerCount(msgspec.Struct, frozen=True, array_like=True):
    """[child area of the home area, need at level 2, group, value, count] of one hour."""

    area: str
    need: str
    group: Literal["age_band", "gender", "language"]
    value: str
    count: int


class CallersRecord(msgspec.Struct, frozen=True):
    """Adds to what was said before about the same hour of the home area."""

    v: int
    home_area: str
    start: int
    """Start of the hour, Unix milliseconds."""
    counts: tuple[CallerCount, ...]
