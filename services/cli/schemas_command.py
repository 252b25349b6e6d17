"""`groundswell schemas`: hand out the contracts, and check files against them."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from schemas.contracts import CONTRACTS, Contract
from schemas.documents.generate import documents, shipped
from schemas.refusal import Refusal
from services.cli.errors import WRONG_USE, CliError

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Export the contracts, check files against them.")

SHOWN = 20
MAX_LINE_BYTES = 16 * 1024 * 1024
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Wrong:
    """One message that does not fit."""

    file: str
    line: int
    field: str
    reason: str


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made when it is missing.")],
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Generate from the code instead of copying what the package ships.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write JSON Schema, AsyncAPI and OpenAPI documents into a folder.

    \b
    Examples:
      groundswell schemas export contracts/
      groundswell schemas export --fresh schemas/documents/generated    after a change of a contract
    """
    files = _fresh() if fresh else shipped()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sorted(files.items()):
        (folder / name).write_text(text, encoding="utf-8")
    if as_json:
        print(json.dumps({"folder": str(folder), "files": sorted(files)}))
    else:
        print(f"{len(files)} documents written to {folder}.")


def _fresh() -> dict[str, str]:
    from services.cli.http_documents import http_documents  # needs the packages of the services

    return {**documents(), **http_documents()}


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="NDJSON or JSON, also .gz.")],
    contract: Annotated[str, typer.Option("--as", metavar="CONTRACT", help="What the messages are.")] = "call-event",
    as_json: AsJson = False,
) -> None:
    """Check messages against a contract; status 1 when one does not fit. Values are never shown.

    \b
    Examples:
      groundswell schemas check calls.ndjson
      groundswell schemas check --as log-record log.ndjson.gz
    """
    known = CONTRACTS.get(contract)
    if known is None:
        raise CliError(f"{contract} is not a contract; known are {', '.join(CONTRACTS)}", WRONG_USE)
    checked, wrong = 0, []
    for file in files:
        for line, text in messages(file):
            checked += 1
            wrong += verdict(known, str(file), line, text)
    _report(checked, wrong, known.name, as_json=as_json)
    if wrong:
        raise typer.Exit(1)


def _report(checked: int, wrong: list[Wrong], contract: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"contract": contract, "checked": checked, "wrong": [asdict(one) for one in wrong]}))
        return
    for one in wrong[:SHOWN]:
        print(f"{one.file}:{one.line}: {one.field} {one.reason}")
    if len(wrong) > SHOWN:
        print(f"… and {len(wrong) - SHOWN} more; --json lists them all.")
    print(f"{checked} checked as {contract}, {len(wrong)} do not fit." if wrong else f"{checked} fit {contract}.")


def verdict(contract: Contract, file: str, line: int, text: bytes) -> list[Wrong]:
    """What is wrong with one message; empty when it fits."""
    try:
        contract.check(text)
    except Refusal as refusal:
        return [Wrong(file, line, refusal.field, refusal.reason)]
    return []


def messages(file: Path) -> Iterator[tuple[int, bytes]]:
    """Line number and text of each message: the whole file when it is one JSON document, else line by line.

    Raises:
        CliError: the file is not there, is cut off, or holds a line too long for a message.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            first = lines.readline(MAX_LINE_BYTES)
            if ".json" in file.suffixes and not _is_whole(first):
                yield 1, first + lines.read(MAX_LINE_BYTES)
                return
            line = 1
            while first:
                if len(first) == MAX_LINE_BYTES:
                    raise CliError(f"{file} line {line} is longer than {MAX_LINE_BYTES >> 20} MiB; is it NDJSON?")
                if first.strip():
                    yield line, first
                first, line = lines.readline(MAX_LINE_BYTES), line + 1
    except FileNotFoundError:
        raise CliError(f"{file} does not exist", WRONG_USE) from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise CliError(f"{file} is not a whole gzip file; what came before its end was checked") from None


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
