"""The whole way of a call as processes on a Kafka of their own: clients, ingest, detectors, API."""

import contextlib
import random
import sqlite3
from pathlib import Path

import msgspec

from schemas.output import PartitionStatus, StatusRecord
from schemas.topics import ALERTS, CALLS, SERIES, STATUS
from services.ingest.ids import Hasher, id_secret
from services.runtime.access import KeyStore
from services.runtime.embedded import EmbeddedKafka
from tests.chaos.clients import Client, last_tick
from tests.chaos.cluster import Cluster
from tests.chaos.processes import CLOCK, Service, wait_for
from tests.chaos.reference import Difference, Reference
from tests.chaos.topics import Tail
from tests.chaos.traffic import HOME_AREAS, Traffic, history
from tests.integration.detector_world import Space, space_settings
from tests.ports import free_port

SOURCES = ("crm", "city")
PARTITIONS = 2
SNAPSHOT_SECONDS = 3
"""In the long form: on a busy machine one every second leaves a worker that rebuilds hardly any time to fold."""


class Pipeline:
    """Started by `start`, ended by `close`; faults take hold of its parts.

    Args:
        shared: a broker that others use too: the pipeline has a space of its own there, and faults leave it alone.
    """

    def __init__(self, folder: Path, rng: random.Random, *, shared: EmbeddedKafka | Cluster | None = None) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._own = None if shared else EmbeddedKafka(folder / "broker", heap_mb=384)
        if self._own is not None:
            self._own.start()
        bootstrap = (shared or self.broker).bootstrap
        more = {"ingest_port": free_port(), "api_port": free_port()}
        more["snapshot_seconds"] = 1 if shared else SNAPSHOT_SECONDS
        self.settings = space_settings(folder, bootstrap, partitions=PARTITIONS, **more)
        self.space = Space(self.settings).create()
        self.space.write([(home, history(home, north, south)) for home, north, south in HOME_AREAS])
        second = self.settings.model_copy(update={"detector_port": free_port()})
        self.ingest = Service("ingest", self.settings, folder)
        self.detector = Service("detector", self.settings, folder)
        self.second = Service("detector", second, folder)
        self.api = Service("api", self.settings, folder)
        self.services = (self.ingest, self.detector, self.second, self.api)
        self.traffic = Traffic(rng)
        self.reference = Reference(self.settings)
        self._tail, self._status = Tail(self.settings), Tail(self.settings)
        self._positions: dict[int, int] = {}
        self.clients: list[Client] = []
        self.notes: list[str] = []
        """What a fault measured."""

    @property
    def broker(self) -> EmbeddedKafka:
        """Its own."""
        assert self._own is not None, "faults leave a shared broker alone"
        return self._own

    @property
    def database(self) -> str:
        """The API's file."""
        return str((self.settings.data / f"{self.settings.space}.sqlite").absolute())

    @property
    def events(self) -> int:
        """Ids with a 202 so far."""
        return sum(len(client.accepted) for client in self.clients)

    def start(self) -> None:
        """Everything, with calls flowing."""
        keys = KeyStore(self.settings.keys(), CLOCK)
        for service in (self.ingest, self.detector, self.api):
            service.start()
        for service in (self.ingest, self.detector, self.api):
            wait_for(service.is_ready, f"{service.name} is ready")
        address = f"http://127.0.0.1:{self.ingest.port}"
        for source in SOURCES:
            _, key = keys.add("ingest", source, source=source)
            self.clients.append(Client(source, key, address, self.traffic))
        self.resume()

    def close(self) -> None:
        """End everything."""
        for client in self.clients:
            client.close()
        for tail in (self._tail, self._status):
            tail.close()
        self.reference.close()
        for service in self.services:
            if service.is_alive:
                service.kill()
        if self._own is not None:
            self._own.stop()

    def resume(self) -> None:
        """Calls flow."""
        for client in self.clients:
            client.resume()

    # --- how far it is -------------------------------------------------------------------------------------------

    def ends(self) -> dict[int, int]:
        """Where the partitions of the log end now."""
        topic, found = CALLS.in_space(self.settings.space), dict[tuple[str, int], int]()

        def asked() -> bool:
            found.update(self._places_end([topic]))
            return bool(found)

        wait_for(asked, "the broker answers")
        return {part: end for (_, part), end in found.items()}

    def _places_end(self, topics: list[str]) -> dict[tuple[str, int], int]:
        return self._tail.ends([(topic, part) for topic in topics for part in range(PARTITIONS)])

    def is_folded(self, ends: dict[int, int]) -> bool:
        """Whether some worker has folded so far, by what was told so far."""
        topic = STATUS.in_space(self.settings.space)
        for _, _, record in self._status.read([(topic, part) for part in range(PARTITIONS)]):
            with contextlib.suppress(msgspec.MsgspecError):  # poison
                status = msgspec.json.decode(record.value or b"", type=StatusRecord)
                if isinstance(status, PartitionStatus):
                    self._positions[status.partition] = max(
                        self._positions.get(status.partition, 0), status.next_offset
                    )
        return all(self._positions.get(part, 0) >= end for part, end in ends.items())

    def is_served(self) -> bool:
        """Whether the API has folded alerts and series to their ends."""
        ends = self._places_end([topic.in_space(self.settings.space) for topic in (ALERTS, SERIES)])
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
        try:
            rows = connection.execute("SELECT topic, partition, next_offset FROM offsets").fetchall()
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        found = {(topic, part): offset for topic, part, offset in rows}
        return bool(ends) and all(found.get(place, 0) >= end for place, end in ends.items())

    def supervise(self) -> bool:
        """What ended by itself is started again, as a supervisor does."""
        for service in (self.detector, self.ingest, self.api):
            if not service.is_alive:
                self.notes.append(f"{service.name} ended by itself and was started again")
                service.start()
        return True

    def recovered(self, since: float) -> float:
        """Seconds from `since` until a call posted after it is acknowledged, folded, and the API has what follows."""
        wait_for(
            lambda: self.supervise() and all(client.last_202 > since for client in self.clients),
            "every client gets a 202",
        )
        ends = self.ends()
        wait_for(lambda: self.supervise() and self.is_folded(ends), "the log is folded")
        wait_for(
            lambda: self.supervise() and self.api.is_ready() and self.is_served(), "the API has folded the outputs"
        )
        return CLOCK.monotonic() - since

    def settle(self) -> None:
        """Calls stop; everything that was accepted is folded and served."""
        for client in self.clients:
            client.pause()
        wait_for(lambda: all(client.is_idle for client in self.clients), "the clients have their answers")
        at = last_tick(self.traffic)
        wait_for(lambda: self.clients[0].tick(at), "a tick is taken")
        ends = self.ends()
        wait_for(lambda: self.supervise() and self.is_folded(ends), "the log is folded to its end")
        wait_for(lambda: self.supervise() and self.api.is_ready() and self.is_served(), "the API has folded to the end")

    def compare(self) -> Difference:
        """Against the quiet run; what is still on its way is waited for."""
        self.reference.fold_log()
        hasher = Hasher(id_secret(self.settings))
        accepted = {hasher(client.source, name) for client in self.clients for name in client.accepted}
        deadline = CLOCK.monotonic() + 120
        while True:
            self.reference.read_outputs()
            found = self.reference.compare(accepted, self.database)
            if found.is_exact or CLOCK.monotonic() > deadline:
                return found
            wait_for(self.is_served, "the API has folded to the end")
