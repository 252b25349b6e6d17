"""What one `up` starts: settings of every part, ports, and whether there is a demo."""

from dataclasses import dataclass
from pathlib import Path

from services.cli.environment import environment_of
from services.cli.errors import WRONG_USE, CliError
from services.cli.ports import Ports
from services.runtime.settings import Settings

LIVE, EXERCISE = "live", "exercise"


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    data: Path | None = None
    broker: str | None = None
    demo: bool = True
    port_base: int | None = None
    seed: int = 1
    speed: float = 240.0


@dataclass(frozen=True)
class Layout:
    """One `up`, before anything runs."""

    settings: Settings
    options: Options
    ports: Ports
    own_reference: bool
    """The reference is that of the demo's region."""

    @property
    def embedded(self) -> bool:
        """Kafka is started here."""
        return self.options.broker is None

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return self.settings.data

    @property
    def keys_file(self) -> Path:
        """The readable keys that `up` prints."""
        return self.data / "up-keys.json"

    def environment(self, inherited: dict[str, str]) -> dict[str, str]:
        """The environment of the children."""
        return inherited | environment_of(self.settings)


def plan(settings: Settings, options: Options) -> Layout:
    """Works out settings and ports.

    Raises:
        CliError: status 2, the demo was asked for in the live space.
    """
    data = (options.data or settings.data).absolute()
    space = settings.space if "space" in settings.model_fields_set else EXERCISE if options.demo else LIVE
    if options.demo and space == LIVE:
        raise CliError("the demo never runs in the live space; use `--no-demo`, or leave SPACE unset", WRONG_USE)
    ports = _ports(settings, options)
    own_reference = options.demo or settings.reference is None
    chosen = {
        "data": data,
        "space": space,
        "reference": data / "demo-region" if own_reference else settings.reference,
        "kafka_bootstrap": options.broker or f"127.0.0.1:{ports.kafka}",
        "api_port": ports.page,
        "ingest_port": ports.ingest,
        "detector_port": ports.detector,
    }
    return Layout(settings.model_copy(update=chosen), options, ports, own_reference)


def _ports(settings: Settings, options: Options) -> Ports:
    if options.port_base is not None:
        return Ports.from_base(options.port_base, settings.host)
    kafka = int(settings.kafka_bootstrap.rpartition(":")[2]) if options.broker is None else 0
    return Ports(settings.api_port, settings.ingest_port, settings.detector_port, kafka)
