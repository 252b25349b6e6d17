"""Export files on disk: opened with a progress bar, read through a mapping, every error a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from services.cli.errors import FAILED, WRONG_USE, CliError
from services.ingest.sources.errors import BadExport, BadMapping
from services.ingest.sources.mapping import MappedRow, Mapping, load_mapping


def open_mapping(name: str, folder: Path | None) -> Mapping:
    """The mapping of a `--source`; raises CliError (2) when there is none."""
    try:
        return load_mapping(name, folder)
    except BadMapping as error:
        raise CliError(str(error), WRONG_USE) from None


@contextmanager
def opened(path: Path, doing: str) -> Iterator[BinaryIO]:
    """A file with a progress bar on stderr over its bytes.

    Raises:
        CliError: 2, it does not exist or cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file, Progress(*_columns(), console=Console(stderr=True)) as progress:
            task = progress.add_task(f"{doing} {path.name}", total=size)
            yield progress.wrap_file(file, total=size, task_id=task)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CliError(f"{path}: {error.strerror}", WRONG_USE) from None


def _columns() -> tuple[ProgressColumn, ...]:
    return TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn(), TimeRemainingColumn()


def check(mapping: Mapping, path: Path) -> None:
    """Looks at the beginning of a file, before anything else is started.

    Raises:
        CliError: 2, it is not there; 1, it is empty or has another header.
    """
    try:
        with path.open("rb") as file:
            next(rows(mapping, path, file), None)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CliError(f"{path}: {error.strerror}", WRONG_USE) from None


def rows(mapping: Mapping, path: Path, stream: BinaryIO) -> Iterator[MappedRow]:
    """The rows of a file; raises CliError (1) where nothing more can be read."""
    try:
        yield from mapping.read(stream, file_name=path.name)
    except BadExport as error:
        raise CliError(f"{path.name}: {error}", FAILED) from None
