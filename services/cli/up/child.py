"""One child process: started, watched, started again after a growing pause, stopped."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import services
from services.runtime.clock import Clock

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""After so long a life the next death counts as the first."""


class Child:
    """One part of `up` in a process and process group of its own."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path, clock: Clock) -> None:
        self.name = name
        self.log = log
        self.deaths = 0
        """In a row, without a steady time between."""
        self._environment = dict(environment)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._again_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the process; its output goes to the end of the log."""
        root = str(Path(services.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, self._environment.get("PYTHONPATH"))))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", "services.cli.up.leash", self.name),
                env=self._environment | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._since = self._clock.monotonic()
        self._again_at = None

    def look(self) -> str | None:
        """Starts it again when its pause is over; a sentence for the terminal when it has just died."""
        if self._process is None:
            return None
        now = self._clock.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self.start()
            return None
        status = self._process.poll()
        if status is None:
            return None
        self._sweep()
        self.deaths = 1 if now - self._since > STEADY_SECONDS else self.deaths + 1
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (self.deaths - 1))
        self._again_at = now + pause
        return f"{self.name} {how(status)} (log: {self.log}); it is started again in {pause:g} s"

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][-400:] if lines else "its log is empty"

    def ask_to_stop(self) -> None:
        """SIGTERM, if it runs; it is not started again."""
        self._again_at = float("inf")
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stopped(self) -> bool:
        """Whether it has ended."""
        return self._process is None or self._process.poll() is not None

    def wait_a_little(self) -> None:
        """Waits for its end, at most a twentieth of a second."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)

    def finish(self) -> bool:
        """Ends what is left of it and of its own children; whether anything had to be killed."""
        if self._process is None:
            return False
        late = self._process.poll() is None
        self._sweep()
        self._process.wait()
        self._process = None
        return late

    def _sweep(self) -> None:
        """Kills its process group, where it may have left children of its own, and lets the pipe go."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()


def how(status: int) -> str:
    """How a process ended, in words.

    >>> how(1), how(-9)
    ('ended with status 1', 'was killed by SIGKILL')
    """
    return f"ended with status {status}" if status >= 0 else f"was killed by {signal.Signals(-status).name}"
