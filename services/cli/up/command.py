"""`groundswell up`: everything in one terminal."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.reference import Reference
from services.cli.ports import refuse_taken
from services.cli.up.folder import locked
from services.cli.up.layout import Layout, Options, plan
from services.cli.up.orphans import refuse_running
from services.cli.up.stopping import StopRequest, stop_on_signals
from services.cli.up.supervisor import Stopped
from services.runtime.clock import SystemClock
from services.runtime.settings import environment_settings


def up(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keeps log, database and keys.  [default: groundswell-data]")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Use this Kafka instead of starting one.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="A demo in the exercise space, or the live space, empty.")
    ] = True,
    port_base: Annotated[
        int | None,
        typer.Option(
            min=0, max=65000, help="Page here, ingest, detector and Kafka on the next three; 0: any free ports."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, max=3600, help="How many times as fast as the wall clock the demo runs.")
    ] = 240.0,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up region, at the first start in a folder.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="When ready print one line of JSON; the rest goes to stderr.")
    ] = False,
) -> None:
    """Start everything in one terminal: Kafka, ingest, detector, API, page and a demo. Ctrl-C stops it.

    The next start on the same folder goes on where this one stopped. A service that dies is started again.

    \b
    Examples:
      groundswell up
      groundswell up --port-base 18000 --data /tmp/trial
      GROUNDSWELL_REFERENCE=my-region groundswell up --no-demo --data pilot
      groundswell up --broker kafka.example.org:9092 --json
    """
    options = Options(data=data, broker=broker, demo=demo, port_base=port_base, seed=seed, speed=speed)
    layout = plan(environment_settings(), options)
    with locked(layout.data), stop_on_signals() as stop:
        if layout.embedded:
            refuse_running(layout.data)
        refuse_taken(layout.ports, layout.settings.host, embedded=layout.embedded)
        _fetch_kafka(layout)
        _run(layout, stop, as_json=as_json)


def _run(layout: Layout, stop: StopRequest, *, as_json: bool) -> None:
    from services.cli.up import words
    from services.cli.up.run import Up

    say = _on_stderr if as_json else _on_stdout

    def ready(keys: dict[str, str], reference: Reference, now_ms: int) -> None:
        text = words.as_json(layout, keys) if as_json else words.as_text(layout, keys, reference, now_ms)
        print(text, flush=True)

    running = Up(layout, SystemClock(), stop, say)
    try:
        running.start(ready)
        running.watch()
    except Stopped:
        pass
    finally:
        say("Stopping …")
        running.stop()
    say("Stopped; nothing was lost, `groundswell up` goes on from here.")


def _fetch_kafka(layout: Layout) -> None:
    """Fetches Kafka's jars at the very first start, where it can be seen."""
    if not layout.embedded:
        return
    from services.runtime.embedded import cache_folder, ensure_jars

    def progress(done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            _on_stderr(f"Fetching Apache Kafka, once: {done} of {total} files")

    ensure_jars(cache_folder(os.environ), on_progress=progress)


def _on_stdout(line: str) -> None:
    print(line, flush=True)


def _on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
