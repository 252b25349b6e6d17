"""Milliseconds to date-times; pure, the clock is read elsewhere."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(milliseconds: int) -> datetime:
    """UTC date-time of Unix milliseconds, exact.

    >>> instant(1_751_630_400_500).isoformat()
    '2025-07-04T12:00:00.500000+00:00'
    """
    return _EPOCH + timedelta(milliseconds=milliseconds)
