"""One broker a folder: a lock that lives as long as the broker, even if the program that started it is killed."""

import fcntl
import os
import threading
from pathlib import Path

from services.runtime.clock import Clock
from services.runtime.embedded.errors import FolderInUse

PATIENCE_SECONDS = 3.0
"""A broker that is just stopping lets go within this time."""


class FolderLock:
    """An exclusive lock on a file. The broker inherits `descriptor`, so the lock ends with the last of the two."""

    def __init__(self, path: Path, clock: Clock, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Take the lock, waiting a moment for a holder that is on its way out.

        Raises:
            FolderInUse: a live process has it; the message names the process and its port.
        """
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = clock.monotonic() + patience_seconds
        while not self._try():
            if clock.monotonic() < deadline:
                threading.Event().wait(0.05)
                continue
            holder = os.read(self.descriptor, 200).decode(errors="replace").strip() or "starting just now"
            os.close(self.descriptor)
            raise FolderInUse(
                f"Another Kafka ({holder}) is running on the folder {path.parent}: stop it, or choose another folder "
                "with `--data DIR`"
            )
        os.ftruncate(self.descriptor, 0)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def describe(self, process: int, address: str) -> None:
        """Write who holds the lock, for the message of the next one who wants it."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"process {process}, {address}\n".encode(), 0)

    def release(self) -> None:
        """Let go. An explicit unlock would take it from a broker that still lives, so the file is only closed."""
        os.close(self.descriptor)
