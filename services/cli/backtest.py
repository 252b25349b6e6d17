"""`groundswell backtest`: the worker's own fold over past calls or counts, in process and without Kafka."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from schemas.alert import Alert
from schemas.codec import Refusal, convert_stamped_call
from schemas.reference import Reference
from schemas.reference_files import read_reference
from services.cli.backtest_compare import compare as compare_detectors
from services.cli.backtest_table import make_table
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.export_files import open_mapping, opened, rows
from services.cli.summary import Refusals
from services.ingest.ids import Hasher
from services.ingest.sources.mapping import MappedRow
from services.ingest.translation import Accepted, Translator
from services.runtime.access import Identity

EVERY = ("1h", "5m")
_ONLY_IN_MEMORY = Hasher(b"ids of a backtest stay in memory")


def backtest(
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="Calls in order of arrival; .gz too.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME|call-event", help="The mapping of the file.")] = None,
    reference: Annotated[Path | None, typer.Option(metavar="DIR", help="areas.csv, needs.csv, …")] = None,
    alerts: Annotated[Path | None, typer.Option(metavar="OUT.ndjson", help="One line for each version.")] = None,
    budget: Annotated[float, typer.Option(min=0.001, help="Chance alerts a week per home area.")] = 3.0,
    counts: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="counts.parquet, meta.json, areas.csv, …")
    ] = None,
    scores: Annotated[Path | None, typer.Option(metavar="OUT.parquet", help="time, area, need, score.")] = None,
    every: Annotated[str, typer.Option(metavar="|".join(EVERY), help="How often a score is given.")] = "1h",
    detector: Annotated[
        str, typer.Option(metavar="NAME", help="Whose scores; a wrong name lists all.")
    ] = "groundswell",
    min_score: Annotated[
        float | None, typer.Option(help="Rows below it are left out (groundswell: 2; others have their own).")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="One table of detectors at the same false alarms.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option(metavar="OUT.json", help="Make the table of rarity from --counts and --truth.")
    ] = None,
    truth: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="truth.json of each --counts.")] = None,
    calibrate: Annotated[
        int | None, typer.Option(metavar="N", help="The first N --counts set the thresholds (half of them).")
    ] = None,
    detectors: Annotated[str | None, typer.Option(metavar="A,B", help="Which ones to compare (all).")] = None,
    false_alarms: Annotated[
        list[float] | None, typer.Option(min=0.0, help="Budgets per series-week (0.01 and 0.003).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary or table as JSON.")] = False,
) -> None:
    """Run the detector over past calls (--events) or counts (--counts), without Kafka.

    With --compare, off-the-shelf detectors get the same counts. With --truth the thresholds are set on the series
    without surges of the first folders and tried on the others; without, all alarm equally often on the folders
    themselves, and the table says how far they alarm at the same. The river ones take minutes.

    \b
    Examples:
      groundswell backtest --events calls.ndjson.gz --source call-event --reference region --alerts out.ndjson
      groundswell backtest --events boston.csv.gz --source boston311 --reference boston --alerts out.ndjson --budget 1
      groundswell backtest --counts counts --scores scores.parquet --every 5m --min-score 4
      groundswell backtest --counts counts --scores scores.parquet --detector ears-c2
      groundswell backtest --compare --counts sim1 --truth truth1 --counts sim2 --truth truth2
      groundswell backtest --table rarity_table.json --counts sim1 --truth truth1 --counts sim2 --truth truth2
      groundswell backtest --compare --counts city --detectors groundswell,ears-c2,farrington
    """
    folders = counts or []
    if (events is None) != bool(folders):
        raise CliError("say either --events FILE or --counts DIR", WRONG_USE)
    _numbers({"--budget": [budget], "--min-score": [min_score], "--false-alarms": false_alarms or []})
    if every not in EVERY:
        raise CliError(f"--every is one of {', '.join(EVERY)}", WRONG_USE)
    if table is not None:
        print(make_table(folders, truth or [], _writable(table)))
        return
    if compare:
        if events is not None or scores is not None:
            raise CliError("--compare takes --counts and prints a table: no --events, no --scores", WRONG_USE)
        print(
            compare_detectors(
                folders,
                truth or [],
                calibrate=calibrate,
                detectors=detectors,
                budgets=false_alarms or [],
                fine=every == "5m",
                as_json=as_json,
            )
        )
        return
    if events is not None:
        if source is None or reference is None or alerts is None:
            raise CliError("--events needs --source, --reference and --alerts", WRONG_USE)
        summary = over_events(events, source, reference, alerts, budget)
    else:
        if scores is None or len(folders) != 1:
            raise CliError("one --counts and --scores, or --compare", WRONG_USE)
        summary = over_counts(folders[0], scores, every=every, detector=detector, min_score=min_score)
    print(json.dumps(summary) if as_json else ", ".join(f"{name} {value}" for name, value in summary.items()))


def _numbers(options: dict[str, list[Any]]) -> None:
    for name, values in options.items():
        for value in values:
            if value is not None and not math.isfinite(value):
                raise CliError(f"{name} {value} is no number to compare with; give a finite one", WRONG_USE)


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


def over_counts(counts: Path, scores: Path, *, every: str, detector: str, min_score: float | None) -> dict[str, Any]:
    """Writes the scores of every leaf series; the summary: `added_up` rows of counts shared their series' interval.

    Raises:
        CliError: status 2, a folder or name that is none.
    """
    from services.detector.backtest.comparators.registry import UnknownDetector
    from services.detector.backtest.comparison import all_rows
    from services.detector.backtest.counts_folder import BadCounts, read_counts
    from services.detector.backtest.rows import write_rows

    path = _writable(scores)
    try:
        table = read_counts(counts)
        rows = all_rows(detector, table, fine=every == "5m", least=min_score)
    except (BadCounts, UnknownDetector) as error:
        raise CliError(str(error), WRONG_USE) from None
    write_rows(table, rows, path)
    return {
        "detector": detector,
        "series": len(table.names),
        "rows": len(rows.series),
        "added_up": table.added_up,
    }


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
