"""The demo's loop: simulated time moves on, its calls are posted, and the tick after them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from services.cli.up.clockwork import SimulatedClock
from services.cli.up.poster import Call, NotTaken
from services.cli.up.stopping import StopRequest
from services.runtime.clock import Clock

STEP_SECONDS = 0.5


class Sink(Protocol):
    """Where calls and ticks go."""

    def post_calls(self, calls: Iterable[Call]) -> int:
        """Posts calls in order; raises NotTaken."""
        ...

    def post_tick(self, at_ms: int) -> int:
        """Posts the time; returns how far the log's time is, ms; raises NotTaken."""
        ...


class Driver:
    """Moves the demo on.

    Args:
        calls: the region's calls logged in [start, end), ms, in order of arrival.
        simulated: stands where the log ends.
        say: gets a line when ingest stops or starts taking calls again.
    """

    def __init__(
        self,
        calls: Callable[[int, int], Iterable[Call]],
        sink: Sink,
        simulated: SimulatedClock,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._calls = calls
        self._sink = sink
        self._simulated = simulated
        self._clock = clock
        self._say = say
        self._posted_until = simulated.now_ms
        self._well = True

    def run(self, stop: StopRequest) -> None:
        """Goes on until a stop is asked for."""
        before = self._clock.monotonic()
        while not stop.wait(max(0.0, before + STEP_SECONDS - self._clock.monotonic())):
            now = self._clock.monotonic()
            self.step(now - before)
            before = now

    def step(self, seconds: float) -> None:
        """Posts what happens in the next so many seconds of the wall clock; what is not taken comes again next time.

        While ingest takes nothing, simulated time stands still, so that nothing is lost and nothing comes too late.
        When somebody else's call or tick has moved the log's time on, the demo follows.
        """
        until = self._simulated.advance(seconds, self._clock.now_ms()) if self._well else self._simulated.now_ms
        try:
            self._sink.post_calls(self._calls(self._posted_until, until))
            reached = self._sink.post_tick(until)
        except NotTaken as error:
            self._tell(str(error))
        else:
            self._posted_until = self._simulated.now_ms = max(until, reached)
            self._tell(None)

    def _tell(self, problem: str | None) -> None:
        if self._well != (problem is None):
            self._say(problem or "ingest takes calls again")
        self._well = problem is None
