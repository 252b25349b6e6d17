"""Parts of an API for tests: records as the detector writes them, and an app around a database."""

import asyncio
import contextlib
import functools
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.output import HomeStatus, PartitionStatus, SeriesPoint, SeriesRecord, SourceStatus
from schemas.reference import Area, Need, Reference
from schemas.space_config import SpaceConfig
from schemas.topics import ALERTS, SERIES, STATUS, Topic
from services.api.acting import Actions
from services.api.app import create_app
from services.api.codebook import Codebook
from services.api.database import Database
from services.api.fold import Fold, Folded, Place, Stored
from services.api.guard import Guard, TrustedProxy
from services.api.hub import Hub
from services.api.metrics import ApiMetrics
from services.api.services import Services
from services.api.space import Space, prepare
from services.api.tiles import Tiles
from services.api.view import Views
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock, from_ms
from services.runtime.lifecycle import Health, listen, serve
from services.runtime.metrics import new_registry

HOUR = 3_600_000
NOW = 1_782_000_000_000 - 1_782_000_000_000 % HOUR
"""A full hour in June 2026, ms."""

BOOK = Codebook(
    Reference(
        areas=(
            Area("metro", "", "Metro", 30.0, -97.0, "America/Chicago", 1_000_000),
            Area("east", "metro", "East side", 30.1, -96.9, "America/Chicago", 400_000),
            Area("02128", "east", "Pier", None, None, "America/Chicago"),
            Area("coast", "", "Coast", 29.0, -95.0, "America/Chicago"),
        ),
        needs=(
            Need("B", "", "Basic needs", "Besoins", "Necesidades"),
            Need("BH", "B", "Housing", "Logement", "Vivienda"),
            Need("BH-1800", "BH", "Shelter", "Abri", "Refugio"),
            Need("BV", "B", "Utilities", "Services", "Servicios"),
        ),
    )
)


class FakeClock:
    """Stands still until told."""

    def __init__(self, now_ms: int = NOW) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000


def words(text: str) -> dict[str, str]:
    return {"en": text, "fr": text, "es": text}


def alert(alert_id: str = "a1", version: int = 1, **changes: Any) -> bytes:
    """An alert as on `alerts.v1`."""
    at = from_ms(NOW).isoformat().replace("+00:00", "Z")
    fields: dict[str, Any] = {
        "id": alert_id,
        "version": version,
        "kind": "surge",
        "status": "rising",
        "mode": "live",
        "home_area": "metro",
        "need": "BH-1800",
        "need_name": words("Shelter"),
        "area": "east",
        "area_name": "East side",
        "started_at": at,
        "raised_at": at,
        "updated_at": at,
        "observed": 40 + version,
        "expected": 12.5,
        "ratio": 3.2,
        "band_low": 7.0,
        "band_high": 19.0,
        "score": 12.25,
        "recurrence_days": 400.0,
        "recurrence_days_home_area": 90.0,
        "budget_needed": 0.08,
        "severity": "moderate",
        "headline": words("Rising: shelter, East side"),
        "explanation": words("Many calls."),
        "detector": {"name": "groundswell", "version": "1"},
    }
    return Alert.model_validate(fields | changes).model_dump_json().encode()


