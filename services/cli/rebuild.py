"""`groundswell rebuild`: learn again from what the log and `counts.v1` still hold, or fold the database again."""

import json
import urllib.request
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import UNREACHABLE, WRONG_USE, CliError
from services.runtime.clock import SystemClock
from services.runtime.settings import Settings, environment_settings

if TYPE_CHECKING:
    from services.detector.rebuild import Rebuilt

ANSWER_SECONDS = 2.0


def rebuild(
    database: Annotated[
        bool, typer.Option("--database", help="Fold the database again instead: the API must be stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Learn again from the sealed counts and the loaded history, into new snapshots; the detector must be stopped.

    Afterwards the detector's next start replays the calls that the log still holds, with a model that knows what came
    before them. History that was loaded too late counts from then on.

    With --database everything that came from the log is taken out of the database, and the API's next start folds it
    again; what people did stays.

    \b
    Examples:
      groundswell rebuild
      GROUNDSWELL_SPACE=replay groundswell rebuild --json
      groundswell rebuild --database
    """
    settings = environment_settings()
    if database:
        _refold(settings, as_json=as_json)
    else:
        _relearn(settings, as_json=as_json)


def _relearn(settings: Settings, *, as_json: bool) -> None:
    from services.detector import rebuild as detector
    from services.detector.space import SpaceProblem

    done = []
    try:
        for one in detector.rebuild(settings, SystemClock()):
            done.append(one)
            if not as_json:
                print(_sentence(one))
    except (detector.WorkersRunning, SpaceProblem) as error:
        raise CliError(str(error), WRONG_USE) from error
    if as_json:
        print(json.dumps({"space": settings.space, "partitions": [asdict(one) for one in done]}))
    else:
        print("Start the detector: it replays the log from there.")


def _sentence(one: "Rebuilt") -> str:
    homes = [
        f"{home.home_area} from {home.sealed_hours:,} sealed hours and {home.history_records:,} history records"
        for home in one.homes
    ]
    return (
        f"partition {one.partition}: {', '.join(homes) or 'nothing from before the log'}; "
        f"{one.end_offset - one.next_offset:,} records to replay from offset {one.next_offset:,}; "
        f"{one.removed:,} records of older snapshots removed"
    )


def _refold(settings: Settings, *, as_json: bool) -> None:
    from services.api.database import Database, DatabaseAway, WrongDatabase
    from services.api.refold import refold

    if api_answers(settings):
        raise CliError(
            f"the API answers on port {settings.api_port}; stop every API of this database first, then rebuild",
            WRONG_USE,
        )
    try:
        found = Database(settings.database())
    except WrongDatabase as error:
        raise CliError(str(error), WRONG_USE) from error
    try:
        found.migrate()
        forgotten = refold(found)
    except DatabaseAway as error:
        raise CliError(str(error), UNREACHABLE) from error
    finally:
        found.close()
    if as_json:
        print(json.dumps({"space": settings.space, "forgotten": forgotten}))
    else:
        rows = ", ".join(f"{number:,} {name}" for name, number in forgotten.items() if number)
        print(f"Forgotten: {rows or 'nothing, the database was empty'}. Start the API: it folds the log again.")


def api_answers(settings: Settings) -> bool:
    """Whether an API of this machine is alive."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.api_port}/health/live", timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
