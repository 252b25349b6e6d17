"""Ports for servers of the tests that are started a while after their port was chosen."""

import itertools
import os
import socket
import zlib
from collections.abc import Iterator

FIRST, COUNT = 20_000, 12_000
"""Below what a kernel hands out for connections and for port 0, so that no other socket gets one meanwhile."""


def _candidates() -> Iterator[int]:
    """Every port of the range, begun at a place of this run's own; of two workers of a run each has its own ports."""
    environ = os.environ
    workers = int(environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    begin = zlib.crc32(environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())).encode())
    for number in itertools.count():
        yield FIRST + (begin + worker + number * workers) % COUNT


_PORTS = _candidates()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on, and that nobody is given until much later."""
    for port in itertools.islice(_PORTS, COUNT):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
                one.listen(1)
            except OSError:
                continue
            return port
    raise AssertionError(f"all ports from {FIRST} to {FIRST + COUNT} are taken")
