"""A backup as one file (0600): the database in one consistent piece, the file of keys, the secret of the hashes."""

import contextlib
import gzip
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.errors import FAILED, WRONG_USE, CliError

FORM = 1
DATABASE, KEYS, SECRET, ABOUT = "database.sqlite", "keys.json", "id-secret", "backup.json"
LONGEST_ABOUT = 64 * 1024


@dataclass(frozen=True)
class About:
    """What a backup is of."""

    form: int
    space: str
    made_at: str
    version: str
    has: tuple[str, ...]


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A private folder next to a path, on the same disk; gone at the end."""
    with tempfile.TemporaryDirectory(prefix=".groundswell-", dir=path.parent) as folder:
        yield Path(folder)


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite database while others write to it; checked before it counts.

    Raises:
        CliError: it cannot be read, or the copy is damaged.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reader,
            contextlib.closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer, pages=4096)
            found = writer.execute("PRAGMA integrity_check").fetchone()[0]
            writer.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise CliError(f"{source.name} cannot be copied ({type(error).__name__}): is it a database?", FAILED) from None
    if found != "ok":
        raise CliError(f"{source.name} is damaged: restore an older backup", FAILED)


def write_archive(path: Path, about: About, files: dict[str, Path]) -> int:
    """Write a backup whole or not at all; returns its bytes.

    Args:
        files: name in the backup to where it lies.

    Raises:
        CliError: the folder does not exist.
        OSError: no room, no right.
    """
    if not path.parent.is_dir():
        raise CliError(f"the folder {path.parent} does not exist", WRONG_USE)
    with _beside(path) as folder:
        packed = folder / "backup.tar.gz"
        with (
            os.fdopen(os.open(packed, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out,
            tarfile.open(fileobj=out, mode="w:gz") as tar,
        ):
            _add(tar, ABOUT, json.dumps(asdict(about)).encode())
            for name, file in files.items():
                tar.add(file, arcname=name, recursive=False, filter=_plain)
            tar.close()
            out.flush()
            os.fsync(out.fileno())
        packed.replace(path)
    return path.stat().st_size


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(body), 0o600
    tar.addfile(info, io.BytesIO(body))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mode, info.uid, info.gid, info.uname, info.gname = 0o600, 0, 0, "", ""
    return info


def read_about(path: Path) -> About:
    """What a backup says of itself.

    Raises:
        CliError: it is none, or of a later form.
    """
    with opened(path) as tar:
        body = _body(tar, ABOUT, LONGEST_ABOUT)
    try:
        about = About(**json.loads(body))
    except (TypeError, ValueError):
        raise _not_one(path) from None
    if about.form != FORM:
        raise CliError(f"{path.name} is of a newer Groundswell: restore it with that", WRONG_USE)
    return about


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """A backup that is open for reading; raises CliError when it is none, cut short or damaged."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            yield tar
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError):
        raise _not_one(path) from None


def put_back(file: Path, targets: dict[str, Path]) -> None:
    """Put files of a backup, private, in place of what lies there, once all of them have been read whole.

    Args:
        targets: name in the backup to where it belongs.

    Raises:
        CliError: the backup is damaged or lacks one; nothing was changed.
        OSError: no room, no right.
    """
    with contextlib.ExitStack() as folders:
        fresh: dict[str, Path] = {}
        for name, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh[name] = folders.enter_context(_beside(target)) / name
        with opened(file) as tar:
            _check(file)
            for name, path in fresh.items():
                _take_out(tar, name, path)
        for name, target in targets.items():
            if name == DATABASE:  # what is left of the old one is not this one's
                for ending in ("-wal", "-shm"):
                    target.with_name(target.name + ending).unlink(missing_ok=True)
            fresh[name].replace(target)


def _check(file: Path) -> None:
    """Read to the end, where the checksum stands."""
    with gzip.open(file) as packed:
        while packed.read(1024 * 1024):
            pass


def _take_out(tar: tarfile.TarFile, name: str, target: Path) -> None:
    found = _member(tar, name)
    with os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out:
        while piece := found.read(1024 * 1024):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _body(tar: tarfile.TarFile, name: str, most: int) -> bytes:
    return _member(tar, name).read(most)


def _member(tar: tarfile.TarFile, name: str) -> io.BufferedReader:
    try:
        info = tar.getmember(name)
    except KeyError:
        raise CliError(f"the backup has no {name}", WRONG_USE) from None
    found = tar.extractfile(info) if info.isreg() else None
    if found is None:
        raise CliError(f"the backup has no {name}", WRONG_USE)
    return found  # type: ignore[return-value]  # typeshed says IO[bytes]; it is a BufferedReader


def _not_one(path: Path) -> CliError:
    return CliError(f"{path.name} is no backup of Groundswell, or it is damaged or cut short", WRONG_USE)
