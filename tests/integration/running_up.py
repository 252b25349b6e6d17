"""A `groundswell up` in a process of its own, for tests: started, asked, stopped, its descendants counted."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx

from services.runtime.clock import SystemClock

STOP_SECONDS = 150.0


class RunningUp:
    """One `up --json`; its line is read, the rest goes to a file."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self._log = (data.parent / f"{data.name}.log").open("ab")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "up", "--json", "--port-base", "0", "--data", str(data), *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environ,
            start_new_session=True,
        )
        self.line: dict[str, Any] = {}

    def wait_ready(self) -> dict[str, Any]:
        """The line of JSON; fails with what `up` said when it ends before."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, f"`up` ended before it was ready: {self.said()}"
        self.line = json.loads(text)
        return self.line

    def said(self) -> str:
        """What went to the terminal."""
        self._log.flush()
        return Path(self._log.name).read_text(encoding="utf-8")

    def client(self, role: str) -> httpx.Client:
        """Asks the API, or ingest for the role ingest, with the key of a role."""
        base = self.line["ingest" if role == "ingest" else "api"]
        return httpx.Client(
            base_url=base, headers={"Authorization": f"Bearer {self.line['keys'][role]}"}, timeout=60, trust_env=False
        )

    def descendants(self) -> dict[int, str]:
        """Processes below this one, with their command lines."""
        return descendants(self.process.pid)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Sends a signal and waits for the end; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def close(self) -> None:
        """Ends what is left, whatever happened."""
        left = self.descendants()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()
        wait_gone(left)


def descendants(root: int) -> dict[int, str]:
    """Processes below a process, with their command lines (Linux)."""
    parents, commands = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, edge = set[int](), {root}
    while edge:
        edge = {child for child, parent in parents.items() if parent in edge}
        found |= edge
    return {pid: commands[pid] for pid in found if pid in commands}


def is_alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pids: dict[int, str], seconds: float = STOP_SECONDS) -> None:
    """Waits until none of the processes lives; fails with the names of those that do, after killing them."""
    clock, pause = SystemClock(), threading.Event()
    deadline = clock.monotonic() + seconds
    while left := {pid: name for pid, name in pids.items() if is_alive(pid)}:
        if clock.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"left behind: {left}")
        pause.wait(0.1)
