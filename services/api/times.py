"""Times as they are told."""

from services.runtime.clock import from_ms


def zulu(milliseconds: int) -> str:
    """RFC 3339 with `Z`.

    >>> zulu(0), zulu(1500)
    ('1970-01-01T00:00:00Z', '1970-01-01T00:00:01.500000Z')
    """
    return from_ms(milliseconds).isoformat().replace("+00:00", "Z")


def zulu_or_none(milliseconds: int | None) -> str | None:
    """The same for a time that may be missing."""
    return None if milliseconds is None else zulu(milliseconds)
