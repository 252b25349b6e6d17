"""Texts into codes, the same on every machine and in every year."""

import hashlib
import re
import unicodedata
from functools import lru_cache

from schemas.codes import CODE, CONTACTS, UNMAPPED

LENGTH = 64
_DIGEST = 8
_RESERVED = (CONTACTS, UNMAPPED)
_BREAKS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=8192)
def slug(text: str, prefix: str = "") -> str:
    """A code from a text: letters without accents, digits, hyphens; what would not fit or not read ends in a digest.

    The prefix stands before it as it is; it must begin like a code and leave room for a digest.

    >>> slug("Street Light Outages"), slug("Heat - Excessive  Insufficient", "reason.")
    ('street-light-outages', 'reason.heat-excessive-insufficient')
    >>> slug("住房"), slug("unmapped")
    ('text-65024b83', 'unmapped-0c1cb718')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = _BREAKS.sub("-", plain.lower()).strip("-")
    room = LENGTH - len(prefix)
    if words and len(words) <= room and words not in _RESERVED:
        return prefix + words
    return f"{prefix}{(words or 'text')[: room - _DIGEST - 1].rstrip('-')}-{_digest(text)}"


@lru_cache(maxsize=8192)
def within(parent: str, code: str) -> str:
    """The code of a child whose text alone would not be unique: its parent's code, a dot, its own.

    >>> within("housing", "heat")
    'housing.heat'
    """
    joined = f"{parent}.{code}"
    return joined if len(joined) <= LENGTH else f"{joined[: LENGTH - _DIGEST - 1].rstrip('-.')}-{_digest(joined)}"


def is_code(text: str) -> bool:
    """Whether a text is a code as it stands (and not a reserved one)."""
    return CODE.fullmatch(text) is not None and text not in _RESERVED


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
