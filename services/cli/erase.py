"""`groundswell erase`: take out what one source brought, as far as it can be, and say what was done and what stays."""

import json
import re
import threading
from collections.abc import Callable
from typing import Annotated, Any

import typer

from schemas.codes import SOURCE_PATTERN
from schemas.topics import COUNTS
from services.cli.erasing import OnTheLog, look, rewrite_counts, stays_until, take_back
from services.cli.errors import UNREACHABLE, WRONG_USE, CliError
from services.cli.log_tail import require_kafka
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock, from_ms
from services.runtime.kafka import ReliableProducer, read_each
from services.runtime.settings import Settings, environment_settings

LARGEST_RECORD = 15 * 1024 * 1024
REVOKED_SECONDS = 5.0
"""After so long a revoked key works nowhere."""
AGAIN = (
    "until its last call has left the log, run this again after every `groundswell rebuild`: "
    "a replay of the log writes sealed hours with the source again"
)
STAYS = (
    "sums of series and alerts in which its calls are one part of several sources' (no source is told apart in them)",
    "hourly counts of caller groups on callers.v1, which name no source",
    "its name in the audit and in the reference files that the operator keeps",
)


def erase(
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="As in its ingest key.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take out what one source brought; the detector must be stopped. Doing it twice changes nothing more.

    Its keys are revoked; its counts leave the sealed hours (counts.v1) for good; a control on the log lets the
    detector, at its next start, take its calls out of counts, model and the charts of the last days; what the database
    counted by source is deleted. Calls themselves hold no id that anybody could read (a keyed hash), and leave the log
    after its 30 days: the report says when. Until then run it again after every rebuild, because a replay of the log
    writes sealed hours with the source again.

    \b
    Examples:
      groundswell erase --source old-crm
      GROUNDSWELL_SPACE=replay groundswell erase --source old-crm --json
    """
    if not re.fullmatch(SOURCE_PATTERN, source):
        raise CliError("a source is a slug of small letters, digits and hyphens, at most 63 long", WRONG_USE)
    report = erase_source(environment_settings(), source, threading.Event().wait)
    print(json.dumps(report) if as_json else "\n".join(_lines(report)))


def erase_source(settings: Settings, source: str, pause: Callable[[float], object]) -> dict[str, Any]:
    """The same as a function; what it changed, and what stays.

    Args:
        pause: waits these seconds, so that nothing comes with a revoked key after the log was looked at.

    Raises:
        CliError: a detector runs, the space is not there, or the database is away.
        KafkaProblem: Kafka is away or refuses.
    """
    from services.detector import rebuild as detector
    from services.detector.space import SpaceProblem, wait_for_space

    require_kafka(settings)
    clock = SystemClock()
    try:
        config = wait_for_space(settings, clock, 0.0)
        detector.require_nobody(settings)
    except (detector.WorkersRunning, SpaceProblem) as error:
        raise CliError(str(error).replace("then rebuild", "then erase"), WRONG_USE) from error
    revoked = _revoke(settings, source)
    if revoked:
        pause(REVOKED_SECONDS)
    database = _database(settings, source)
    seen = [look(_calls(settings, number), source) for number in range(config.partitions)]
    homes = _homes_to_tell(settings, seen)
    topic = COUNTS.in_space(settings.space)
    with ReliableProducer(settings, clock, limits={topic: LARGEST_RECORD}) as producer:
        log_time = max((one.log_time for one in seen), default=0)
        take_back(producer, settings, source, homes, log_time)
        done = [rewrite_counts(producer, settings, source, number) for number in range(config.partitions)]
    until = stays_until(max((one.newest_ms for one in seen), default=0))
    return {
        "source": source,
        "space": settings.space,
        "keys_revoked": revoked,
        "retracted": homes,
        "sealed_hours": sum(one.hours for one in done),
        "cells": sum(one.cells for one in done),
        "database": database,
        "stays": {
            "calls": sum(one.calls for one in seen),
            "histories": sum(one.histories for one in seen),
            "until": None if until is None else from_ms(until).isoformat().replace("+00:00", "Z"),
            "besides": list(STAYS),
        },
        "note": AGAIN if until else "",
    }


def _calls(settings: Settings, partition: int) -> Any:
    from schemas.topics import CALLS

    return read_each(settings, CALLS.in_space(settings.space), partition)


def _homes_to_tell(settings: Settings, seen: list[OnTheLog]) -> list[str]:
    """Home areas that an earlier run has not told since the source's last call; none when the log has nothing of it."""
    from schemas.reference import decode_reference
    from services.ingest.bootstrap import read_space

    config, bodies = read_space(settings)
    if config is None or not any(one.calls or one.histories for one in seen):
        return []
    told = set().union(*(one.taken_back for one in seen))
    return sorted(set(decode_reference(bodies[config.reference]).home_areas) - told)


def _revoke(settings: Settings, source: str) -> list[str]:
    keys = KeyStore(settings.keys())
    found = [one.id for one in keys.list() if one.role == "ingest" and one.source == source]
    for one in found:
        keys.revoke(one)
    return found


def _database(settings: Settings, source: str) -> dict[str, int]:
    from services.api.database import Database, DatabaseAway, WrongDatabase
    from services.api.erasing import forget_source

    if settings.database_url is None and not (settings.data / f"{settings.space}.sqlite").exists():
        return {}
    try:
        found = Database(settings.database())
    except WrongDatabase as error:
        raise CliError(str(error), WRONG_USE) from error
    try:
        found.migrate()
        return forget_source(found, source)
    except DatabaseAway as error:
        raise CliError(str(error), UNREACHABLE) from error
    finally:
        found.close()


def _lines(report: dict[str, Any]) -> list[str]:
    stays = report["stays"]
    rows = ", ".join(f"{rows:,} rows of {name}" for name, rows in report["database"].items() if rows)
    return [
        f"keys revoked: {', '.join(report['keys_revoked']) or 'none'}",
        f"sealed hours without it now: {report['sealed_hours']:,} ({report['cells']:,} cells)",
        f"home areas told to take its calls back: {', '.join(report['retracted']) or 'none'}",
        f"database: {rows or 'nothing'}",
        f"stays: {stays['calls']:,} calls and {stays['histories']:,} history records on the log"
        + (f", the last until {stays['until']}" if stays["until"] else ""),
        *(f"stays: {one}" for one in stays["besides"]),
        *([f"again: {report['note']}"] if report["note"] else []),
        "Start the detector: it takes the calls out of its counts and its model.",
    ]
