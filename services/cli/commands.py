"""The list of commands. Only the command that is asked for is imported, so that `--help` is quick."""

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.environment import apply_config

HELP = """See need rising while the calls are still coming in: surge detection for 211 and 311 lines.

\b
Examples:
  groundswell up                    everything in one terminal, with a demo that unfolds by itself
  groundswell doctor                what is wrong and what to do
  groundswell COMMAND --help        one command, with examples

\b
Exit status: 0 done, 1 failed while running, 2 wrong use or settings, 3 a dependency is not reachable.
Settings: environment GROUNDSWELL_… or --config FILE (TOML); `groundswell doctor --settings` lists them.
"""


@dataclass(frozen=True)
class Command:
    """One command: where its function or Typer app lives, and its line in the list."""

    name: str
    place: str
    """`module:attribute`."""
    line: str


COMMANDS = (
    Command("up", "services.cli.up.command:up", "Start everything in one terminal, with a demo."),
    Command("doctor", "services.cli.doctor.command:doctor", "Say what is wrong and what to do."),
    Command("replay", "services.cli.replay:replay", "Send a CRM export through ingest in the replay space."),
    Command("load", "services.cli.load:load", "Load history, so that the detector starts warm."),
    Command("simulate", "services.cli.simulate:simulate", "Write a made-up region with surges and their labels."),
    Command("reference", "services.cli.reference:reference", "Make reference files from a CRM export, to start with."),
    Command("backtest", "services.cli.backtest:backtest", "Run the detector over past calls, without Kafka."),
    Command("keys", "services.cli.keys:app", "Add, list and revoke API keys."),
    Command("topics", "services.cli.topics:app", "Create, list and check the topics."),
    Command("schemas", "services.cli.schemas_command:app", "Export and check the contracts."),
    Command("rebuild", "services.cli.rebuild:rebuild", "Learn again from the counts, or fold the database again."),
    Command("backup", "services.cli.backup:backup", "Save the database, the keys and the secret in one file."),
    Command("restore", "services.cli.backup:restore", "Put a backup back."),
    Command("erase", "services.cli.erase:erase", "Take out what one source brought, and say what stays."),
    Command("shadow", "services.cli.shadow:shadow", "Try another budget or version on the live log, read only."),
    Command("kafka", "services.cli.kafka:kafka", "Run the embedded Apache Kafka alone, in the foreground."),
    Command("ingest", "services.cli.foreground:ingest", "Run ingest in the foreground."),
    Command("detector", "services.cli.foreground:detector", "Run the detector in the foreground."),
    Command("api", "services.cli.foreground:api", "Run the API and the page in the foreground."),
)


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The Typer app in which the commands named in the arguments are real and the others are only listed."""
    app = typer.Typer(
        name="groundswell", rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False, help=HELP
    )
    app.callback()(_root)
    for command in COMMANDS:
        _add(app, command, real=command.name in arguments)
    return app


def _add(app: typer.Typer, command: Command, *, real: bool) -> None:
    if not real:
        app.command(command.name, help=command.line)(_listed)
        return
    module, _, attribute = command.place.partition(":")
    found: Any = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=command.name)
    else:
        app.command(command.name)(found)


def _listed() -> None:
    """Stands for a command that was not asked for; never runs."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"groundswell {version('groundswell')}")
        raise typer.Exit


def _root(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings; the environment wins.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if config is not None:
        apply_config(config, os.environ)
