"""Bring `.venv` up to date with a hashed lock, the project itself and its built page; at once when nothing changed.

Run by the Makefile with the environment's own Python: `.venv/bin/python tools/environment.py run|dev`.
`run` is what the product needs, `dev` is a superset of it. The lock's content decides, not file times, so a fresh
checkout of the same commit installs nothing again.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("run", "dev")
sys.path.insert(0, str(ROOT))

LOCKS = ROOT / "requirements"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")


class StepFailed(RuntimeError):
    """A command ended with an error; the message names the step and what to do."""


def fingerprint(kind: str) -> str:
    """What an environment of this kind is made from: its lock and the project's metadata."""
    parts = [LOCKS / f"{kind}.lock", ROOT / "pyproject.toml"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in parts)).hexdigest()


def is_current(kind: str, prefix: Path) -> bool:
    """Whether the environment already is what the lock says; a current `dev` serves for `run`."""
    kinds = KINDS[KINDS.index(kind) :]
    return any(_stamp(one, prefix).is_file() and _stamp(one, prefix).read_text() == fingerprint(one) for one in kinds)


def bring_up_to_date(kind: str, prefix: Path) -> None:
    """Install what the lock names, then the project (editable), then build the page if it changed.

    Raises:
        StepFailed: with the step that failed.
    """
    if not is_current(kind, prefix):
        for one in KINDS:
            _stamp(one, prefix).unlink(missing_ok=True)
        _say(f"installing what requirements/{kind}.lock names (once; takes a minute or two)")
        _run("install the packages", [*PIP, "--require-hashes", "-r", str(LOCKS / f"{kind}.lock")])
        _ensure_node()
        _say("installing Groundswell and building its page")
        _run("install Groundswell", [*PIP, "--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT)])
        _stamp(kind, prefix).write_text(fingerprint(kind))
    _ensure_page()


def _ensure_node() -> None:
    """The page's build takes node from PATH; only where there is none, the wheel is installed."""
    import hatch_web

    if hatch_web.find_node(os.environ) is None:
        _run("install node", [*PIP, "--require-hashes", "-r", str(LOCKS / "node.lock")])


def _ensure_page() -> None:
    """Build the page when its sources changed since the installation."""
    import hatch_web

    if not hatch_web.is_current(ROOT / "services" / "api" / "web"):
        _ensure_node()
        _say("building the page")
        _run("build the page", [sys.executable, str(ROOT / "hatch_web.py"), "build"])


def _stamp(kind: str, prefix: Path) -> Path:
    return prefix / f"groundswell-{kind}.sha256"


def _run(step: str, command: Sequence[str]) -> None:
    status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    if status:
        raise StepFailed(f"could not {step} (exit status {status}): see above; `make clean` starts afresh")


def _say(line: str) -> None:
    sys.stderr.write(f"{line} …\n")


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 up to date, 1 a step failed, 2 wrong use."""
    if len(arguments) != 1 or arguments[0] not in KINDS:
        sys.stderr.write("usage: .venv/bin/python tools/environment.py run | dev\n")
        return 2
    try:
        bring_up_to_date(arguments[0], Path(sys.prefix))
    except StepFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
