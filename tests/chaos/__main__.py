"""`make chaos`: seeded random faults on the whole pipeline, for minutes, and a table of what they did.

MINUTES and SEED come from the environment; the same seed tries the same faults in the same order. Exit status 1 when
anything was lost, doubled or different, or a fault could not be recovered from.
"""

import os
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.battery import run_battery, schedule

DEFAULT_MINUTES = 20.0


def main() -> int:
    """Run the battery; the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    minutes = float(os.environ.get("MINUTES") or DEFAULT_MINUTES)
    only = os.environ.get("ONLY", "")
    with tempfile.TemporaryDirectory(prefix="groundswell-chaos-") as folder:
        return run_battery(Path(folder), schedule(seed, only), seed=seed, minutes=minutes, tell=_tell)


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
