"""Ctrl-C and friends as something that can be waited for."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """How often a stop was asked for; waiting for it costs nothing."""

    def __init__(self) -> None:
        self._times = 0
        self._read, self._write = os.pipe()

    @property
    def asked(self) -> bool:
        """A stop was asked for."""
        return self._times > 0

    @property
    def urgent(self) -> bool:
        """It was asked for again while stopping."""
        return self._times > 1

    def wait(self, seconds: float) -> bool:
        """Waits until a stop is asked for, at most so long; whether it was."""
        if not self.asked:
            select.select([self._read], [], [], max(0.0, seconds))
        return self.asked

    def ask(self) -> None:
        """Asks for a stop."""
        self._times += 1
        os.write(self._write, b".")

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.ask()

    def close(self) -> None:
        """Gives the two descriptors back."""
        os.close(self._read)
        os.close(self._write)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """A `StopRequest` that the signals ask, for as long as the block runs."""
    request = StopRequest()
    before = {number: signal.signal(number, request._handle) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        request.close()
