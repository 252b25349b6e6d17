"""Which calls were written lately: the answer's `duplicates`. The fold decides; this only saves it repeats."""

from services.ingest.delivery import Delivery

SIZE = 200_000


class RecentCalls:
    """A bounded window of call ids with their highest revision and the record that carries it."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._calls: dict[str, tuple[int, Delivery]] = {}

    def find(self, call_id: str, revision: int) -> Delivery | None:
        """The record that already carries this call in this or a higher revision.

        A record that Kafka refused does not count: the call has to be sent again.
        """
        known = self._calls.get(call_id)
        if known is None or revision > known[0] or known[1].refused:
            return None
        return known[1]

    def remember(self, call_id: str, revision: int, delivery: Delivery) -> None:
        """A call that was handed over."""
        self._calls.pop(call_id, None)
        self._calls[call_id] = (revision, delivery)
        if len(self._calls) > self._size:
            del self._calls[next(iter(self._calls))]
