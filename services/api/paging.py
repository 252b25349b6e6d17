"""Cursors of lists that are put in order here and not by the database: how many items came before."""

import base64
import binascii

from services.api.problems import Problem


def place(index: int) -> str:
    """Opaque to clients.

    >>> parse_place(place(40))
    40
    """
    return base64.urlsafe_b64encode(str(index).encode()).decode().rstrip("=")


def parse_place(text: str | None) -> int:
    """The beginning for None; raises Problem when it is not one of ours."""
    if text is None:
        return 0
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    if not decoded.isdecimal() or len(decoded) > 9:
        raise Problem(422, "the cursor is not one that this API gave: take it from `next`")
    return int(decoded)
