"""`groundswell backtest`: the worker's own fold over past calls or counts, in process and without Kafka."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from schemas.alert import Alert
from schemas.codec import Refusal, convert_stamped_call
from schemas.reference import Reference
from schemas.reference_files import read_reference
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.export_files import open_mapping, opened, rows
from services.cli.summary import Refusals
from services.ingest.ids import Hasher
from services.ingest.sources.mapping import MappedRow
from services.ingest.translation import Accepted, Translator
from services.runtime.access import Identity

EVERY = ("1h", "5m")
OWN = "groundswell"
_ONLY_IN_MEMORY = Hasher(b"ids of a backtest stay in memory")


def backtest(
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="Calls in order of arrival; .gz too.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME|call-event", help="The mapping of the file.")] = None,
    reference: Annotated[Path | None, typer.Option(metavar="DIR", help="areas.csv, needs.csv, …")] = None,
    alerts: Annotated[Path | None, typer.Option(metavar="OUT.ndjson", help="One line for each version.")] = None,
    budget: Annotated[float, typer.Option(min=0.001, help="Chance alerts a week per home area.")] = 3.0,
    counts: Annotated[Path | None, typer.Option(metavar="DIR", help="counts.parquet, meta.json, areas.csv, …")] = None,
    scores: Annotated[Path | None, typer.Option(metavar="OUT.parquet", help="time, area, need, score.")] = None,
    every: Annotated[str, typer.Option(metavar="|".join(EVERY), help="How often a score is given.")] = "1h",
    detector: Annotated[str, typer.Option(metavar="NAME", help="Whose scores.")] = OWN,
    min_score: Annotated[float, typer.Option(help="Rows below it are left out.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run the detector over past calls (--events) or counts (--counts), without Kafka.

    \b
    Examples:
      groundswell backtest --events calls.ndjson.gz --source call-event --reference region --alerts out.ndjson
      groundswell backtest --events boston.csv.gz --source boston311 --reference boston --alerts out.ndjson --budget 1
      groundswell backtest --counts counts --scores scores.parquet --every 5m --min-score 4
    """
    if (events is None) == (counts is None):
        raise CliError("say either --events FILE or --counts DIR", WRONG_USE)
    if events is not None:
        if source is None or reference is None or alerts is None:
            raise CliError("--events needs --source, --reference and --alerts", WRONG_USE)
        summary = over_events(events, source, reference, alerts, budget)
    else:
        if counts is None or scores is None:
            raise CliError("--counts needs --scores", WRONG_USE)
        summary = over_counts(counts, scores, every=every, detector=detector, min_score=min_score)
    print(json.dumps(summary) if as_json else ", ".join(f"{name} {value}" for name, value in summary.items()))


def over_events(events: Path, source: str, reference: Path, alerts: Path, budget: float) -> dict[str, Any]:
    """Writes every version of every alert; the summary.

    Raises:
        CliError: the file cannot be read to its end, or holds no call.
        BadReference: a reference file is wrong.
    """
    from services.detector.backtest.events import run_events

    body, mapping, refusals = read_reference(reference), open_mapping(source, reference), Refusals()
    calls = Counted()
    last: dict[str, Alert] = {}
    versions = 0
    with opened(events, "Replaying") as stream, _writable(alerts).open("w", encoding="utf-8") as out:
        told = calls.through(as_calls(rows(mapping, events, stream), body, refusals))
        for alert in run_events(told, body, budget):
            out.write(alert.model_dump_json() + "\n")
            last[alert.id] = alert
            versions += 1
    if calls.number == 0:
        raise CliError(f"{events.name} holds no call that can be used: {refusals.sentence()}", FAILED)
    weeks = calls.weeks()
    return {
        "calls": calls.number,
        "refused": refusals.total,
        "weeks": round(weeks, 1),
        "alerts": len(last),
        "alerts_per_week": round(len(last) / weeks, 2),
        "versions": versions,
    }


def over_counts(counts: Path, scores: Path, *, every: str, detector: str, min_score: float) -> dict[str, Any]:
    """Writes the scores of every leaf series; the summary.

    Raises:
        CliError: status 2, a folder or name that is none.
    """
    from services.detector.backtest.counts import BadCounts, read_counts, write_scores

    if every not in EVERY:
        raise CliError(f"--every is one of {', '.join(EVERY)}", WRONG_USE)
    if detector != OWN:
        raise CliError(f"there is no detector {detector}; there is {OWN}", WRONG_USE)
    try:
        table = read_counts(counts)
    except BadCounts as error:
        raise CliError(str(error), WRONG_USE) from None
    number = write_scores(table, _writable(scores), every=every, min_score=min_score)
    return {"series": len(table.names), "rows": number}


class Counted:
    """How many calls went through, and over how long."""

    def __init__(self) -> None:
        self.number = 0
        self._first = self._last = 0

    def through(self, calls: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The calls as they are."""
        for call in calls:
            time = call["time"]
            self._first, self._last = min(self._first or time, time), max(self._last, time)
            self.number += 1
            yield call

    def weeks(self) -> float:
        """From the first to the last call; at least an hour."""
        return max(3_600_000, self._last - self._first) / (7 * 86_400_000)


def as_calls(mapped: Iterable[MappedRow], reference: Reference, refusals: Refusals) -> Iterator[dict[str, Any]]:
    """Calls as ingest would put them on the log: crosswalked, placed, checked; what it would refuse is counted."""
    translator = Translator(reference, _ONLY_IN_MEMORY)
    for row in mapped:
        if row.problem is not None:
            refusals.add(row.problem.field, row.problem.reason)
            continue
        try:
            accepted = _translated(translator, row)
        except Refusal as error:
            refusals.add(error.field, error.reason)
            continue
        call: dict[str, Any] = msgspec.to_builtins(accepted.call)
        yield call if accepted.logged_at is None else call | {"logged_at": accepted.logged_at}


def _translated(translator: Translator, row: MappedRow) -> Accepted:
    call = convert_stamped_call(row.item())
    return translator.translate(call, Identity("backtest", "backtest", "ingest", call.source, totals=True), None)


def _writable(path: Path) -> Path:
    if not path.parent.is_dir():
        raise CliError(f"the folder {path.parent} does not exist", WRONG_USE)
    return path
