"""`groundswell replay`: a CRM export through ingest, in a space whose clock is the export's own."""

import json
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from services.cli.batches import Batch, batches
from services.cli.errors import WRONG_USE, CliError
from services.cli.export_files import check, open_mapping, opened, rows
from services.cli.ingest_client import IngestClient, Sleep
from services.cli.own_ingest import own_ingest, replay_settings
from services.cli.summary import Refusals
from services.ingest.sources.mapping import MappedRow
from services.runtime.access import KeyStore
from services.runtime.clock import Clock, SystemClock
from services.runtime.settings import environment_settings

HOUR_MS = 3_600_000
STEP_SECONDS = 0.5
MAX_SPAN_MS = 6 * HOUR_MS
KEY_DAYS = 7


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, NDJSON or JSON in order of arrival, also .gz.")],
    source: Annotated[str, typer.Option(metavar="NAME|call-event", help="The mapping of the file.")],
    speed: Annotated[str, typer.Option(metavar="N|max", help="Times as fast as it was, or without waiting.")] = "max",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="An ingest of the space. Default: one of its own, while it runs.")
    ] = None,
    home_area: Annotated[str | None, typer.Option(metavar="CODE", help="Home area of calls without a place.")] = None,
    skip_rows: Annotated[int, typer.Option(min=0, help="Go on after so many rows.")] = 0,
) -> None:
    """Send a CRM export through ingest in the replay space, with its own clock.

    Only the broker and reference data are needed; a detector and an API of the space (GROUNDSWELL_SPACE=replay) show
    what it would have said.

    \b
    Examples:
      groundswell replay boston.csv.gz --source boston311 --speed max
      groundswell replay region/events.ndjson --source call-event --speed 60
    """
    settings, clock, factor = replay_settings(environment_settings()), SystemClock(), speed_of(speed)
    mapping = open_mapping(source, settings.reference)
    sleep: Sleep = threading.Event().wait
    check(mapping, file)
    with ExitStack() as stack:
        stack.enter_context(stopped_cleanly())
        address = url or stack.enter_context(own_ingest(settings, clock, sleep))
        stream = stack.enter_context(opened(file, "Replaying"))
        client = IngestClient(address, clock, sleep)
        stack.callback(client.close)
        keys = stack.enter_context(Keys(KeyStore(settings.keys(), clock), clock, home_area))
        player = Player(client, keys, clock, sleep)
        found = player.readable(row for row in rows(mapping, file, stream) if row.index >= skip_rows)
        try:
            player.play(found, factor)
        except CliError as error:
            done = f"{player.sentence()}; go on with --skip-rows {player.done_rows}"
            raise CliError(f"{error.message} ({done})", error.status) from None
        if player.cut is not None:
            raise CliError(f"{player.cut.message} ({player.sentence()})", player.cut.status)
    print(f"{player.sentence()} in space {settings.space}")


@contextmanager
def stopped_cleanly() -> Iterator[None]:
    """SIGTERM ends the command as Ctrl-C does: its ingest is stopped and its keys are revoked."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def speed_of(text: str) -> float | None:
    """Times as fast as it was; None for `max`.

    >>> speed_of("60"), speed_of("max")
    (60.0, None)
    """
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1e6:
        raise CliError("--speed is a number above 0, such as 60, or max", WRONG_USE)
    return factor


class Keys:
    """Ingest keys of a replay, made when a source first appears and revoked at its end."""

    def __init__(self, store: KeyStore, clock: Clock, home_area: str | None) -> None:
        self._store, self._clock, self._home_area = store, clock, home_area
        self._made: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> "Keys":
        return self

    def __exit__(self, *failure: object) -> None:
        for identifier, _ in self._made.values():
            self._store.revoke(identifier)

    def of(self, source: str) -> str:
        """The key of a source."""
        if source not in self._made:
            expires_at = self._clock.now_ms() + KEY_DAYS * 24 * HOUR_MS
            self._made[source] = self._store.add(
                "ingest", "replay", source=source, home_area=self._home_area, totals=True, expires_at=expires_at
            )
        return self._made[source][1]


@dataclass
class Player:
    """Sends batches when their time has come, and the ticks between them."""

    client: IngestClient
    keys: Keys
    clock: Clock
    sleep: Sleep
    refusals: Refusals = field(default_factory=Refusals)
    accepted: int = 0
    done_rows: int = 0
    cut: CliError | None = None
    """Why the file could not be read to its end."""
    _ticked_ms: int = 0

    def readable(self, found: Iterable[MappedRow]) -> Iterable[MappedRow]:
        """The rows that give calls; the others are counted. A file that is cut ends here, and `cut` says so."""
        try:
            for row in found:
                if row.problem is not None:
                    self.refusals.add(row.problem.field, row.problem.reason)
                else:
                    yield row
        except CliError as error:
            self.cut = error

    def play(self, found: Iterable[MappedRow], factor: float | None) -> None:
        """Plays everything; `factor` None: without waiting."""
        span_ms = MAX_SPAN_MS if factor is None else max(1, round(STEP_SECONDS * 1000 * factor))
        last, source = 0, ""
        stream = batches(found, span_ms=span_ms)
        first = next(stream, None)
        if first is None:
            return
        paced = None if factor is None else Pace(first.first_ms, factor, self.clock.monotonic())
        for batch in chain([first], stream):
            if paced is not None:
                self._wait_for(batch, paced)
            elif batch.first_ms - self._ticked_ms >= HOUR_MS and source:
                self._tick(batch.first_ms, source)
            self._send(batch)
            source, last = batch.source, max(last, batch.last_ms)
        self._tick(last + HOUR_MS, source)

    def sentence(self) -> str:
        """What came of it."""
        return f"{self.accepted:,} accepted, {self.refusals.sentence()}"

    def _wait_for(self, batch: Batch, pace: "Pace") -> None:
        while (now := pace.now_ms(self.clock.monotonic() - self.client.waited_seconds)) < batch.last_ms:
            if now > self._ticked_ms and now < batch.first_ms:
                self._tick(now, batch.source)
            self.sleep(min(STEP_SECONDS, (batch.last_ms - now) / 1000 / pace.factor))

    def _send(self, batch: Batch) -> None:
        body = b"\n".join(json.dumps(call, separators=(",", ":")).encode() for call in batch.calls)
        answer = self.client.post_calls(body, self.keys.of(batch.source))
        self.accepted += answer.accepted
        self.refusals.duplicates += answer.duplicates
        for field_path, reason in answer.rejected:
            self.refusals.add(_without_place(field_path), reason)
        if answer.rejected_total > len(answer.rejected):
            self.refusals.add("$", "not named by ingest", answer.rejected_total - len(answer.rejected))
        self.done_rows = max(self.done_rows, batch.end_row)

    def _tick(self, at_ms: int, source: str) -> None:
        self.client.post_tick(at_ms, self.keys.of(source))
        self._ticked_ms = at_ms


@dataclass(frozen=True)
class Pace:
    """Log time that runs `factor` times as fast as the wall clock."""

    start_ms: int
    factor: float
    begun: float
    """Monotonic seconds at which log time was `start_ms`."""

    def now_ms(self, monotonic: float) -> int:
        """Log time."""
        return self.start_ms + round((monotonic - self.begun) * 1000 * self.factor)


def _without_place(where: str) -> str:
    """A field without positions in lists, so that reasons add up.

    >>> _without_place("needs.0.code")
    'needs.*.code'
    """
    return ".".join("*" if part.isdigit() else part for part in where.split("."))
