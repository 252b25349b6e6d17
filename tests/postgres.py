"""A private PostgreSQL server in a temporary folder, on 127.0.0.1."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from services.runtime.clock import SystemClock
from tests.ports import free_port

OWNER = "groundswell"
"""The database role of the tests; no password, since only this machine reaches the server."""
START_SECONDS = 180.0
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40")
"""A server that nobody will ever need to recover."""


class PostgresCluster:
    """A server from `initdb` to the end of a `with` block."""

    def __init__(self, programs: Path) -> None:
        """`programs`: the folder with `initdb` and `postgres`."""
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="groundswell-pg-"))
        self._user = _other_user()
        self._server: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").wait()
        settings = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}", *FAST)
        self._server = self._run("postgres", "-D", data, *(word for one in settings for word in ("-c", one)))
        self._await_answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.terminate()
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.send_signal(3)  # SIGQUIT: end at once, without waiting for clients
                self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://{OWNER}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database; returns its name."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Remove it, whoever is still connected."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def log(self) -> str:
        """All that the server and `initdb` printed."""
        return (self._folder / "log").read_text(errors="replace")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._address(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={OWNER} dbname=postgres connect_timeout=20"

    def _run(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """PostgreSQL refuses to run as root, so root runs it as somebody else."""
        as_other: dict[str, Any] = {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid} if self._user else {}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                extra_groups=[] if self._user else None,
                **as_other,
            )

    def _await_answer(self) -> None:
        assert self._server is not None
        clock = SystemClock()
        deadline = clock.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self._address()).close()
                return
            except psycopg.OperationalError:
                if clock.monotonic() > deadline or _ended_within(self._server, 0.05):
                    raise AssertionError(f"PostgreSQL did not start: {self.log()}") from None


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _other_user() -> str | None:
    """For root: Debian's `postgres` if there is one, else `nobody`."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)
