"""An ingest of its own for a replay: a child process on a free port, for as long as the replay lasts."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from services.cli.environment import environment_of
from services.cli.errors import FAILED, CliError
from services.cli.ingest_client import Sleep
from services.runtime.clock import Clock
from services.runtime.kafka import wait_for_kafka
from services.runtime.settings import PREFIX, Settings

REPLAY = "replay"
START_SECONDS = 60.0
STOP_SECONDS = 15.0


def replay_settings(settings: Settings) -> Settings:
    """The settings with the replay space, unless they name a space other than live."""
    return settings if settings.space != "live" else settings.model_copy(update={"space": REPLAY})


@contextmanager
def own_ingest(settings: Settings, clock: Clock, sleep: Sleep) -> Iterator[str]:
    """Starts ingest for the space of these settings; gives its address, and stops it in the end.

    Raises:
        KafkaAway: the broker does not answer.
        CliError: ingest did not start; the message is what it said.
    """
    wait_for_kafka(settings, clock, 5.0)
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    chosen = settings.model_copy(update={"host": "127.0.0.1", "ingest_port": port})
    environment = kept | environment_of(chosen)
    environment |= {f"{PREFIX}SPACE": settings.space, f"{PREFIX}INGEST_PORT": str(port), f"{PREFIX}HOST": "127.0.0.1"}
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen([sys.executable, "-m", "services.ingest"], env=environment, stdout=said, stderr=said)
        try:
            _wait(child, port, clock, sleep, lambda: _tail(said))
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(child)


def _wait(child: "subprocess.Popen[bytes]", port: int, clock: Clock, sleep: Sleep, said: Callable[[], str]) -> None:
    deadline = clock.monotonic() + START_SECONDS
    while not _is_ready(port):
        if child.poll() is not None:
            raise CliError(f"ingest of the replay space ended at its start: {said()}", FAILED)
        if clock.monotonic() > deadline:
            raise CliError(f"ingest of the replay space was not ready after {START_SECONDS:.0f} s: {said()}", FAILED)
        sleep(0.1)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1][-500:] if lines else "it said nothing"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
