"""Sentences that people write: bounded, and never about a caller."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

REFUSED = (
    "notes speak of the alert, never of a caller: leave out phone numbers, e-mail, street and web addresses and "
    "other numbers that name a person"
)
STREETS = "street|st|avenue|ave|road|rd|boulevard|blvd|drive|dr|lane|ln|court|ct|highway|hwy|parkway|pkwy|terrace"
WAYS = "rue|chemin|allee|boulevard|avenue|calle|avenida|carrera|camino"
"""Words before the name of a street, French and Spanish."""
SMALL = "in|the|on|at|of|a|an|and|to|or|for|by|per|from|are|is|was|were"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\S@\S+\.\S",
        r"(https?://|www\.)\S",
        r"\d{7,}",
        r"\d{3}[-.]\d{4}\b",
        r"\(?\b\d{3}\)?[\s./-]*\d{3}[\s./-]*\d{4}\b",
        r"\b\d{2}(?:[\s.-]\d{2}){4}\b",
        r"\+\d[\d\s().-]{6,}\d",
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"\b[a-z]\d[a-z][ -]?\d[a-z]\d\b",  # Canadian postal code
        rf"\b\d{{1,6}}[a-z]?,?\s+(?:(?!(?:{SMALL})\b)[\w'.]+\s+){{1,3}}(?:{STREETS})\b(?!-)",
        rf"\b\d{{1,6}},?\s+(?:{WAYS})\s+\w",
        rf"\b(?:{WAYS})\s+(?:[\w'.-]+\s+){{1,4}}\d{{1,6}}\b",
    )
)
_TIMES = re.compile(
    r"\b\d{1,2}[:h]\d{2}(?::\d{2})?\b|\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?Z?)?", re.IGNORECASE
)


def names_somebody(text: str) -> bool:
    """Whether a sentence holds something by which a person can be reached or found.

    A heuristic: what it finds is refused, what it does not find is the writer's to keep out.

    >>> names_somebody("call back 555 010 7788"), names_somebody("84 calls since 23:40, shelter B full")
    (True, False)
    """
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    without_times = _TIMES.sub(" time ", plain)
    return any(pattern.search(without_times) for pattern in _PATTERNS)


def _clean(text: str) -> str:
    """Trimmed, without control characters, and naming nobody."""
    kept = "".join(one for one in text if one == "\n" or unicodedata.category(one)[0] != "C").strip()
    if not kept:
        raise PydanticCustomError("empty_text", "a sentence is needed")
    if names_somebody(kept):
        raise PydanticCustomError("names_somebody", REFUSED)
    return kept


Note = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_clean)]
"""What somebody found out about an alert."""
Reason = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_clean)]
"""Why something was done."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_clean)]
"""What something is called."""
