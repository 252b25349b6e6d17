"""The services as processes that can be killed, paused and started again."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from services.runtime.clock import SystemClock
from services.runtime.settings import Settings
from tests.integration.detector_world import ROOT, environment

CLOCK = SystemClock()
PATIENCE = 600.0
"""Seconds within which what must happen has happened on any machine; no fault waits so long on a quiet one."""


class NotInTime(AssertionError):
    """Something that must happen did not."""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Return when a condition holds; raises NotInTime."""
    deadline, pause = CLOCK.monotonic() + seconds, threading.Event()
    while not condition():
        if CLOCK.monotonic() > deadline:
            raise NotInTime(f"{what}: not within {seconds:.0f} s")
        pause.wait(0.3)


class Service:
    """One service: `python -m services.NAME` with these settings."""

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        self.name, self.settings = name, settings
        self.output = folder / f"{name}-{settings.detector_port}.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(getattr(self.settings, f"{self.name}_port"))

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs, paused or not."""
        return self._process is not None and self._process.poll() is None

    def start(self, program: Sequence[str] = ()) -> None:
        """Start it; `program` stands in place of `-m services.NAME`."""
        assert not self.is_alive
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        environ |= environment(self.settings) | {"PYTHONPATH": str(ROOT)}
        if self.name == "ingest":
            environ["GROUNDSWELL_REFERENCE"] = str(self.settings.reference)
        self.starts += 1
        with self.output.open("ab") as file:
            command = [sys.executable, *(program or ("-m", f"services.{self.name}"))]
            self._process = subprocess.Popen(command, cwd=self._folder, env=environ, stdout=file, stderr=file)

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def wait(self, seconds: float) -> int:
        """Its exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self, seconds: float = 120.0) -> int:
        """SIGTERM; its exit status."""
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    def status(self, path: str = "/health/ready") -> int:
        """HTTP status of one of its pages; 0 when nothing answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=3, trust_env=False).status_code
        except httpx.HTTPError:
            return 0

    def is_ready(self) -> bool:
        """Whether it says that it is ready."""
        return self.status() == 200

    def memory_mb(self) -> float:
        """What it holds in memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))

    def metric(self, name: str) -> float:
        """One of its numbers."""
        text = httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=10, trust_env=False).text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))

    def tail(self) -> str:
        """The end of what it said."""
        return self.output.read_text(errors="replace")[-1500:]
