"""`groundswell load`: past calls as hourly counts on the log, so that the detector starts warm."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from schemas.codec import Refusal, convert_call_event
from schemas.codes import CONTACTS
from schemas.log_record import History, encode_record
from schemas.reference import Reference
from schemas.topics import CALLS
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.export_files import open_mapping, opened, rows
from services.cli.history_file import read_history
from services.cli.hourly import HourlyCounts
from services.cli.summary import Refusals
from services.ingest.bootstrap import RECORD_BYTES, ensure_space
from services.ingest.ids import Hasher
from services.ingest.sources.mapping import Mapping
from services.ingest.translation import Translator
from services.runtime.access import Identity
from services.runtime.clock import Clock, SystemClock
from services.runtime.kafka import Record, ReliableProducer
from services.runtime.settings import Settings, environment_settings

HISTORY = "history"
"""`--source` of files that hold history records already, as `simulate` writes them."""
WRITE_SECONDS = 60.0
AT_ONCE = 16
_ONLY_FOR_COUNTING = Hasher(b"ids of history stay in memory")


def load(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, NDJSON or JSON, also .gz.")],
    source: Annotated[
        str, typer.Option(metavar="NAME|call-event", help="The mapping of the files; `history` for history.ndjson.")
    ],
    home_area: Annotated[
        str | None, typer.Option(metavar="CODE", help="Home area of calls without a place, or of a history file.")
    ] = None,
) -> None:
    """Load history, so that the detector starts warm. Twice changes nothing: a period is replaced, not added to.

    The log takes it until a home area's first hour is sealed; after that `groundswell rebuild` does.

    \b
    Examples:
      groundswell load 2024.csv.gz 2025.csv.gz --source boston311
      GROUNDSWELL_SPACE=exercise groundswell load region/history.ndjson --source history
    """
    settings, clock = environment_settings(), SystemClock()
    mapping = None if source == HISTORY else open_mapping(source, settings.reference)
    _, reference = ensure_space(settings, clock)
    if home_area is not None and home_area not in reference.home_areas:
        raise CliError(f"{home_area} is not a home area; there are {', '.join(reference.home_areas)}", WRONG_USE)
    refusals = Refusals()
    if mapping is None:
        records = list(_told(files, _home(home_area, reference)))
    else:
        counts = count(files, mapping, Counting(reference, home_area), refusals)
        records = list(counts.records())
        refusals.duplicates = counts.duplicates
    if not records:
        raise CliError(f"there is nothing to load; {refusals.sentence()}", FAILED)
    write(settings, clock, records)
    calls = sum(cell.count for _, record in records for cell in record.cells if cell.need == CONTACTS)
    print(f"{calls:,} calls as {len(records)} history records in space {settings.space}; {refusals.sentence()}")


class Counting:
    """From a mapped call to what is counted, as ingest would put it on the log."""

    def __init__(self, reference: Reference, home_area: str | None) -> None:
        self.counts = HourlyCounts(reference)
        self._translator = Translator(reference, _ONLY_FOR_COUNTING)
        self._home_area = home_area

    def add(self, call: dict[str, object]) -> None:
        """Counts a call event; raises Refusal when ingest would refuse it."""
        row = convert_call_event(call)
        identity = Identity("load", "load", "ingest", row.source, None, totals=True)
        try:
            accepted = self._translator.translate(row, identity, None)
        except Refusal as error:
            if self._home_area is None or error.field != "area":
                raise
            accepted = self._translator.translate(row, _within(identity, self._home_area), None)
        self.counts.add(accepted.call, accepted.home_area)


def count(files: list[Path], mapping: Mapping, counting: Counting, refusals: Refusals) -> HourlyCounts:
    """Counts all files.

    Raises:
        CliError: a file cannot be read to its end; nothing is loaded then.
    """
    for path in files:
        counting.counts.begin_file()
        with opened(path, "Counting") as stream:
            for row in rows(mapping, path, stream):
                if row.call is None:
                    refusals.add(row.problem.field if row.problem else "$", row.problem.reason if row.problem else "")
                    continue
                try:
                    counting.add(row.call)
                except Refusal as error:
                    refusals.add(error.field, error.reason)
    return counting.counts


def write(settings: Settings, clock: Clock, records: list[tuple[str, History]]) -> None:
    """Puts (home area, history) on the log and waits until Kafka has it; raises KafkaProblem."""
    topic = CALLS.in_space(settings.space)
    with ReliableProducer(settings, clock, limits={topic: RECORD_BYTES}) as producer:
        for start in range(0, len(records), AT_ONCE):
            batch = [Record(topic, encode_record(one), home.encode()) for home, one in records[start : start + AT_ONCE]]
            producer.write(batch, WRITE_SECONDS)


def _within(identity: Identity, home_area: str) -> Identity:
    return Identity(identity.id, identity.name, identity.role, identity.source, home_area, totals=True)


def _home(home_area: str | None, reference: Reference) -> str:
    if home_area is None and len(reference.home_areas) != 1:
        raise CliError(f"say which home area with --home-area: {', '.join(reference.home_areas)}", WRONG_USE)
    return home_area or reference.home_areas[0]


def _told(files: list[Path], home_area: str) -> Iterator[tuple[str, History]]:
    for path in files:
        for record in read_history(path):
            yield home_area, record
