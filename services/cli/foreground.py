"""One service in the foreground, as in deploy/: settings from the environment only."""

import importlib
from types import MappingProxyType

import typer

from services.runtime.settings import environment_settings

SERVICES = MappingProxyType(
    {
        "ingest": "services.ingest.__main__",
        "detector": "services.detector.__main__",
        "api": "services.api.__main__",
    }
)


def run_service(name: str) -> int:
    """Runs a service until it is told to stop; its exit status.

    Raises:
        BadSettings: a setting is wrong or unknown.
    """
    status: int = importlib.import_module(SERVICES[name]).main(environment_settings())
    return status


def ingest() -> None:
    """Run ingest: takes calls over HTTP and writes them to Kafka.

    \b
    Examples:
      groundswell ingest
      GROUNDSWELL_KAFKA_BOOTSTRAP=kafka:9092 GROUNDSWELL_REFERENCE=/etc/region groundswell ingest
    """
    raise typer.Exit(run_service("ingest"))


def detector() -> None:
    """Run one detector worker; start more of them to share the partitions.

    \b
    Examples:
      groundswell detector
      GROUNDSWELL_DETECTOR_PORT=8012 groundswell detector
    """
    raise typer.Exit(run_service("detector"))


def api() -> None:
    """Run the API, the stream and the page.

    \b
    Examples:
      groundswell api
      GROUNDSWELL_DATABASE_URL=postgresql+psycopg://user@host/groundswell groundswell api
    """
    raise typer.Exit(run_service("api"))
