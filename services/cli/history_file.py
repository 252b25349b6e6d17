"""A file of history records, as `simulate` writes them: what `load --source history` and `backtest --history` read."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from schemas.log_record import BadRecord, History, decode_record
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.export_files import opened


def read_history(path: Path) -> Iterator[History]:
    """The records of a file, one a line, also .gz.

    Raises:
        CliError: 2, it does not exist, or a line is no history record; 1, it ends too early.
    """
    with opened(path, "Reading") as stream:
        lines = gzip.GzipFile(fileobj=stream) if path.suffix == ".gz" else stream
        try:
            for number, line in enumerate(lines, 1):
                yield _record(path, number, line)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise CliError(f"{path.name} is not whole: {error}", FAILED) from None


def _record(path: Path, number: int, line: bytes) -> History:
    try:
        record = decode_record(line)
    except BadRecord as error:
        raise CliError(f"{path.name} line {number} is not a history record: {error}", WRONG_USE) from None
    if not isinstance(record, History):
        raise CliError(f"{path.name} line {number} is not a history record", WRONG_USE)
    return record
