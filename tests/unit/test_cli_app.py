"""The app itself: help, versions, sentences and exit statuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.__main__ import run
from services.cli.commands import COMMANDS
from services.cli.errors import CliError
from services.cli.failures import as_cli_error
from services.runtime.kafka import KafkaAway, WrongTopic


def test_help_lists_every_command_in_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    for command in COMMANDS:
        assert any(line.split()[:1] == [command.name] and command.line in line for line in shown), command.name


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself_with_an_example(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    name = getattr(command, "name", "")
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Usage: groundswell {name}" in shown
    if "COMMAND [ARGS]" not in shown:
        assert f"groundswell {name}" in shown.partition("Examples:")[2]


def test_help_imports_neither_kafka_nor_faust_nor_a_database() -> None:
    code = (
        "import sys; from services.cli.__main__ import run; run(['--help']);"
        "heavy = {'kafka', 'faust', 'sqlalchemy', 'fastapi', 'numpy', 'river'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("groundswell 0.")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["dokter"], "dokter"),
        (["keys", "add"], "--role"),
        (["keys", "add", "--role", "king"], "a role is one of"),
        (["keys", "add", "--role", "ingest"], "--source"),
        (["up", "--port-base", "many"], "--port-base"),
        (["--config", "/nowhere/settings.toml", "keys", "list"], "/nowhere/settings.toml"),
    ],
)
def test_wrong_use_is_status_2_and_one_sentence_on_stderr(
    arguments: list[str],
    word: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GROUNDSWELL_DATA", str(tmp_path))
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert word in said.err
    assert said.err.startswith("groundswell: ")
    assert said.err.count("\n") == 1


def test_an_unknown_setting_stops_every_command_with_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSWELL_KAFKA_BOOTSTRAPS", "secret-host:1")
    assert run(["keys", "list"]) == 2
    said = capsys.readouterr().err
    assert "GROUNDSWELL_KAFKA_BOOTSTRAPS" in said
    assert "secret-host" not in said


def test_a_settings_file_holds_for_the_command_and_the_environment_wins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'SPACE = "exercise"\nDATA = "{tmp_path}"\nGRID_MS = 1000\n')
    monkeypatch.setattr("os.environ", {"GROUNDSWELL_GRID_MS": "250"})
    assert run(["--config", str(file), "doctor", "--settings"]) == 0
    shown = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert shown["GROUNDSWELL_SPACE"][0] == "exercise"
    assert shown["GROUNDSWELL_GRID_MS"][0] == "250"


def test_each_expected_error_has_its_status() -> None:
    missing = ModuleNotFoundError("No module named 'faust'", name="faust")
    statuses = {
        error: found.status if (found := as_cli_error(error)) else None
        for error in (KafkaAway("away"), WrongTopic("wrong"), missing, CliError("x", 3), ZeroDivisionError())
    }
    assert list(statuses.values()) == [3, 2, 2, 3, None]


def test_a_broken_pipe_is_not_a_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m services.cli --help | head -c 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
