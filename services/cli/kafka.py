"""`groundswell kafka`: the embedded Apache Kafka alone."""

from pathlib import Path
from typing import Annotated

import typer

from services.runtime.clock import SystemClock
from services.runtime.settings import Settings, environment_settings


def kafka(
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Where it keeps its log (in DIR/kafka).")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free one.")] = 9092,
) -> None:
    """Run Apache Kafka in the foreground, from wheels: no system Java, no container.

    \b
    Examples:
      groundswell kafka
      groundswell kafka --data /var/lib/groundswell --port 19092
    """
    from services.runtime.embedded import run_foreground

    raise typer.Exit(run_foreground(data or environment_settings().data, port))


def run_kafka(settings: Settings) -> int:
    """The same for `up`: folder and port from the settings; the exit status.

    Whoever else runs there was started by the same `up` and left behind by a child that was killed.
    """
    from services.cli.up.orphans import end_orphan
    from services.runtime.embedded import run_foreground

    end_orphan(settings.data, SystemClock())
    port = int(settings.kafka_bootstrap.rpartition(":")[2])
    return run_foreground(settings.data, port)
