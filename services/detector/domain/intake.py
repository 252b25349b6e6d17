"""How a home area takes in its calls: refused or counted, codes to leaves, and what is known of those who send them."""

from collections import Counter
from dataclasses import dataclass, field

from schemas.codes import CONTACTS, UNMAPPED, unmapped_area
from schemas.log_record import LogCall
from services.detector.domain.calendar import HOUR_MS
from services.detector.domain.evidence import Evidence
from services.detector.domain.feeds import Feed, seal_hours
from services.detector.domain.ledger import Booked, bookings
from services.detector.domain.rules import Rules
from services.detector.domain.scoring import Scoring
from services.detector.domain.triggers import Triggers

FUTURE_MS = 5 * 60_000
OLDEST_MS = 72 * HOUR_MS
UNKNOWN_CODES = 1000
KNOWN_COMBINATIONS = 100_000

Known = tuple[list[str], tuple[int, ...]]
"""Needs of a call, and where it is booked."""


@dataclass
class Intake:
    """Feeds, counters and code look-ups of one home area."""

    code: str
    rules: Rules
    scoring: Scoring
    triggers: Triggers
    feeds: list[tuple[str, str]] = field(default_factory=list)
    """(source, line) by number."""
    sources: dict[str, Feed] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, int] = field(default_factory=dict)
    usual_sources: dict[str, Counter[str]] = field(default_factory=dict)
    """Calls by need as given, then by source: who usually tells of a need."""
    evidence: Evidence = field(default_factory=Evidence)
    newcomers: dict[int, str] = field(default_factory=dict)
    """Nodes that are warming up, with the feed that brought them when it was new itself: its usual is not known, so
    what it brings is no rise. A new need that a known feed brings is none of them."""
    _known_leaves: dict[tuple[tuple[str, ...], str | None], Known] = field(default_factory=dict, repr=False)

    def refuse(self, call: LogCall, logged_at: int) -> str | None:
        """Why a call is not counted at all, by its own stamps; None when it may be."""
        reason = _refusal(call, logged_at)
        if reason:
            self._feed_of(call).refused += 1
            self.counters[f"refused_{reason}"] += 1
        return reason

    def count(self, call: LogCall, logged_at: int) -> bool:
        """Count one call in the bucket it belongs to; false when it is a repeat."""
        feed, ledger, calendar = self._feed_of(call), self.scoring.ledger, self.scoring.calendar
        call_id = int(call.id, 16)
        if ledger.repeats(call_id, call.revision):
            self.counters["duplicate"] += 1
            feed.duplicates += 1
            found = ledger.find(call_id)
            if found is not None:
                self.evidence.repeated(call.source, found[1].leaves, found[1].bucket, found[1].calls)
            return False
        booked = Booked(
            call.revision,
            calendar.bucket(call.time),
            self._number(call.source, call.line),
            call.count,
            () if call.void else self._leaves(call, feed),
        )
        before = ledger.find(call_id) if self.triggers.rules else None
        late_before = calendar.bucket(logged_at - ledger.seal_hours * HOUR_MS)
        outcome = ledger.count(call_id, logged_at, booked, late_before)
        self.counters[outcome] += 1
        if self.triggers.rules and outcome != "revised_after_seal":
            if before is not None:
                self.triggers.book(self.scoring.nodes, before[1].leaves, call.time, -before[1].calls)
            self.triggers.book(self.scoring.nodes, booked.leaves, call.time, booked.calls)
        if outcome == "late_after_seal":
            feed.late += 1
        if outcome in ("counted", "late_after_seal") and not call.void:
            feed.counted(call.time, logged_at, call.count)
            delay = logged_at - call.time
            self.evidence.counted(
                call.source, booked.leaves, booked.bucket, delay_ms=delay, at=logged_at, calls=call.count
            )
        return True

    def close_hour(self, bucket: int, now: int) -> None:
        """An hour is over: which feeds have missed it, and how long the slowest one lets the seal wait."""
        scoring = self.scoring
        week_hour = scoring.calendar.slot(bucket).week_hour
        heard = {self.feeds[feed][0] for feed, calls in scoring.ledger.heard(bucket).items() if calls}
        for feed in self.sources.values():
            feed.rate = scoring.exposure.rate(feed.source)
            feed.close_hour(scoring.exposure.expected(feed.source, week_hour), now, heard=feed.source in heard)
        scoring.ledger.seal_hours = seal_hours(self.sources.values(), self.rules.config.seal_hours)

    def settle_newcomers(self) -> list[int]:
        """Nodes whose feed is known by now: from here on they are watched."""
        known = [node for node, source in self.newcomers.items() if not self.sources[source].warming]
        for node in known:
            del self.newcomers[node]
        return known

    def follow(self, rules: Rules) -> None:
        """Other reference data are in force: codes may mean something else."""
        self.rules = rules
        self._known_leaves.clear()
        self.evidence.follow()

    def history_leaf(self, need: str, area: str) -> int:
        """Leaf of a cell of loaded history."""
        known_need = need if need in self.rules.needs or need == CONTACTS else self.rules.needs.known(need) or UNMAPPED
        known_area = area if self.rules.reference.home_area(area) == self.code else unmapped_area(self.code)
        return self.scoring.nodes.leaf(known_need, known_area)

    def tells_of(self, need: str, source: str, line: str, calls: int) -> None:
        """A source told of a need, on a line."""
        self.usual_sources.setdefault(need, Counter())[source] += calls
        self.evidence.tells_of(need, line, calls)

    def grow(self) -> None:
        """Room in the model for every leaf that has occurred."""
        self.scoring.grow()
        if self.scoring.contacts is None:
            self.scoring.contacts = self.scoring.nodes.find(CONTACTS, self.code)

    def _leaves(self, call: LogCall, feed: Feed) -> tuple[int, ...]:
        codes = call.codes()
        known = self._known_leaves.get((codes, call.area))
        if known is None:
            known = self._new_leaves(codes, call.area, feed)
        needs, leaves = known
        for need in needs:
            self.tells_of(need, feed.source, call.line, call.count)
        if call.area is None:
            self.counters["without_place"] += 1
        return leaves

    def _new_leaves(self, codes: tuple[str, ...], place: str | None, feed: Feed) -> Known:
        """Needs and leaves of a combination; remembered unless a code is unknown, which is noted each time."""
        before = feed.unknown_codes
        area = self._area(place, feed)
        needs = sorted({self._need(code, feed) for code in codes})
        pairs = [*self.rules.needs.distinct_bookings(needs), (CONTACTS, 1)]
        first = len(self.scoring.nodes)
        leaves = bookings((self.scoring.nodes.leaf(need, area), sign) for need, sign in pairs)
        self.grow()
        if self._is_new(feed):
            self.newcomers |= dict.fromkeys(range(first, len(self.scoring.nodes)), feed.source)
        if feed.unknown_codes == before and len(self._known_leaves) < KNOWN_COMBINATIONS:
            self._known_leaves[codes, place] = needs, leaves
        return needs, leaves

    def _is_new(self, feed: Feed) -> bool:
        """Whether a feed has come to a home area that knows its usual from others."""
        others = (other for other in self.sources.values() if other is not feed)
        return self.scoring.bank.careful and feed.warming and any(not other.warming for other in others)

    def _need(self, code: str, feed: Feed) -> str:
        if code in self.rules.needs:
            return code
        self._note_unknown(code, feed)
        return self.rules.needs.known(code) or UNMAPPED

    def _area(self, code: str | None, feed: Feed) -> str:
        if code is None:
            return unmapped_area(self.code)
        if self.rules.reference.home_area(code) == self.code:
            return code
        self._note_unknown(code, feed)
        return unmapped_area(self.code)

    def _note_unknown(self, code: str, feed: Feed) -> None:
        feed.unknown_codes += 1
        if code in self.unknown or len(self.unknown) < UNKNOWN_CODES:
            self.unknown[code] = self.unknown.get(code, 0) + 1

    def _feed_of(self, call: LogCall) -> Feed:
        return self.sources.setdefault(call.source, Feed(call.source))

    def _number(self, source: str, line: str) -> int:
        if (source, line) not in self.feeds:
            self.feeds.append((source, line))
            self.scoring.exposure.add_feed(source)
        return self.feeds.index((source, line))


def _refusal(call: LogCall, logged_at: int) -> str | None:
    if call.time > logged_at + FUTURE_MS:
        return "future"
    return "too_old" if call.time < logged_at - OLDEST_MS else None
