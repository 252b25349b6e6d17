"""`groundswell backtest --events`: past calls as ingest would put them on the log, through the worker's own fold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from schemas.codec import Refusal, convert_stamped_call
from schemas.log_record import BadRecord, History
from schemas.reference import Reference
from schemas.reference_files import read_reference
from services.cli.errors import FAILED, WRONG_USE, CliError
from services.cli.export_files import open_mapping, opened, rows
from services.cli.history_file import read_history
from services.cli.summary import Refusals
from services.ingest.ids import Hasher
from services.ingest.sources.mapping import MappedRow
from services.ingest.translation import Accepted, Translator
from services.runtime.access import Identity

if TYPE_CHECKING:
    from services.detector.backtest.events import Watched

WEEK_MS = 7 * 86_400_000
_ONLY_IN_MEMORY = Hasher(b"ids of a backtest stay in memory")


@dataclass
class Replayed:
    """What was replayed and told."""

    watched: "Watched"
    calls: "Counted"
    refusals: Refusals
    versions: int = 0
    raised: dict[str, int] = field(default_factory=dict)
    """When each alert was first raised, ms."""

    def summary(self) -> dict[str, Any]:
        """Numbers by name; alerts a week are those of the time in which anything was watched."""
        weeks, first = self.watched.weeks, self.watched.first
        since = sum(first is not None and raised >= first for raised in self.raised.values())
        return {
            "calls": self.calls.number,
            "refused": self.refusals.total,
            "weeks": round(self.calls.weeks(), 1),
            "watched_weeks": round(weeks, 1),
            "alerts": len(self.raised),
            "alerts_per_week": round(since / weeks, 2) if weeks > 0 else None,
            "versions": self.versions,
        }

    def not_watched(self) -> str:
        """A sentence about home areas that were not watched at all; empty when all were."""
        needed = self.watched.needed_hours
        if not needed:
            return ""
        which = "nothing" if not self.watched.since else ", ".join(sorted(needed))
        verb = "was" if which == "nothing" else "was not"
        return (
            f"{which} {verb} watched yet: two weeks teach what is usual before a surge is raised, and "
            f"{max(needed.values())} hours of them are missing; give a longer file of calls, or the weeks before it "
            "with --history FILE"
        )


def over_events(
    events: Path, source: str, reference: Path, alerts: Path, *, budget: float, history: list[Path]
) -> Replayed:
    """Writes every version of every alert.

    Raises:
        CliError: the file cannot be read to its end, holds no call, or cannot be replayed.
        BadReference: a reference file is wrong.
    """
    from services.detector.backtest.events import BadRow, Watched, run_events

    if not reference.is_dir():
        raise CliError(f"--reference {reference} is no folder; give the one that holds areas.csv", WRONG_USE)
    body, mapping = read_reference(reference), open_mapping(source, reference)
    replayed = Replayed(Watched(), Counted(), Refusals())
    past = [_keyed(record, path, body) for path in history for record in read_history(path)]
    with opened(events, "Replaying") as stream, alerts.open("w", encoding="utf-8") as out:
        told = replayed.calls.through(as_calls(rows(mapping, events, stream), body, replayed.refusals))
        try:
            for alert in run_events(told, body, budget, history=past, watched=replayed.watched):
                out.write(alert.model_dump_json() + "\n")
                replayed.raised.setdefault(alert.id, round(alert.raised_at.timestamp() * 1000))
                replayed.versions += 1
        except (BadRow, BadRecord) as error:
            raise CliError(f"{events.name} cannot be replayed to its end: {error}", FAILED) from None
    if replayed.calls.number == 0:
        raise CliError(f"{events.name} holds no call that can be used: {replayed.refusals.sentence()}", FAILED)
    return replayed


def _keyed(record: History, path: Path, reference: Reference) -> tuple[str, History]:
    """A record and its home area: that of its cells, or the only one there is."""
    homes = {reference.home_area(cell.area) for cell in record.cells} - {None}
    found = sorted(home for home in homes or set(reference.home_areas) if home is not None)
    if len(found) != 1:
        raise CliError(
            f"{path.name}: the home area of a record is not clear, it may be {', '.join(found)}; "
            "write a record for each home area, with cells of its areas",
            WRONG_USE,
        )
    return found[0], record


class Counted:
    """How many calls went through, and over how long."""

    def __init__(self) -> None:
        self.number = 0
        self._first = self._last = 0

    def through(self, calls: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The calls as they are."""
        for call in calls:
            time = call["time"]
            self._first, self._last = min(self._first or time, time), max(self._last, time)
            self.number += 1
            yield call

    def weeks(self) -> float:
        """From the first to the last call; at least an hour."""
        return max(3_600_000, self._last - self._first) / WEEK_MS


def as_calls(mapped: Iterable[MappedRow], reference: Reference, refusals: Refusals) -> Iterator[dict[str, Any]]:
    """Calls as ingest would put them on the log: crosswalked, placed, checked; what it would refuse is counted."""
    translator = Translator(reference, _ONLY_IN_MEMORY)
    for row in mapped:
        if row.problem is not None:
            refusals.add(row.problem.field, row.problem.reason)
            continue
        try:
            accepted = _translated(translator, row)
        except Refusal as error:
            refusals.add(error.field, error.reason)
            continue
        call: dict[str, Any] = msgspec.to_builtins(accepted.call)
        yield call if accepted.logged_at is None else call | {"logged_at": accepted.logged_at}


def _translated(translator: Translator, row: MappedRow) -> Accepted:
    call = convert_stamped_call(row.item())
    return translator.translate(call, Identity("backtest", "backtest", "ingest", call.source, totals=True), None)
