"""The data folder of `up`: who uses it, and where things lie in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.errors import WRONG_USE, CliError

LOG_LIMIT = 10 * 1024 * 1024
"""Bytes after which a log is set aside (as `.1`) at the next start."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the lock goes with the process, however it ends.

    Raises:
        CliError: status 2, another `up` uses the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CliError(_in_use(folder), WRONG_USE) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _in_use(folder: Path) -> str:
    holder = (folder / "up.lock").read_text(encoding="ascii", errors="replace").strip()
    who = f" (process {holder})" if holder.isdigit() else ""
    return f"another `groundswell up`{who} uses the folder {folder}; stop it, or choose another with `--data DIR`"


def log_file(folder: Path, name: str) -> Path:
    """Where a child's output goes; a long one of earlier runs is set aside."""
    path = folder / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return path
