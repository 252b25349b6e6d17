"""`groundswell backtest`: the worker's own fold over past calls or counts, in process and without Kafka."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.backtest_compare import compare as compare_detectors
from services.cli.backtest_events import Replayed, over_events
from services.cli.backtest_table import make_table
from services.cli.errors import WRONG_USE, CliError

EVERY = ("1h", "5m")


def backtest(
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="Calls in order of arrival; .gz too.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME|call-event", help="The mapping of the file.")] = None,
    reference: Annotated[Path | None, typer.Option(metavar="DIR", help="areas.csv, needs.csv, …")] = None,
    alerts: Annotated[Path | None, typer.Option(metavar="OUT.ndjson", help="One line for each version.")] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Hourly counts before the calls: history.ndjson of `simulate`."),
    ] = None,
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

    The first two weeks of calls only teach what is usual: nothing is watched in them, and alerts a week are those of
    the time after them. With --history the detector has learned before the first call.

    With --compare, off-the-shelf detectors get the same counts. With --truth the thresholds are set on the series
    without surges of the first folders and tried on the others; without, all alarm equally often on the folders
    themselves, and the table says how far they alarm at the same. The river ones take minutes.

    \b
    Examples:
      groundswell backtest --events calls.ndjson.gz --source call-event --reference region --alerts out.ndjson
      groundswell backtest --events boston.csv.gz --source boston311 --reference boston --alerts out.ndjson --budget 1
      groundswell backtest --events region/events.ndjson --source call-event --reference region/reference \\
        --history region/history.ndjson --alerts out.ndjson
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
        needed = {"--source": source, "--reference": reference, "--alerts": alerts}
        missing = [name for name, value in needed.items() if value is None]
        if source is None or reference is None or alerts is None:
            raise CliError(f"--events needs {' and '.join(missing)} too", WRONG_USE)
        replayed = over_events(events, source, reference, _writable(alerts), budget=budget, history=history or [])
        summary = replayed.summary()
        _say_what_was_not_watched(replayed)
    else:
        if history:
            raise CliError("--history goes with --events; a folder of counts holds its own past", WRONG_USE)
        if scores is None or len(folders) != 1:
            raise CliError("one --counts and --scores, or --compare", WRONG_USE)
        summary = over_counts(folders[0], scores, every=every, detector=detector, min_score=min_score)
    told = (f"{name} {'-' if value is None else value}" for name, value in summary.items())
    print(json.dumps(summary) if as_json else ", ".join(told))


def _numbers(options: dict[str, list[Any]]) -> None:
    for name, values in options.items():
        for value in values:
            if value is not None and not math.isfinite(value):
                raise CliError(f"{name} {value} is no number to compare with; give a finite one", WRONG_USE)


def _say_what_was_not_watched(replayed: Replayed) -> None:
    sentence = replayed.not_watched()
    if sentence:
        print(f"groundswell: {sentence}", file=sys.stderr)


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


def _writable(path: Path) -> Path:
    if not path.parent.is_dir():
        raise CliError(f"the folder {path.parent} does not exist", WRONG_USE)
    return path
