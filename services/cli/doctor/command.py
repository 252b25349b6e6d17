"""`groundswell doctor`: every check, a table, and what to do."""

import json
import os
import shutil
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from services.cli.doctor.finding import Finding, State, exit_status, wrong
from services.cli.doctor.settings_list import settings_list
from services.cli.up.note import running_environment
from services.runtime.clock import SystemClock
from services.runtime.settings import BadSettings, Settings, load_settings


def doctor(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder that `up` was given.  [default: groundswell-data]")
    ] = None,
    show_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting, its value and its default.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at everything that may be wrong, and say what to do about it.

    Looks at the settings of this environment; while `groundswell up` runs on the data folder, at those of that.
    Status 3: Kafka or the database is away; 2: a setting is wrong; 1: something else does not work.

    \b
    Examples:
      groundswell doctor
      groundswell doctor --json | jq '.findings[] | select(.state != "ok")'
      groundswell doctor --settings
    """
    try:
        settings = _settings(data)
    except BadSettings as error:
        findings = [wrong("settings", str(error), "correct it in the environment or the settings file")]
        _show(findings, as_json=as_json)
        raise typer.Exit(exit_status(findings)) from None
    if show_settings:
        print(settings_list(settings, as_json=as_json))
        return
    findings = list(_all(settings))
    _show(findings, as_json=as_json)
    raise typer.Exit(exit_status(findings))


def _settings(data: Path | None) -> Settings:
    """The settings of this process; while `up` runs on the data folder, with what `up` chose below them."""
    asked = load_settings(os.environ)
    folder = data or asked.data
    environ = running_environment(folder) | dict(os.environ)
    if data is not None:
        environ["GROUNDSWELL_DATA"] = str(data)
    return load_settings(environ)


def _all(settings: Settings) -> Iterable[Finding]:
    from services.cli.doctor import local, log, running

    yield from local.check_settings(settings)
    yield from local.check_reference(settings)
    yield from local.check_keys(settings)
    yield from local.check_secret(settings)
    yield from local.check_disk(settings)
    yield from local.check_security(settings)
    yield from local.check_host(settings)
    yield from local.check_page()
    yield from local.check_database(settings)
    yield from log.check_log(settings, SystemClock())
    yield from running.check_services(settings, expected=bool(running_environment(settings.data)))


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        status = exit_status(findings)
        print(json.dumps({"ok": status == 0, "status": status, "findings": [one.as_dict() for one in findings]}))
        return
    width = shutil.get_terminal_size((110, 24)).columns
    for one in findings:
        print(_lines(one, width))
    bad = sum(one.state in (State.WRONG, State.AWAY) for one in findings)
    print(f"\n{bad} of {len(findings)} need something done." if bad else "\nNothing needs to be done.")


def _lines(one: Finding, width: int) -> str:
    head = f"{one.check:10} {one.state:8} "
    indent = " " * len(head)
    text = textwrap.fill(one.detail, max(60, width), initial_indent=head, subsequent_indent=indent)
    if not one.todo:
        return text
    todo = textwrap.fill(one.todo, max(60, width), initial_indent=f"{indent}→ ", subsequent_indent=f"{indent}  ")
    return f"{text}\n{todo}"
