"""Takes the items of one request: each is refused with its field, known already, or on its way to the log."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.codec import CallEventRow, Refusal, convert_call_event, convert_stamped_call
from services.ingest.bodies import MAX_DEPTH, Item, MalformedItem, too_deep
from services.ingest.callers import CallerCounter
from services.ingest.delivery import Delivery
from services.ingest.log_time import LogTime
from services.ingest.metrics import IngestMetrics
from services.ingest.problems import Problem, away, too_many
from services.ingest.recent import RecentCalls
from services.ingest.rejections import Rejection, RejectionLog
from services.ingest.translation import FUTURE_MS, TOO_NEW, Accepted, OtherSource, Translator
from services.ingest.writer import LogWriter
from services.runtime.access import Identity
from services.runtime.clock import Clock
from services.runtime.kafka import KafkaProblem

MAX_IN_FLIGHT = 50_000
MAX_NAMED = 1_000
"""So many rejected items are named in an answer; the rest is only counted."""
WRITE_SECONDS = 1.7
"""With the rest of the request this keeps a 503 within 2 s."""


@dataclass
class Request:
    """What became of the items of one request so far."""

    identity: Identity
    fresh: list[Accepted] = field(default_factory=list)
    """Taken and not yet acknowledged."""
    deliveries: set[Delivery] = field(default_factory=set)
    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    malformed: int = 0
    """How many of the rejected were not JSON."""
    of_other_sources: int = 0
    """How many of the rejected the key may not post."""

    def body(self) -> dict[str, Any]:
        """The answer."""
        named = [{"index": r.index, "field": r.field, "reason": r.reason} for r in self.rejected[:MAX_NAMED]]
        body: dict[str, Any] = {"accepted": self.accepted, "duplicates": self.duplicates, "rejected": named}
        return body | ({"rejected_total": len(self.rejected)} if len(self.rejected) > MAX_NAMED else {})


class Reception:
    """The way of the items of all requests of this process."""

    def __init__(
        self,
        *,
        clock: Clock,
        log_time: LogTime,
        translator: Translator,
        writer: LogWriter,
        recent: RecentCalls,
        rejections: RejectionLog,
        callers: CallerCounter,
        metrics: IngestMetrics,
    ) -> None:
        self._clock, self._log_time, self._translator, self._writer = clock, log_time, translator, writer
        self._recent, self._rejections, self._callers, self._metrics = recent, rejections, callers, metrics
        self._convert = convert_call_event if log_time.live else convert_stamped_call

    def take(self, request: Request, items: Iterable[Item]) -> None:
        """Refuse or hand over each item; nothing is acknowledged yet.

        Raises:
            Problem: 429 when too many calls are in flight.
        """
        if self._writer.in_flight >= MAX_IN_FLIGHT:
            raise too_many("Too many calls are on their way to the log; try again in a second.")
        for index, value in items:
            try:
                self._take_one(request, self._read(value))
            except Refusal as refusal:
                self._reject(request, index, refusal)

    async def settle(self, request: Request) -> None:
        """Wait until Kafka has all that was taken so far.

        Raises:
            Problem: 503 when it has not in time.
        """
        start = self._clock.monotonic()
        try:
            await Delivery.wait_all(request.deliveries, WRITE_SECONDS)
        except KafkaProblem:
            self._count(request, "unwritten", len(request.fresh))
            raise away() from None
        for accepted in request.fresh:
            self._callers.count(accepted)
        if unknown := sum(one.unknown_referrals for one in request.fresh):
            self._metrics.unknown_referrals.labels(request.identity.source or "").inc(unknown)
        self._count(request, "accepted", len(request.fresh))
        self._metrics.write_seconds.observe(self._clock.monotonic() - start)
        request.accepted += len(request.fresh)
        request.fresh.clear()
        request.deliveries.clear()

    def _read(self, value: object) -> CallEventRow:
        if isinstance(value, Refusal):
            raise value
        try:
            return self._convert(value)
        except Refusal:
            if too_deep(value):
                raise MalformedItem(f"is nested more than {MAX_DEPTH} deep") from None
            raise

    def _take_one(self, request: Request, row: CallEventRow) -> None:
        now = self._log_time.now()
        accepted = self._translator.translate(row, request.identity, now)
        call = accepted.call
        if now is None and accepted.logged_at is None and call.time > self._clock.now_ms() + FUTURE_MS:
            raise Refusal("time", TOO_NEW)
        known = self._recent.find(call.id, call.revision)
        if known is not None:
            request.duplicates += 1
            self._count(request, "duplicate", 1)
            if not known.is_acknowledged:
                request.deliveries.add(known)
            return
        delivery = self._writer.add(accepted)
        self._recent.remember(call.id, call.revision, delivery)
        request.deliveries.add(delivery)
        request.fresh.append(accepted)

    def _reject(self, request: Request, index: int, refusal: Refusal) -> None:
        rejection = Rejection(index, refusal.field, refusal.reason)
        request.rejected.append(rejection)
        request.malformed += isinstance(refusal, MalformedItem)
        request.of_other_sources += isinstance(refusal, OtherSource)
        self._count(request, "rejected", 1)
        self._rejections.add(request.identity.source or "", rejection)

    def _count(self, request: Request, result: str, count: int) -> None:
        if count:
            self._metrics.calls.labels(request.identity.source or "", result).inc(count)


def answer_or_problem(request: Request) -> dict[str, Any]:
    """The body of the 202.

    Raises:
        Problem: when no item was valid: 403 if all carry another source, 400 if all were malformed, 422 otherwise.
    """
    if request.accepted or request.duplicates:
        return request.body()
    if not request.rejected:
        raise Problem(400, "The body holds no call.")
    if request.of_other_sources == len(request.rejected):
        raise Problem(403, "This key may only post calls of its own source.", more=request.body())
    if request.malformed == len(request.rejected):
        raise Problem(400, "No line of the body is JSON as it is taken here.", more=request.body())
    raise Problem(422, "No call of the request was valid; `rejected` names the fields.", more=request.body())
