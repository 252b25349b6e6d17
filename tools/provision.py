"""See to it that the programs of `programs.py` are here: PATH, else Debian's packages, else the project's own download.

Run by `make tools`. What cannot be had is named loudly; with CI=true that is a failure. Without CI the tests run all
the same, and those that need the program fail with the same sentence.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.programs import CHROMIUM, PROGRAMS, Program  # noqa: E402

REFUSE_SERVICES = Path("/usr/sbin/policy-rc.d")
"""Debian asks this script before a package starts its service; the tests start their own and want none."""


def missing_programs(environ: Mapping[str, str]) -> list[Program]:
    """Programs that are not on this machine."""
    return [program for program in PROGRAMS if program.find(environ) is None]


def may_use_apt(environ: Mapping[str, str]) -> bool:
    """Whether packages may be installed here without asking anyone."""
    return os.geteuid() == 0 and shutil.which("apt-get", path=environ.get("PATH")) is not None


def install_with_apt(programs: Sequence[Program], environ: Mapping[str, str]) -> None:
    """Install Debian packages without questions and without starting their services.

    One program after the other: apt-get installs nothing at all when it lacks one of many (Ubuntu has no chromium).
    """
    quiet = dict(environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "-qq", "update"], quiet)
    with _no_services():
        for program in programs:
            _run(["apt-get", "-qq", "-y", "--no-install-recommends", "install", *program.debian], quiet)


def download_chromium(environ: Mapping[str, str]) -> None:
    """The browser that playwright itself brings."""
    _run([sys.executable, "-m", "playwright", "install", "chromium"], environ)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    if REFUSE_SERVICES.exists():
        yield
        return
    REFUSE_SERVICES.write_text("#!/bin/sh\nexit 101\n")
    REFUSE_SERVICES.chmod(0o755)
    try:
        yield
    finally:
        REFUSE_SERVICES.unlink(missing_ok=True)


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """A failure is not the end: what counts is whether the program is there afterwards."""
    done = subprocess.run(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        why = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        sys.stderr.write(f"`{' '.join(command)}` failed (exit status {done.returncode}):\n  {why}\n")


def provide(environ: Mapping[str, str]) -> list[Program]:
    """Install what is missing where that is allowed. Returns what is missing still."""
    missing = missing_programs(environ)
    if missing and may_use_apt(environ):
        sys.stderr.write(f"installing {', '.join(program.name for program in missing)} with apt-get …\n")
        install_with_apt(missing, environ)
    if CHROMIUM in missing_programs(environ):
        sys.stderr.write("downloading Chromium with playwright …\n")
        download_chromium(environ)
    return missing_programs(environ)


def main(environ: Mapping[str, str]) -> int:
    """Exit status: 1 when something is missing and CI=true, else 0."""
    missing = provide(environ)
    for program in PROGRAMS:
        if program not in missing:
            sys.stderr.write(f"{program.name}: {program.find(environ)}\n")
    if not missing:
        return 0
    line = "!" * 100
    sys.stderr.write("\n".join([line, *(program.missing() for program in missing), line, ""]))
    return 1 if environ.get("CI") == "true" else 0


if __name__ == "__main__":
    raise SystemExit(main(os.environ))
