"""`groundswell shadow`: what another budget, or this version, would have told on the live log; nothing is written."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.alert import Alert
from schemas.reference import Reference
from schemas.topics import ALERTS
from services.cli.differences import compare
from services.cli.errors import WRONG_USE, CliError
from services.cli.log_tail import require_kafka
from services.cli.topic_state import existing_topics
from services.runtime.clock import SystemClock, from_ms
from services.runtime.kafka import read_each
from services.runtime.settings import Settings, environment_settings


def shadow(
    budget: Annotated[
        float | None, typer.Option(min=0.1, max=1000, help="Alerts by chance a week to try, for every home area.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.01, help="Compare alerts of so many days up to the log's end.")] = 7.0,
    out: Annotated[Path | None, typer.Option(metavar="OUT.ndjson", help="Every version it would have told.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run this version of the detector over the live log, read only, and list what it tells otherwise.

    Reads the log, folds it in this process and compares with alerts.v1: gained, lost, and moved (another node, moment
    or severity). Nothing is written to Kafka, so it may run at any time, with a version that is not installed yet. It
    begins as after `rebuild`: how late feeds post is learned anew, so its first day counts for little.

    \b
    Examples:
      groundswell shadow --budget 1
      groundswell shadow --days 14 --json
      new-version/bin/groundswell shadow --out would-have-told.ndjson
    """
    settings = environment_settings()
    report = run_shadow(settings, budget, timedelta(days=days), out)
    print(json.dumps(report) if as_json else "\n".join(_lines(report)))


def run_shadow(settings: Settings, budget: float | None, span: timedelta, out: Path | None) -> dict[str, Any]:
    """The same as a function.

    Raises:
        CliError: the space is not there.
        KafkaAway: no Kafka.
    """
    from services.detector.shadow import open_shadow
    from services.detector.space import SpaceProblem

    require_kafka(settings)
    clock = SystemClock()
    begin = clock.monotonic()
    try:
        run = open_shadow(settings, clock, budget)
    except SpaceProblem as error:
        raise CliError(str(error), WRONG_USE) from error
    told = _newest(_written(run.alerts(), out))
    since = from_ms(run.log_time) - span
    found = compare(
        (one for one in _newest(_said(settings)).values() if one.raised_at >= since),
        (one for one in told.values() if one.raised_at >= since),
        *_paths(run.references(run.config.reference)),
    )
    return {
        "space": settings.space,
        "budget_per_week": budget,
        "since": since.isoformat().replace("+00:00", "Z"),
        "records": run.records,
        "seconds": round(clock.monotonic() - begin, 1),
        **found.as_dict(),
    }


def _written(alerts: Iterable[Alert], out: Path | None) -> Iterable[Alert]:
    if out is None:
        yield from alerts
        return
    if not out.parent.is_dir():
        raise CliError(f"the folder {out.parent} does not exist", WRONG_USE)
    with out.open("w", encoding="utf-8") as lines:
        for one in alerts:
            lines.write(one.model_dump_json() + "\n")
            yield one


def _said(settings: Settings) -> Iterable[Alert]:
    """What the detector that works has told."""
    topic = ALERTS.in_space(settings.space)
    for partition in range(existing_topics(settings).get(topic, 0)):
        for record in read_each(settings, topic, partition):
            if record.value is not None:
                yield Alert.model_validate_json(record.value, extra="ignore")


def _newest(alerts: Iterable[Alert]) -> dict[str, Alert]:
    newest: dict[str, Alert] = {}
    for one in alerts:
        if one.id not in newest or newest[one.id].version <= one.version:
            newest[one.id] = one
    return newest


def _paths(reference: Reference) -> tuple[Any, Any]:
    def needs(code: str) -> tuple[str, ...]:
        path = [code]
        while (need := reference.need_by_code.get(path[-1])) is not None and need.parent:
            path.append(need.parent)
        return tuple(path)

    def areas(code: str) -> tuple[str, ...]:
        return reference.area_path(code) if code in reference.area_by_code else (code,)

    return needs, areas


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [
        f"{report['records']:,} records in {report['seconds']} s; alerts raised since {report['since']}",
        f"{report['same']} alike, {len(report['gained'])} gained, {len(report['lost'])} lost, "
        f"{len(report['moved'])} moved",
    ]
    for word in ("gained", "lost"):
        lines += [f"{word:7} {_line(one)}" for one in report[word]]
    for one in report["moved"]:
        lines.append(f"moved   {_line(one['before'])}")
        lines.append(f"     to {_line(one['after'])} ({one['later_minutes']:+d} min)")
    return lines


def _line(one: dict[str, Any]) -> str:
    node = f"{one['need'] or one['kind']} in {one['area']}"
    return f"{one['raised_at']} {one['severity']:9} {node} (budget {one['budget_needed']:.2g}): {one['headline']}"
