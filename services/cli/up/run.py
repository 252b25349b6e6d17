"""The life of one `up`: Kafka, space, history, services, demo; then watching; then the way back."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from schemas.reference import Reference
from services.cli.health import ask_ready, local
from services.cli.up.child import Child
from services.cli.up.folder import log_file
from services.cli.up.keyring import ensure_keys, wanted_keys
from services.cli.up.layout import Layout
from services.cli.up.leash import SPEED_VARIABLE
from services.cli.up.note import write_note
from services.cli.up.stopping import StopRequest
from services.cli.up.supervisor import Awaited, Supervisor
from services.ingest.bootstrap import ensure_space
from services.runtime.access import KeyStore
from services.runtime.clock import Clock
from services.runtime.kafka import is_reachable, wait_for_kafka
from services.runtime.settings import Settings

if TYPE_CHECKING:
    from services.cli.up.region import Demo

KAFKA_SECONDS = 90.0
ANSWER_SECONDS = 30.0
READY_SECONDS = 120.0
SERVICES = ("ingest", "detector", "api")

Say = Callable[[str], None]


class Up:
    """One `up` with its children.

    Args:
        say: where a line for the person at the terminal goes.
    """

    def __init__(self, layout: Layout, clock: Clock, stop: StopRequest, say: Say) -> None:
        self._layout = layout
        self._clock = clock
        self._say = say
        self._environment = layout.environment(dict(os.environ)) | {SPEED_VARIABLE: str(layout.options.speed)}
        self._supervisor = Supervisor(clock, stop, say)

    @property
    def _settings(self) -> Settings:
        return self._layout.settings

    def start(self, ready: Callable[[dict[str, str], Reference, int], None]) -> None:
        """Starts everything; `ready` gets keys, reference and the space's time when all services answer.

        Raises:
            CliError, KafkaProblem, SpaceProblem, BadReference: something does not start; the message says what to do.
            Stopped: a stop was asked for.
        """
        if self._layout.embedded:
            self._say("Starting Kafka …")
        kafka = self._start("kafka") if self._layout.embedded else None
        write_note(self._settings)
        demo = self._prepare_region()
        self._await_kafka(kafka)
        self._say(f"Preparing the space `{self._settings.space}` …")
        _, reference = ensure_space(self._settings, self._clock)
        keys = self._keys(demo, reference)
        self._say("Starting ingest, detector and API …")
        children = [self._start(name) for name in SERVICES]
        self._load_history(demo)
        self._await_services(children)
        ready(keys, reference, self._clock.now_ms() if demo is None else demo.now_ms)
        if demo is not None:
            self._start("demo")

    def watch(self) -> None:
        """Looks after everything until a stop is asked for."""
        self._supervisor.watch()

    def stop(self) -> None:
        """Stops everything in order: demo, ingest, detector, API, Kafka."""
        self._supervisor.stop_all()

    def _start(self, name: str) -> Child:
        return self._supervisor.start(Child(name, self._environment, log_file(self._layout.data, name), self._clock))

    def _prepare_region(self) -> "Demo | None":
        """The demo's region, its reference folder written where it is used; Kafka starts meanwhile."""
        from services.cli.up.region import load_demo, write_region

        options, settings = self._layout.options, self._settings
        if self._layout.own_reference and settings.reference is not None:
            write_region(settings.reference, options.seed)
        if not options.demo:
            return None
        first = not (self._layout.data / "demo.json").exists()
        demo = load_demo(self._layout.data, options.seed, self._clock.now_ms())
        if first:
            self._say("Making up a region and its last weeks …")
            demo.make_history()
        return demo

    def _await_kafka(self, child: Child | None) -> None:
        def ask() -> str | None:
            return None if is_reachable(self._settings) else f"nothing answers at {self._settings.kafka_bootstrap}"

        if child is not None:
            self._supervisor.wait_for([Awaited(child, "Kafka", ask)], KAFKA_SECONDS)
        wait_for_kafka(self._settings, self._clock, ANSWER_SECONDS if child is not None else 5.0)

    def _load_history(self, demo: "Demo | None") -> None:
        if demo is not None and not demo.find_now(self._settings):
            cells = demo.write_history(self._settings, self._clock)
            self._say(f"Loaded {demo.history_days} days of history ({cells:,} hourly counts).")

    def _keys(self, demo: "Demo | None", reference: Reference) -> dict[str, str]:
        wanted = wanted_keys(demo.sources if demo is not None else ())
        store = KeyStore(self._settings.keys(), self._clock)
        return ensure_keys(self._layout.keys_file, store, wanted, reference.home_areas[0])

    def _await_services(self, children: list[Child]) -> None:
        ports = (self._settings.ingest_port, self._settings.detector_port, self._settings.api_port)
        awaited = [self._ready(child, port) for child, port in zip(children, ports, strict=True)]
        self._supervisor.wait_for(awaited, READY_SECONDS)

    def _ready(self, child: Child, port: int) -> Awaited:
        def ask() -> str | None:
            said = ask_ready(local(self._settings.host), port)
            return None if said.ready else said.detail

        return Awaited(child, child.name, ask)
