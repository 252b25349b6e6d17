"""What each child of `up` runs as: the service itself, on a leash that is a pipe from the parent.

When the parent goes, however it goes, the pipe closes; the child then stops as on SIGTERM, and is killed when that
takes too long.
"""

import os
import signal
import sys
import threading

from services.cli.__main__ import explain
from services.runtime.settings import Settings, environment_settings

GRACE_SECONDS = 20.0
SPEED_VARIABLE = "UP_DEMO_SPEED"
"""How fast the demo runs."""


def main(name: str) -> int:
    """Runs one part by name: ingest, detector, api, kafka or demo; its exit status."""
    threading.Thread(target=hold, args=(sys.stdin.fileno(),), daemon=True, name="leash").start()
    try:
        return _run(name, environment_settings())
    except KeyboardInterrupt:
        return 0
    except Exception as error:  # noqa: BLE001 - the outermost edge: what is not expected is raised again
        return explain(error)


def _run(name: str, settings: Settings) -> int:
    if name == "kafka":
        from services.cli.kafka import run_kafka

        return run_kafka(settings)
    if name == "demo":
        from services.cli.up.demo import run_demo

        return run_demo(settings, float(os.environ[SPEED_VARIABLE]))
    from services.cli.foreground import run_service

    return run_service(name)


def hold(descriptor: int) -> None:
    """Ends this process when the other end of the pipe is closed."""
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
