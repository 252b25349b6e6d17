"""`groundswell simulate`: a made-up region in files, the same for the same seed."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import Progress

from schemas.log_record import encode_record
from services.cli.errors import WRONG_USE, CliError
from services.cli.simulation import Region, demo_region
from services.cli.simulation.calls import rfc3339
from services.cli.simulation.rhythm import HOUR_MS
from services.cli.simulation.surges import Surge

DAY_MS = 24 * HOUR_MS
START = "2025-06-23T04:00:00+00:00"
LEAD_DAYS = 2
"""Quiet days before the first surge."""


def simulate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write; it may not hold a region yet.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days of calls.")] = 21,
    history_weeks: Annotated[int, typer.Option(min=0, max=104, help="Weeks of hourly counts before them.")] = 6,
    start: Annotated[str, typer.Option(metavar="TIME", help="First call, with offset.")] = START,
    gz: Annotated[bool, typer.Option("--gz", help="Compress events and history.")] = False,
) -> None:
    """Write a made-up region: calls with surges, weeks of history, reference files and the truth about the surges.

    \b
    Examples:
      groundswell simulate --out region --seed 7
      groundswell simulate --out year --seed 3 --days 365 --gz
    """
    start_ms = _instant(start)
    if out.exists() and any(out.iterdir()):
        raise CliError(f"{out} is not empty; choose another folder", WRONG_USE)
    region, end_ms = demo_region(seed), start_ms + days * DAY_MS
    years = range(_year(start_ms) - 2, _year(end_ms) + 2)
    region.reference_folder(out / "reference", years)
    surges = region.surges(start_ms + LEAD_DAYS * DAY_MS)
    ending = ".ndjson.gz" if gz else ".ndjson"
    with _written(out / f"history{ending}") as file:
        for record in region.history_records(history_weeks, start_ms) if history_weeks else ():
            file.write(encode_record(record) + b"\n")
    with _written(out / f"events{ending}") as file:
        number = write_events(file, region, surges, start_ms, end_ms)
    labels = region.labels(surges, end_ms)
    truth = {"seed": seed, "start": rfc3339(start_ms), "end": rfc3339(end_ms), "surges": labels}
    (out / "labels.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(f"{out}: {number:,} calls in {days} days, {history_weeks} weeks of history, {len(labels)} surges")


def write_events(file: BinaryIO, region: Region, surges: tuple[Surge, ...], start_ms: int, end_ms: int) -> int:
    """Writes calls as NDJSON in order of arrival, with `logged_at`; how many there were."""
    number = 0
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Calls", total=end_ms - start_ms)
        for at, call in region.stream(start_ms, surges=surges, until_ms=end_ms):
            file.write(json.dumps({**call, "logged_at": rfc3339(at)}, separators=(",", ":")).encode() + b"\n")
            number += 1
            if number % 1000 == 0:
                progress.update(task, completed=at - start_ms)
        progress.update(task, completed=end_ms - start_ms)
    return number


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file to write, compressed by its name; the same bytes at any time of day."""
    with path.open("wb") as plain:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0) as packed:
                yield packed  # type: ignore[misc]
        else:
            yield plain


def _year(milliseconds: int) -> int:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).year


def _instant(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"--start {text!r} is not a time such as {START}", WRONG_USE) from None
    if instant.tzinfo is None or not 1990 <= instant.year <= 2100:
        raise CliError("--start needs an offset and a year from 1990 to 2100", WRONG_USE)
    return int(instant.timestamp()) // 3600 * HOUR_MS
