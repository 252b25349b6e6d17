"""The demo's own process: posts the region's calls and its time to ingest, as any feed would."""

import sys

from services.cli.health import local
from services.cli.up.clockwork import SimulatedClock
from services.cli.up.driver import Driver
from services.cli.up.keyring import demo_label, read_keys
from services.cli.up.poster import Poster
from services.cli.up.region import CallStream, load_demo
from services.cli.up.stopping import stop_on_signals
from services.runtime.clock import SystemClock
from services.runtime.settings import Settings

KEYS_FILE = "up-keys.json"


def run_demo(settings: Settings, speed: float) -> int:
    """Goes on from where the log ends until it is told to stop; the exit status.

    Raises:
        KafkaAway: where the log ends cannot be read.
        CliError: the data folder was not made by `up`.
    """
    clock = SystemClock()
    demo = load_demo(settings.data, 1, clock.now_ms())
    demo.find_now(settings)
    kept = read_keys(settings.data / KEYS_FILE)
    keys = {source: kept[demo_label(source)] for source in demo.sources}
    poster = Poster(local(settings.host), settings.ingest_port, keys)
    driver = Driver(CallStream(demo).between, poster, SimulatedClock(demo.now_ms, speed), clock, _say)
    with stop_on_signals() as stop:
        driver.run(stop)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
