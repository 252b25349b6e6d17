"""`groundswell backup` and `restore`: what the log cannot give back, in one file."""

import json
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from sqlalchemy import make_url

from services.cli import archive
from services.cli.archive import DATABASE, FORM, KEYS, SECRET, About
from services.cli.errors import UNREACHABLE, WRONG_USE, CliError
from services.cli.rebuild import api_answers
from services.runtime.clock import SystemClock, from_ms
from services.runtime.settings import Settings, environment_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OTHER_SECRET = "the secret of the hashes is GROUNDSWELL_ID_SECRET and not in it: keep that as safe as this file"
PG_DUMP = "the database is PostgreSQL: add `pg_dump --format=custom` of it (deploy/README.md)"


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="Written whole or not at all, mode 0600.")],
    as_json: AsJson = False,
) -> None:
    """Save the database, the file of keys and the secret of the hashes; everything may go on running.

    The log itself is not in it: calls come again from the CRM, series and alerts from the log. Whoever has this file
    can link a CRM's ids to hashes on the log: keep it as safe as the server.

    \b
    Examples:
      groundswell backup /backups/groundswell-$(date +%F).tar.gz
    """
    settings = environment_settings()
    database = sqlite_file(settings)
    files = {KEYS: settings.keys(), SECRET: settings.data / SECRET}
    files = {name: path for name, path in files.items() if path.is_file()}
    clock = SystemClock()
    start = clock.monotonic()
    with TemporaryDirectory(prefix=".groundswell-", dir=_folder(file)) as folder:
        if database is not None and database.is_file():
            archive.copy_database(database, Path(folder) / DATABASE)
            files = {DATABASE: Path(folder) / DATABASE, **files}
        if not files:
            raise CliError(f"there is nothing to save in {settings.data}: set GROUNDSWELL_DATA", WRONG_USE)
        made_at = from_ms(clock.now_ms()).isoformat().replace("+00:00", "Z")
        about = About(FORM, settings.space, made_at, version("groundswell"), tuple(files))
        size = archive.write_archive(file, about, files)
    report = {
        "file": str(file),
        "space": settings.space,
        "has": list(files),
        "bytes": size,
        "seconds": round(clock.monotonic() - start, 1),
        "note": "; ".join(_kept_besides(settings, database)),
    }
    _say(report, as_json, f"{file}: {', '.join(files)}; {size:,} bytes in {report['seconds']} s")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar.gz", exists=True, dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    new_log: Annotated[
        bool, typer.Option("--new-log", help="Kafka's log was lost too: begin on an empty one, keep what is known.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back; the API must be stopped. It then folds what the log has from after the backup.

    With --new-log, alerts that were open end with "the log was lost", and the API begins at the new log's start; load
    the CRM's history (`groundswell load`) so that the detector starts warm, and send again what came since.

    \b
    Examples:
      groundswell restore /backups/groundswell-2026-07-01.tar.gz
      groundswell restore /backups/groundswell-2026-07-01.tar.gz --force --new-log
    """
    settings = environment_settings()
    if api_answers(settings):
        raise CliError(f"the API answers on port {settings.api_port}; stop it first, then restore", WRONG_USE)
    about = archive.read_about(file)
    if about.space != settings.space:
        raise CliError(f"the backup is of space {about.space}; set GROUNDSWELL_SPACE={about.space}", WRONG_USE)
    targets = _targets(settings, about)
    there = [str(path) for path in targets.values() if path.exists()]
    if there and not force:
        raise CliError(f"{', '.join(there)} is there already; --force replaces it", WRONG_USE)
    settings.data.mkdir(parents=True, exist_ok=True)
    archive.put_back(file, targets)
    ended, deleted = _bring_up_to_date(settings, new_log=new_log)
    report = {
        "restored": list(targets),
        "made_at": about.made_at,
        "alerts_ended": ended,
        "deleted": deleted,
        "note": PG_DUMP.replace("add", "put back") if DATABASE not in targets else "",
    }
    _say(report, as_json, f"restored {', '.join(targets)} as of {about.made_at}; start the services again")


def sqlite_file(settings: Settings) -> Path | None:
    """Where the database's file is; None for PostgreSQL."""
    url = make_url(settings.database())
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _kept_besides(settings: Settings, database: Path | None) -> list[str]:
    """What a backup lacks and somebody has to keep."""
    return [
        *([PG_DUMP] if database is None else []),
        *([OTHER_SECRET] if settings.id_secret is not None else []),
    ]


def _targets(settings: Settings, about: About) -> dict[str, Path]:
    database = sqlite_file(settings)
    known = {DATABASE: database, KEYS: settings.keys(), SECRET: settings.data / SECRET}
    return {name: path for name in about.has if (path := known.get(name)) is not None}


def _bring_up_to_date(settings: Settings, *, new_log: bool) -> tuple[int, dict[str, int]]:
    """Tables of this version, nothing in them that is too old by now; alerts ended, rows deleted by table."""
    from services.api import retention
    from services.api.database import Database, DatabaseAway, WrongDatabase
    from services.api.refold import begin_new_log

    try:
        database = Database(settings.database())
        try:
            database.migrate()
            ended = begin_new_log(database) if new_log else 0
            with database.writing() as connection:
                return ended, retention.apply(connection, SystemClock().now_ms())
        finally:
            database.close()
    except WrongDatabase as error:
        raise CliError(str(error), WRONG_USE) from error
    except DatabaseAway as error:
        raise CliError(str(error), UNREACHABLE) from error


def _folder(file: Path) -> Path:
    if not file.parent.is_dir():
        raise CliError(f"the folder {file.parent} does not exist", WRONG_USE)
    return file.parent


def _say(report: dict[str, Any], as_json: bool, sentence: str) -> None:
    print(json.dumps(report) if as_json else sentence + (f"\n{report['note']}" if report["note"] else ""))
