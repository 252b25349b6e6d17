"""Records on their way to Kafka: handed over at once, counted until they are acknowledged."""

import asyncio
from collections.abc import Sequence

from services.runtime.kafka import Ack, KafkaProblem, Record, ReliableProducer

MOST_UNDERWAY = 20_000


class Outbox:
    """Sends in the order in which it is given records, and knows when all before a moment are acknowledged."""

    def __init__(self, producer: ReliableProducer, loop: asyncio.AbstractEventLoop) -> None:
        self._producer, self._loop = producer, loop
        self._sent = 0
        self._done: set[int] = set()
        self._settled = 0
        """All records up to this number are acknowledged."""
        self._changed = asyncio.Event()
        self.problem: KafkaProblem | None = None

    @property
    def underway(self) -> int:
        """Records not yet acknowledged."""
        return self._sent - self._settled

    async def post(self, records: Sequence[Record]) -> int:
        """Hand records over; waits only while too many are underway. Returns a mark for `settled`."""
        for record in records:
            self._sent += 1
            self._producer.send(record, self._on_done(self._sent))
        while self.underway > MOST_UNDERWAY:
            await self._next_change()
        return self._sent

    async def settled(self, mark: int | None = None) -> None:
        """Wait until everything up to a mark (by default: until now) is acknowledged.

        Raises:
            KafkaProblem: Kafka refuses one of them.
        """
        target = self._sent if mark is None else mark
        while self._settled < target:
            await self._next_change()
        self._raise()

    async def _next_change(self) -> None:
        self._raise()
        self._changed.clear()
        await self._changed.wait()
        self._raise()

    def _raise(self) -> None:
        if self.problem is not None:
            raise self.problem

    def _on_done(self, number: int) -> "_Done":
        return _Done(self, number)

    def settle(self, number: int, result: Ack | KafkaProblem) -> None:
        """One record's fate, in the loop's own thread."""
        if isinstance(result, KafkaProblem):
            self.problem = result
        self._done.add(number)
        while self._settled + 1 in self._done:
            self._settled += 1
            self._done.remove(self._settled)
        self._changed.set()

    def call_soon(self, number: int, result: Ack | KafkaProblem) -> None:
        """The same, from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.settle, number, result)


class _Done:
    """Called by the producer with a record's fate."""

    __slots__ = ("number", "outbox")

    def __init__(self, outbox: Outbox, number: int) -> None:
        self.outbox, self.number = outbox, number

    def __call__(self, result: Ack | KafkaProblem) -> None:
        self.outbox.call_soon(self.number, result)
