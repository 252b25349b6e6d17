"""`make tools` and `make lock`: what is missing is named, and nothing is done where it may not be."""

import os
import re
from pathlib import Path

import pytest

from tools import environment, provision
from tools.programs import CHROMIUM, PROGRAMS, PROMETHEUS, find_chromium, find_prometheus


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_on_path_is_taken(tmp_path: Path) -> None:
    chromium, prometheus = program(tmp_path, "chromium"), program(tmp_path, "prometheus")
    assert find_chromium({"PATH": str(tmp_path)}) == chromium
    assert find_prometheus({"PATH": str(tmp_path)}) == prometheus


def test_the_newest_browser_that_playwright_downloaded_is_taken_when_path_has_none(tmp_path: Path) -> None:
    program(tmp_path, "chromium-998/chrome-linux/chrome")
    newest = program(tmp_path, "chromium-1100/chrome-linux64/chrome")
    assert find_chromium({"PATH": "", "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}) == newest


@pytest.mark.parametrize(("environ", "status"), [({}, 0), ({"CI": "true"}, 1)])
def test_what_cannot_be_had_is_named_loudly_and_fails_under_ci(
    environ: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provision, "provide", lambda _: [CHROMIUM, PROMETHEUS])
    assert provision.main({"PATH": os.environ["PATH"], **environ}) == status
    said = capsys.readouterr().err
    assert "Chromium is not on this machine and the tests need it" in said
    assert "Prometheus is not on this machine and the tests need it" in said
    assert "!!!!!!!!" in said


def test_every_program_says_what_a_person_can_do() -> None:
    assert all("make tools" in one.missing() and one.debian for one in PROGRAMS)


def test_without_apt_on_path_no_package_is_installed() -> None:
    assert not provision.may_use_apt({"PATH": ""})


def test_a_package_that_apt_does_not_know_keeps_no_other_from_being_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt, said = program(tmp_path, "apt-get"), tmp_path / "said"
    apt.write_text(f'#!/bin/sh\ncase "$*" in *chromium*) exit 100;; esac\necho "$*" >> {said}\n')
    monkeypatch.setattr(provision, "REFUSE_SERVICES", tmp_path / "policy-rc.d")
    monkeypatch.setenv("PATH", str(tmp_path))
    provision.install_with_apt(PROGRAMS, {"PATH": str(tmp_path)})
    assert [line.split()[-1] for line in said.read_text().splitlines()] == ["update", "prometheus", "postgresql"]
    assert not (tmp_path / "policy-rc.d").exists()


def test_an_environment_is_current_only_for_the_lock_that_it_was_made_from(tmp_path: Path) -> None:
    assert not environment.is_current("run", tmp_path)
    (tmp_path / "groundswell-run.sha256").write_text(environment.fingerprint("run"))
    assert environment.is_current("run", tmp_path)
    assert not environment.is_current("dev", tmp_path)
    (tmp_path / "groundswell-run.sha256").write_text("older")
    assert not environment.is_current("run", tmp_path)


def test_an_environment_for_development_serves_to_run(tmp_path: Path) -> None:
    (tmp_path / "groundswell-dev.sha256").write_text(environment.fingerprint("dev"))
    assert environment.is_current("run", tmp_path)
    assert environment.is_current("dev", tmp_path)


def test_every_make_target_that_a_sentence_names_exists() -> None:
    """An operator who is told to run `make …` must be able to."""
    root = Path(__file__).parents[2]
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    texts = [root / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "deploy/README.md")]
    texts += [path for folder in ("services", "schemas", "tools", "tests") for path in (root / folder).rglob("*.py")]
    named = {
        (path.name, word)
        for path in texts
        if "node_modules" not in path.parts
        for word in re.findall(r"`make ([a-z]+)", path.read_text(encoding="utf-8"))
    }
    assert [one for one in sorted(named) if one[1] not in targets] == []