def iso(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def point(
    start: int, observed: int, *, need: str = "BH-1800", area: str = "east", is_open: bool = False
) -> SeriesPoint:
    return SeriesPoint(need, area, start, observed, 10.0, 6.0, 15.0, is_open)


def series(*points: SeriesPoint, known_at: int = NOW, home_area: str = "metro") -> bytes:
    return msgspec.json.encode(SeriesRecord(1, home_area, known_at, points))


def home_status(home_area: str = "metro", log_time: int = NOW, **changes: Any) -> bytes:
    status = HomeStatus(1, home_area, log_time, log_time - 6 * HOUR, "live", 120, 1, 3.0, 2, 5, {}, (source_status(),))
    return msgspec.json.encode(msgspec.structs.replace(status, **changes))


def source_status(source: str = "metro-crm", **changes: Any) -> SourceStatus:
    return msgspec.structs.replace(SourceStatus(source, NOW - 5000, NOW - 4000, 1000, state="live"), **changes)


def partition_status(partition: int = 0, written_at: int = NOW, **changes: Any) -> bytes:
    status = PartitionStatus(1, partition, 10, 10, NOW, written_at, "running", "w1")
    return msgspec.json.encode(msgspec.structs.replace(status, **changes))


@dataclass
class Tape:
    """Folds values as if they stood in partition 0 of their topic."""

    database: Database
    offsets: dict[Topic, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fold = Fold(self.database)

    def play(self, topic: Topic, *values: bytes | None) -> Folded:
        place = Place(topic, topic.name, 0)
        first = self.fold.begin(place, 0)
        records = [Stored(first + index, value) for index, value in enumerate(values)]
        return self.fold.apply(place, records, first)

    def alerts(self, *values: bytes | None) -> Folded:
        return self.play(ALERTS, *values)

    def series(self, *values: bytes | None) -> Folded:
        return self.play(SERIES, *values)

    def status(self, *values: bytes | None) -> Folded:
        return self.play(STATUS, *values)


def prepared(address: str) -> Database:
    """A database with its tables, given to the space `live`; a new SQLite file is a copy of one made before."""
    _, is_file, path = address.partition("sqlite:///")
    if is_file and path and not Path(path).exists():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(_template())
        return Database(address)
    return _migrated(address)


@functools.lru_cache(maxsize=1)
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "api.sqlite"
        _migrated(f"sqlite:///{file}").close()
        return file.read_bytes()


def _migrated(address: str) -> Database:
    database = Database(address)
    database.migrate()
    prepare(database, "live", NOW)
    return database


@dataclass
class Parts:
    """An app and what it is made of."""

    app: Any
    hub: Hub
    health: Health
    keys: KeyStore
    database: Database
    registry: Any
    clock: Any
    page: Path

    def key(self, role: Any = "viewer", **more: Any) -> str:
        """A new key."""
        return self.keys.add(role, "somebody", **more)[1]

    def headers(self, role: Any = "viewer", **more: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key(role, **more)}"}


def parts(
    database: Database,
    folder: Path,
    *,
    clock: Any = None,
    page: Path | None = None,
    book: Codebook | None = BOOK,
    beat_seconds: float = 5.0,
    proxy: TrustedProxy | None = None,
    tiles: Tiles | None = None,
) -> Parts:
    """An app around a database; the clock is the machine's unless given."""
    clock = clock or SystemClock()
    health, registry = Health(), new_registry()
    keys = KeyStore(folder / "keys.json", clock)
    views = Views(clock, "live", lambda: book)
    hub = Hub(
        database,
        SystemClock(),
        ApiMetrics(registry),
        mode="live",
        stopping=lambda: health.stopping,
        views=views,
        beat_seconds=beat_seconds,
    )
    config = SpaceConfig("live", 500, 6, 3.0, 8, "aa")
    services = Services(
        database=database,
        guard=Guard(keys, database, clock, proxy=proxy),
        hub=hub,
        views=views,
        actions=Actions(database, clock, views, after_commit=hub.wake),
        clock=clock,
        mode="live",
        current_space=lambda: None if book is None else Space("live", config, book),
        version="0.0.0",
        build="test",
        tiles=tiles,
    )
    app = create_app(services, health=health, registry=registry, page=page or folder / "no-page")
    return Parts(app, hub, health, keys, database, registry, clock, page or folder / "no-page")


@contextlib.contextmanager
def running(app: Any, health: Health) -> Iterator[str]:
    """The app behind a real HTTP server; yields its address and stops it as SIGTERM would."""
    sock = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(event.set))
        ready.set()
        await serve(app, sock, health=health, stop=event)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert ready.wait(60)
        yield address
    finally:
        stop[0]()
        thread.join(60)
        assert not thread.is_alive(), "the server did not stop within 60 s"


def events(lines: Iterator[str]) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
    """(event, id, data) of a stream of server-sent events."""
    name, event_id, data = "", None, b""
    for line in lines:
        kind, _, value = line.partition(": ")
        if kind == "event":
            name = value
        elif kind == "id":
            event_id = int(value)
        elif kind == "data":
            data = value.encode()
        elif not line and name:
            yield name, event_id, msgspec.json.decode(data)
            name, event_id, data = "", None, b""
