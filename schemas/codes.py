"""The one pattern of a code, and the codes that Groundswell itself gives."""

import re

CODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
SOURCE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
CODE = re.compile(CODE_PATTERN.replace("$", r"\Z"))
"""`$` of Python would let a line break through at the end."""

CONTACTS = "contacts"
"""Pseudo-need under which every contact counts once, with or without a need."""

UNMAPPED = "unmapped"
"""Need of a code without a known ancestor; with the home area before it, the area of a call without a place."""


def unmapped_area(home_area: str) -> str:
    """The area of calls whose place is not known.

    >>> unmapped_area("boston")
    'boston:unmapped'
    """
    return f"{home_area}:{UNMAPPED}"
