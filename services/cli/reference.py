"""`groundswell reference`: a reference folder from an export, to start with."""

import importlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from schemas.reference import Holiday
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.export_files import open_mapping, opened
from services.cli.reference_folder import write_reference
from services.ingest.sources.derive import derive_reference
from services.ingest.sources.errors import BadExport
from services.ingest.sources.spec import Home
from services.runtime.settings import environment_settings

YEARS_AHEAD = 2
"""Holidays go on so many years after the export."""


def reference(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CRM export: CSV, NDJSON or JSON, also .gz.")],
    source: Annotated[str, typer.Option(metavar="NAME", help="Its mapping: shipped, or REFERENCE/sources/NAME.toml.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where areas.csv, needs.csv and holidays.csv go.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Make reference files from an export: the areas and needs that it names, and the public holidays of its years.

    \b
    Examples:
      groundswell reference boston.csv.gz --source boston311 --out reference/
      GROUNDSWELL_REFERENCE=reference groundswell topics create
    """
    mapping = open_mapping(source, environment_settings().reference)
    present = [name for name in ("areas.csv", "needs.csv", "holidays.csv") if (out / name).exists()]
    if present and not force:
        raise CliError(f"{out} holds {', '.join(present)} already; choose another folder or say --force", WRONG_USE)
    with opened(file, "Reading") as stream:
        try:
            derived, (first, last) = derive_reference(mapping.home, mapping.labels(stream, file_name=file.name))
        except BadExport as error:
            raise CliError(f"{file.name}: {error}", FAILED) from None
    found = holidays_of(mapping.home, range(first, last + YEARS_AHEAD + 1))
    write_reference(out, msgspec.structs.replace(derived, holidays=found))
    print(f"{out}: {len(derived.areas)} areas, {len(derived.needs)} needs, {len(found)} holidays")


def holidays_of(home: Home | None, years: range) -> tuple[Holiday, ...]:
    """Public holidays of a home area; none when its country is not said.

    Raises:
        CliError: 2, the country or subdivision is not known.
    """
    if home is None or home.country is None:
        return ()
    package = importlib.import_module("holidays")
    try:
        found = package.country_holidays(home.country, subdiv=home.subdivision, years=list(years))
    except NotImplementedError:
        raise CliError(
            f"no holidays are known for {home.country} {home.subdivision or ''}".strip(), WRONG_USE
        ) from None
    return tuple(Holiday(day.isoformat(), home.code, name) for day, name in sorted(found.items()))
