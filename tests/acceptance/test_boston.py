"""Boston 311, 2015, through the commands: the storms and the bulk entries are raised; the rest is counted and shown.

Up to the last dated event, which is two thirds of the year; `groundswell backtest` takes the whole export.
"""

import csv
import datetime as dt
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.alert import Alert
from schemas.reference import Reference
from schemas.reference_files import read_reference
from services.cli.__main__ import run
from tests.acceptance.first_hours import IN_TIME, Onset, Spoken, first_spoken, first_surge_hour, hourly_calls
from tests.acceptance.known_events import KnownEvent, Verdict, judge, read_known_events

pytestmark = pytest.mark.timeout(3600)
BUDGET = 3.0
UNTIL = "2015-09-04"
WEEKS = 35.1
ZONE = ZoneInfo("America/New_York")
LATE = {"Blizzard Neptune + cold": dt.timedelta(hours=24)}
"""Storms that are not told within six hours, and within what time they are. Neptune's first surge hour is a Sunday's: 5
requests to the fire department at 16:00, few more for a day, after weeks of storms; its cold is told on Monday."""
MUST = ("snow", "storm", "artefact")
"""Types of events that have to be raised; severe cold and lease turnover day are reported."""


@dataclass(frozen=True)
class Year:
    """What the detector told."""

    alerts: tuple[Alert, ...]
    """All versions, in the order told."""
    reference: Reference
    events: tuple[KnownEvent, ...]
    verdict: Verdict
    hours: dict[KnownEvent, tuple[Onset, Spoken | None]]
    """First surge hour of each event that has one, and when it was first spoken of."""


@pytest.fixture(scope="module")
def year(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Year:
    folder = tmp_path_factory.mktemp("boston")
    export, out = folder / "events.csv", folder / "alerts.ndjson"
    _cut(shared_data / "boston311_2015" / "events.csv.gz", export)
    assert run(["reference", str(export), "--source", "boston311", "--out", str(folder / "reference")]) == 0
    backtest = ["backtest", "--events", str(export), "--source", "boston311", "--reference", str(folder / "reference")]
    assert run([*backtest, "--alerts", str(out), "--budget", str(BUDGET)]) == 0
    alerts = tuple(Alert.model_validate_json(line) for line in out.read_text(encoding="utf-8").splitlines())
    reference = read_reference(folder / "reference")
    events = read_known_events(shared_data / "known_events.csv", "boston311_2015")
    calls = hourly_calls(shared_data / "boston311_2015" / "events.csv.gz", UNTIL)
    onsets = {event: first_surge_hour(event, events, calls, ZONE) for event in events}
    hours = {
        event: (onset, first_spoken(alerts, event, onset, reference, ZONE))
        for event, onset in onsets.items()
        if onset is not None
    }
    return Year(alerts, reference, events, judge(alerts, events, reference, ZONE), hours)


def _cut(export: Path, to: Path) -> None:
    """The rows before `UNTIL`, in their order."""
    with (
        gzip.open(export, "rt", encoding="utf-8", newline="") as stream,
        to.open("w", encoding="utf-8", newline="") as out,
    ):
        rows, writer = csv.reader(stream), csv.writer(out)
        names = next(rows)
        moment = names.index("ts")
        writer.writerow(names)
        writer.writerows(row for row in rows if row[moment] < UNTIL)


def test_every_storm_and_every_artefact_day_is_raised(year: Year, capsys: pytest.CaptureFixture[str]) -> None:
    """An alert of the storm before that still rises counts for the next one: it is the same alert to a coordinator."""
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(_report(year)) + "\n")
    missed = [event.name for event in year.events if event.kind in MUST and not year.verdict.events[event]]
    assert missed == []


def test_every_storm_is_told_within_six_hours_of_its_first_surge_hour_but_for_those_listed(year: Year) -> None:
    """Told: an alert is raised, or one that is open rises further."""
    storms = {event: found for event, found in year.hours.items() if event.kind in ("snow", "storm")}
    assert len(storms) == 5
    late = {
        event.name: None if spoken is None else spoken.after(onset)
        for event, (onset, spoken) in storms.items()
        if spoken is None or spoken.after(onset) > LATE.get(event.name, IN_TIME)
    }
    assert late == {}


def test_the_first_storm_and_the_bulk_entries_are_raised_by_alerts_of_their_own(year: Year) -> None:
    """Nothing was open before them, so nothing else can stand for them."""
    alone = [event for event in year.events if event.kind == "artefact" or event.name.startswith("Blizzard Juno")]
    assert [event.name for event in alone if not year.verdict.events[event].raised] == []


def test_an_alert_is_a_sentence_in_three_languages_with_versions_that_count_up(year: Year) -> None:
    versions: dict[str, int] = {}
    for alert in year.alerts:
        assert alert.version == versions.get(alert.id, 0) + 1
        versions[alert.id] = alert.version
        assert alert.mode == "replay"
        assert all((alert.headline.en, alert.headline.fr, alert.headline.es))


def _report(year: Year) -> Iterator[str]:
    yield f"Boston 311, 2015 before {UNTIL}, budget {BUDGET:g} a week:"
    for event, found in year.verdict.events.items():
        word = "raised" if found.raised else "still rising" if found.rising else "missed"
        by = f"{len(found.raised)} new, {len(found.rising)} open"
        yield f"  {word:12} {event.start} {event.name} ({event.kind}; {by})"
        if event in year.hours:
            yield f"  {'':12} {_hours(*year.hours[event])}"
    surges = sum(alert.kind == "surge" for alert in year.verdict.other)
    yield f"  {len(year.verdict.other)} other alerts, {len(year.verdict.other) / WEEKS:.1f} a week ({surges} surges)"


def _hours(onset: Onset, spoken: Spoken | None) -> str:
    """When it began in the calls and when it was told, in Boston's time."""
    began = f"first surge hour {onset.hour:%m-%d %H:%M} ({onset.calls} {onset.category}); "
    if spoken is None:
        return began + "never told"
    how = "raised" if spoken.new else "an open alert rose"
    after = spoken.after(onset) / dt.timedelta(hours=1)
    return began + f"{how} {spoken.at.astimezone(ZONE):%m-%d %H:%M}, {after:+.1f} h ({spoken.need})"
