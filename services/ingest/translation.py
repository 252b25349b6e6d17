"""From a call event to what stands on the log: hashed, coded, placed, and without what must not get there. Pure."""

import re
from collections.abc import Container
from dataclasses import dataclass

from schemas.codec import CallerRow, CallEventRow, NeedRow, Refusal, StampedCallRow
from schemas.codes import CONTACTS, UNMAPPED
from schemas.log_record import LogCall, LogNeed
from schemas.reference import Reference
from services.ingest.ids import Hasher
from services.ingest.log_time import EARLIEST_MS, LATEST_MS
from services.ingest.places import Places
from services.runtime.access import Identity

HOUR_MS = 3_600_000
OUR_OWN = frozenset({CONTACTS, UNMAPPED})
OLDEST_MS = 72 * HOUR_MS
FUTURE_MS = 5 * 60 * 1000

TOO_OLD = "is more than 72 h ago; use `groundswell load` for old calls"
TOO_NEW = "is more than 5 minutes ahead; check the clock of the CRM"
IMPOSSIBLE = "lies outside the years 2000 to 2100"

_LEGACY = re.compile(r"([A-Z]{2}-\d{3})(?:\.(\d{3})(?:-(\d{2}))?)?\Z")


_TAXONOMY = re.compile(r"[A-Z]{1,2}(?:-\d{3,4}(?:\.\d{3,4}(?:-\d{2,3}(?:\.\d{2})?)?)?)?\Z")
"""The form of a 211 code: nobody's name or number has it, so one that the tree lacks may stand on the log as given."""
_LAST_PART = re.compile(r"[.:-][^.:-]*$")


class OtherSource(Refusal):
    """A call of a source that the key may not post for."""

    def __init__(self) -> None:
        super().__init__("source", "is not the source of this key")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One call that may go to the log."""

    call: LogCall
    home_area: str
    logged_at: int | None
    """As given (only outside live); None: stamped when it is written."""
    caller: CallerRow | None = None
    unknown_referrals: int = 0
    """Referrals whose codes the tree lacks; the codes themselves go no further."""


def modern_code(code: str) -> str:
    """A 211 code of before 2007 in today's form; any other as it is.

    >>> modern_code("BT-480.050-06"), modern_code("BD-1800.2000"), modern_code("BD-180")
    ('BT-4800.0500-060', 'BD-1800.2000', 'BD-1800')
    """
    found = _LEGACY.match(code)
    if not found:
        return code
    third, fourth, fifth = found.groups()
    return f"{third}0" + (f".{fourth}0" if fourth else "") + (f"-{fifth}0" if fifth else "")


def masked(code: str, known: Container[str]) -> str:
    """A code that the tree lacks, as it may stand on the log: its known part, and that there was more.

    What a CRM writes into a code field may be anything, a name or a phone number too, and the log keeps it.

    >>> masked("BD-1800.7777", {"BD"}), masked("BD.555-010-7788", {"BD"}), masked("Zebulon", {"BD"})
    ('BD-1800.7777', 'BD.unmapped', 'unmapped.unmapped')
    """
    if _TAXONOMY.match(code):
        return code
    shorter = _LAST_PART.sub("", code, count=1)
    while shorter not in known:
        cut = _LAST_PART.sub("", shorter, count=1)
        if cut == shorter:
            branch = shorter[:1] if len(shorter) == 2 and shorter[:1] in known else UNMAPPED
            return f"{branch}.{UNMAPPED}"
        shorter = cut
    return f"{shorter}.{UNMAPPED}"


def check_time(time_ms: int, now_ms: int | None) -> None:
    """Refuse a time that cannot be; `now_ms` None: no log time is known yet.

    Raises:
        Refusal: field `time`.
    """
    if not EARLIEST_MS <= time_ms < LATEST_MS:
        raise Refusal("time", IMPOSSIBLE)
    if now_ms is not None and time_ms < now_ms - OLDEST_MS:
        raise Refusal("time", TOO_OLD)
    if now_ms is not None and time_ms > now_ms + FUTURE_MS:
        raise Refusal("time", TOO_NEW)


class Translator:
    """Translates calls under one reference and one secret."""

    def __init__(self, reference: Reference, hasher: Hasher) -> None:
        self._known = reference.need_by_code
        self._crossings = {(row.source, row.from_code): row.to_code for row in reference.crosswalk}
        self._places, self._hasher = Places(reference), hasher

    def translate(self, row: CallEventRow, identity: Identity, now_ms: int | None) -> Accepted:
        """The call for the log.

        Args:
            identity: the key that posts.
            now_ms: what time it is in the space: the wall clock in live, log time elsewhere (None: not known yet).

        Raises:
            Refusal: with the field and a reason without values.
        """
        if row.source != identity.source:
            raise OtherSource
        if row.count != 1 and not identity.totals:
            raise Refusal("count", "is only for sources whose key was added with --totals")
        logged_at = row.logged_ms() if isinstance(row, StampedCallRow) else None
        if logged_at is not None and not EARLIEST_MS <= logged_at < LATEST_MS:
            raise Refusal("logged_at", IMPOSSIBLE)
        time_ms = row.time_ms()
        check_time(time_ms, now_ms if logged_at is None else logged_at)
        place = self._places.resolve(row, identity.home_area)
        given = [self._code(row.source, code) for code in row.referrals]
        referrals = tuple([code for code in given if code in self._known])
        call = self._call(row, time_ms, place.area, referrals)
        return Accepted(call, place.home_area, logged_at, row.caller, len(given) - len(referrals))

    def _call(self, row: CallEventRow, time_ms: int, area: str | None, referrals: tuple[str, ...]) -> LogCall:
        return LogCall(
            id=self._hasher(row.source, row.id),
            source=row.source,
            time=time_ms,
            line=row.line,
            needs=tuple([self._need(row.source, need) for need in row.needs]),
            area=area,
            type=row.type,
            channel=row.channel,
            outcome=row.outcome,
            wait_seconds=row.wait_seconds,
            talk_seconds=row.talk_seconds,
            referrals=referrals,
            revision=row.revision,
            void=row.void,
            count=row.count,
        )

    def _need(self, source: str, need: str | NeedRow) -> str | LogNeed:
        if isinstance(need, str):
            return self._code(source, need)
        code = self._code(source, need.code)
        return code if need.met is None and need.reason is None else LogNeed(code, need.met, need.reason)

    def _code(self, source: str, code: str) -> str:
        """Crosswalk of the source first, then a code the tree knows as it is, then the old form of 211 codes."""
        crossed = self._crossings.get((source, code)) or self._crossings.get(("", code))
        if crossed is not None:
            return crossed
        if code in self._known or code in OUR_OWN:
            return code
        modern = modern_code(code)
        return modern if modern in self._known else masked(modern, self._known)
