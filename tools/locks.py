"""Write `requirements/*.lock`: every package with its version and hashes, for all platforms; no index, no host names.

Run by `make lock`. Words on the command line go to `uv pip compile` (`--upgrade`, `--upgrade-package NAME`).
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = (
    *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-header"),
)
NEWEST_FIRST = "requirements/dev.lock"
LOCKS = {
    NEWEST_FIRST: ("pyproject.toml", "--extra", "dev", "requirements/build.in", "requirements/node.in"),
    "requirements/run.lock": ("pyproject.toml", "--extra", "all", "requirements/build.in"),
    "requirements/node.lock": ("requirements/node.in",),
}
"""Lock file: what it is made from. All take the versions of the first one."""


def main(more: Sequence[str]) -> int:
    """Exit status of the first step that failed, else 0."""
    for lock, sources in LOCKS.items():
        same = () if lock == NEWEST_FIRST else ("--constraint", NEWEST_FIRST)
        uv = str(Path(sys.executable).parent / COMPILE[0])
        command = [uv, *COMPILE[1:], *sources, *same, "--output-file", lock, *more]
        status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
        if status.returncode:
            sys.stderr.write(f"{lock} could not be made (exit status {status.returncode}): see above\n")
            return status.returncode
        sys.stderr.write(f"{lock}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
