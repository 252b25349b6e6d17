"""Why a call is refused, in words that show the field and never its value."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

CODE_WORDS = "a code: letters, digits and . _ : -, at most 64, beginning with a letter or digit"

EXPECTED = MappingProxyType(
    {
        "$": "must be a JSON object",
        "id": "must be text of 1 to 128 characters without control characters",
        "source": "must be the source's name: small letters, digits and -, at most 63",
        "time": "must be a date-time with offset, such as 2026-01-31T08:15:00-06:00",
        "logged_at": "must be a date-time with offset or Unix milliseconds",
        "line": "must be 211, 311 or other, as text",
        "needs": "must be a list of 0 to 16 needs",
        "needs.*": f"must be an object with code, or {CODE_WORDS}",
        "code": f"must be {CODE_WORDS}",
        "met": "must be met, partial, unmet or unknown",
        "reason": "must be none_exists, full, closed, not_eligible, too_far, declined or other",
        "revision": "must be a whole number from 0 to 2147483647",
        "void": "must be true or false",
        "type": "must be information, referral, service_request, complaint or other",
        "area": f"must be {CODE_WORDS}",
        "postal_code": "must be a postal code: 2 to 12 letters, digits, spaces and -",
        "latitude": "must be a number from -90 to 90",
        "longitude": "must be a number from -180 to 180",
        "channel": "must be phone, text, chat, email, web, app, walk_in or other",
        "outcome": "must be answered, abandoned, callback or transferred",
        "wait_seconds": "must be a number from 0 to 604800",
        "talk_seconds": "must be a number from 0 to 604800",
        "referrals": "must be a list of 0 to 16 codes",
        "referrals.*": f"must be {CODE_WORDS}",
        "caller": "must be an object with age_band, gender and language",
        "age_band": "must be 0-17, 18-24, 25-34, 35-44, 45-54, 55-64, 65-74, 75+ or unknown",
        "gender": "must be female, male, other or unknown",
        "language": "must be a language code of two or three small letters",
        "count": "must be a whole number from 1 to 10000",
    }
)
"""What each field takes, by the last name of its path; `*` stands for a position in a list."""

MISSING = "is missing"
UNKNOWN = "is not a field of the call event"
UNFIT = "is not what the contract says"
UNSAID = "(unreadable name)"

_PATH = re.compile(r"\$((?:\.\w+|\[\d+\])*)\Z")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_NAME = re.compile(r"(?!.*\d{5})[^\W\d][\w .:-]{0,63}\Z")


class Refusal(ValueError):
    """A refused call: path of the field (`needs.0.code`; `$` for the whole) and a reason, neither with values."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class NotJson(Refusal):
    """Bytes that are not one JSON text in UTF-8."""

    def __init__(self) -> None:
        super().__init__("$", "is not JSON in UTF-8")


def refusal_of(error: msgspec.ValidationError, expected: Mapping[str, str] = EXPECTED) -> Refusal:
    """The refusal behind an error of msgspec, whose text may hold values: only the path is taken over.

    Args:
        error: what msgspec says.
        expected: reasons by last name of the path; a field that is not listed gets a general one.
    """
    text = str(error)
    said, _, place = text.rpartition(" - at `")
    path = _PATH.match(place[:-1]) if said else None
    parts = re.findall(r"\w+", path[1]) if path else []
    said = said if path else text
    if missing := _MISSING.match(said):
        return Refusal(".".join([*parts, missing[1]]), MISSING)
    if unknown := _UNKNOWN.match(said):
        return Refusal(".".join([*parts, field_name(unknown[1])]), UNKNOWN)
    return Refusal(".".join(parts) or "$", expected.get(_kind(parts), UNFIT))


def field_name(name: str) -> str:
    """A name from outside as far as it may be shown: short, one line, and not somebody's number.

    >>> field_name("Caller phone"), field_name("+1 617 555 0100"), field_name("tel 6175550100")
    ('Caller phone', '(unreadable name)', '(unreadable name)')
    """
    return name if _NAME.match(name) else UNSAID


def _kind(parts: list[str]) -> str:
    """Key of `EXPECTED`: the last name, or `name.*` for a position in a list."""
    if not parts:
        return "$"
    return f"{parts[-2]}.*" if parts[-1].isdigit() else parts[-1]
