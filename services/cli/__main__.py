"""`groundswell …`: runs one command and turns every expected error into a sentence and an exit status."""

import os
import sys
from collections.abc import Sequence

import typer

from services.cli.commands import build_app
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.failures import as_cli_error

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[2]
"""`ClickException`, which Typer does not name in public."""


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Returns:
        The exit status: 0 done, 1 failed while running, 2 wrong use or settings, 3 a dependency is not reachable.
    """
    try:
        status = build_app(arguments)(list(arguments), prog_name="groundswell", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _say("stopped", FAILED)
    except typer.Abort:
        return _say("stopped", FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost edge: what is not expected is raised again
        return explain(error)
    return _status(status)


def _status(value: object) -> int:
    """What a command returned; 130 is Typer's word for Ctrl-C."""
    return FAILED if value == 130 else value if isinstance(value, int) else 0


def explain(error: Exception) -> int:
    """Says an error in a sentence and gives its status; one that nobody expected is raised again."""
    if isinstance(error, USAGE_ERROR):
        text = _usage(error)
        if "\n" in text:  # no arguments where some are needed: the help itself
            print(text, file=sys.stderr)
            return WRONG_USE
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "groundswell"
        return _say(f"{text.rstrip('.')} (see `{path} --help`)", WRONG_USE)
    known = error if isinstance(error, CliError) else as_cli_error(error)
    if known is None:
        raise error
    return _say(known.message, known.status)


def _usage(error: Exception) -> str:
    format_message = getattr(error, "format_message", None)
    return str(format_message()) if format_message else str(error)


def _say(sentence: str, status: int) -> int:
    print(f"groundswell: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
