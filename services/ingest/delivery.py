"""One record on its way to Kafka, and everybody who waits for it."""

import asyncio
from collections.abc import Iterable

from services.runtime.kafka import Ack, KafkaAway, KafkaProblem


class Delivery:
    """Resolved once: with an acknowledgement or with a refusal. Nobody's impatience cancels it."""

    __slots__ = ("_done", "calls", "result")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._done: asyncio.Future[None] = loop.create_future()
        self.result: Ack | KafkaProblem | None = None
        self.calls = 0

    @property
    def is_acknowledged(self) -> bool:
        """Kafka has it."""
        return isinstance(self.result, Ack)

    @property
    def refused(self) -> bool:
        """Kafka will never have it."""
        return isinstance(self.result, KafkaProblem)

    def settle(self, result: Ack | KafkaProblem) -> None:
        """The end; later ones are ignored."""
        if self.result is None:
            self.result = result
            self._done.set_result(None)

    @staticmethod
    async def wait_all(deliveries: Iterable["Delivery"], seconds: float) -> None:
        """Return when Kafka has all of them.

        Raises:
            KafkaAway: not within `seconds`.
            KafkaProblem: one was refused.
        """
        wanted = list(deliveries)
        waiting = [one._done for one in wanted if one.result is None]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=seconds)
            if late:
                raise KafkaAway("Kafka did not acknowledge in time")
        for one in wanted:
            if isinstance(one.result, KafkaProblem):
                raise one.result
