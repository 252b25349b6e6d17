"""The children of `up`: started in order, waited for, watched, stopped in order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.cli.errors import FAILED, CliError
from services.cli.up.child import Child
from services.cli.up.stopping import StopRequest
from services.runtime.clock import Clock

LOOK_SECONDS = 0.1
DEATHS_BEFORE_READY = 3
STOP_ORDER = (("demo",), ("ingest",), ("detector", "api"), ("kafka",))
"""Who stops together: first what writes to the log, then its readers, then the log."""
STOP_SECONDS = {"demo": 5.0, "ingest": 15.0, "detector": 15.0, "api": 15.0, "kafka": 40.0}
"""How long each may take to stop before it is killed. A broker on a busy machine closes hundreds of files; its parent
kills it after 30 s, and killed before that parent does so it would be left behind."""


class Stopped(Exception):
    """A stop was asked for while something was waited for."""


@dataclass(frozen=True)
class Awaited:
    """Something that must come true before `up` goes on."""

    child: Child | None
    name: str
    ask: Callable[[], str | None]
    """None when it is so; otherwise what is still missing."""


class Supervisor:
    """Keeps the children alive.

    Args:
        say: where a line about a death goes.
    """

    def __init__(self, clock: Clock, stop: StopRequest, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._request = stop
        self._say = say
        self._children: dict[str, Child] = {}

    def start(self, child: Child) -> Child:
        """Starts a child and watches it from now on."""
        self._children[child.name] = child
        child.start()
        return child

    def wait_for(self, awaited: Iterable[Awaited], seconds: float) -> None:
        """Waits until all is as awaited.

        Raises:
            CliError: status 1, a child dies again and again, or the time is over; with the last line of its log.
            Stopped: a stop was asked for.
        """
        deadline = self._clock.monotonic() + seconds
        missing = {one.name: one for one in awaited}
        while missing:
            if self._request.wait(LOOK_SECONDS):
                raise Stopped
            self._look()
            for one in list(missing.values()):
                reason = one.ask()
                if reason is None:
                    del missing[one.name]
                else:
                    self._give_up(one, reason, late=self._clock.monotonic() >= deadline)

    def watch(self) -> None:
        """Looks after the children until a stop is asked for."""
        while not self._request.wait(LOOK_SECONDS):
            self._look()

    def stop_all(self) -> None:
        """Stops every child in order, each within its time; a second request to stop kills the rest at once."""
        for names in STOP_ORDER:
            self._stop_together([self._children.pop(name) for name in names if name in self._children])

    def _look(self) -> None:
        for child in self._children.values():
            sentence = child.look()
            if sentence is not None:
                self._say(sentence)

    def _give_up(self, awaited: Awaited, reason: str, *, late: bool) -> None:
        child = awaited.child
        if child is not None and child.deaths >= DEATHS_BEFORE_READY:
            raise CliError(f"{awaited.name} does not start ({child.last_words()}); its log is {child.log}", FAILED)
        if late:
            more = f"; its log is {child.log}" if child is not None else ""
            raise CliError(f"{awaited.name} is not ready in time ({reason}){more}", FAILED)

    def _stop_together(self, children: list[Child]) -> None:
        started = self._clock.monotonic()
        for child in children:
            child.ask_to_stop()
        for child in children:
            deadline = started + STOP_SECONDS[child.name]
            while not child.stopped() and not self._request.urgent and self._clock.monotonic() < deadline:
                child.wait_a_little()
            if child.finish():
                self._say(f"{child.name} did not stop in time and was killed")
