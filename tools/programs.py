"""Where the programs are that tests use and no wheel brings: Chromium, Prometheus, PostgreSQL."""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One program: how it is found, which Debian packages bring it, and how else a person gets it."""

    name: str
    find: Callable[[Mapping[str, str]], Path | None]
    debian: tuple[str, ...]
    by_hand: str

    def missing(self) -> str:
        """A sentence for the one who misses it."""
        return f"{self.name} is not on this machine and the tests need it: run `make tools`, or {self.by_hand}"


def find_chromium(environ: Mapping[str, str]) -> Path | None:
    """A Chromium or Chrome on PATH, else the one that playwright downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return _on_path(names, environ) or _playwright_chromium(environ)


def find_prometheus(environ: Mapping[str, str]) -> Path | None:
    """The `prometheus` server on PATH."""
    return _on_path(("prometheus",), environ)


def find_postgres(environ: Mapping[str, str]) -> Path | None:
    """The folder with `initdb` and `postgres`: that of PATH, else Debian's newest, which is not on PATH."""
    for path in (_on_path(("initdb",), environ), *_debian_initdb()):
        if path and (path.resolve().parent / "postgres").is_file():
            return path.resolve().parent
    return None


PROGRAMS = (
    Program("Chromium", find_chromium, ("chromium",), "install it (`playwright install chromium` downloads one)"),
    Program("Prometheus", find_prometheus, ("prometheus",), "install it and put `prometheus` on PATH"),
    Program("PostgreSQL", find_postgres, ("postgresql",), "install it and put `initdb` and `postgres` on PATH"),
)
CHROMIUM, PROMETHEUS, POSTGRES = PROGRAMS


def _on_path(names: tuple[str, ...], environ: Mapping[str, str]) -> Path | None:
    found = (shutil.which(name, path=environ.get("PATH")) for name in names)
    return next((Path(path) for path in found if path), None)


def _debian_initdb() -> list[Path]:
    there = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return sorted(there, key=lambda path: _number(path.parts[-3]), reverse=True)


def _playwright_chromium(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME", "")
    folders = [
        environ.get("PLAYWRIGHT_BROWSERS_PATH"),
        f"{home}/.cache/ms-playwright",
        f"{home}/Library/Caches/ms-playwright",
    ]
    inside = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium")
    found = [path for folder in folders if folder for pattern in inside for path in Path(folder).glob(pattern)]
    return max(found, key=_revision, default=None)


def _revision(path: Path) -> int:
    return next(_number(part) for part in path.parts if re.fullmatch(r"chromium-\d+", part))


def _number(text: str) -> int:
    first = re.search(r"\d+", text)
    return int(first[0]) if first else 0
