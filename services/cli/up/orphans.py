"""A Kafka that outlived whoever started it: found by the lock that it holds on its folder."""

import contextlib
import fcntl
import os
import re
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from services.cli.errors import WRONG_USE, CliError
from services.runtime.clock import Clock

TERM_SECONDS = 10.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Holder:
    """Who holds Kafka's folder."""

    pid: int | None
    words: str
    """As the lock says: `process 12, 127.0.0.1:9092`."""


def holder(data: Path) -> Holder | None:
    """Who runs a Kafka on this data folder; None when nobody does."""
    path = data / "kafka" / "lock"
    try:
        with path.open("r+b") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        words = path.read_text(encoding="utf-8", errors="replace").strip()
        found = re.match(r"process (\d+)\b", words)
        return Holder(int(found[1]) if found else None, words or "starting just now")
    return None


def refuse_running(data: Path) -> None:
    """Checks that no Kafka runs on the folder yet.

    Raises:
        CliError: status 2, one does; it may be somebody's.
    """
    found = holder(data)
    if found is not None:
        raise CliError(
            f"another Kafka ({found.words}) runs on the folder {data / 'kafka'}; stop it, use it with "
            "`--broker HOST:PORT`, or choose another folder with `--data DIR`",
            WRONG_USE,
        )


def end_orphan(data: Path, clock: Clock) -> None:
    """Ends the Kafka on the folder, if one runs, and waits until the folder is free; only for who locked the folder."""
    found = holder(data)
    if found is None or found.pid is None:
        return
    pause = threading.Event()
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, number)
        deadline = clock.monotonic() + TERM_SECONDS
        while holder(data) == found and clock.monotonic() < deadline:
            pause.wait(LOOK_SECONDS)
