"""A reference written as the files of a reference folder (contracts.md §1), read back by `read_reference`."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from schemas.reference import Area, Need, Reference, Trigger
from schemas.reference_files import WEEKDAYS

_AREA_FIELDS = (
    "code",
    "parent",
    "name",
    "latitude",
    "longitude",
    "timezone",
    "population",
    "same",
    "ugc",
    "sgc",
    "fsa",
)
_NEED_FIELDS = (
    "code", "parent", "name_en", "name_fr", "name_es", "line",
    "lifeline", "category", "sensitive", "playbook", "cap_event",
)  # fmt: skip
_TRIGGER_FIELDS = ("need", "area", "count", "hours", "playbook_en", "playbook_fr", "playbook_es", "severity")


def write_reference(folder: Path, reference: Reference) -> None:
    """Writes every file that has something in it; raises OSError when the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "areas.csv", _AREA_FIELDS, map(_area, reference.areas))
    _write(folder / "needs.csv", _NEED_FIELDS, map(_need, reference.needs))
    _write(folder / "holidays.csv", ("date", "area", "name"), map(msgspec.structs.astuple, reference.holidays))
    if reference.hours:
        rows = [(one.source, WEEKDAYS[one.weekday], _clock(one.open), _clock(one.close)) for one in reference.hours]
        _write(folder / "hours.csv", ("source", "weekday", "open", "close"), rows)
    if reference.crosswalk:
        _write(
            folder / "crosswalk.csv",
            ("source", "from_code", "to_code"),
            map(msgspec.structs.astuple, reference.crosswalk),
        )
    if reference.triggers:
        _write(folder / "triggers.csv", _TRIGGER_FIELDS, map(_trigger, reference.triggers))
    if bytes(reference.shapes) != b"null":
        shapes = json.dumps(json.loads(bytes(reference.shapes)), ensure_ascii=False, indent=1)
        (folder / "areas.geojson").write_text(shapes + "\n", encoding="utf-8")


def _area(area: Area) -> Sequence[object]:
    return [getattr(area, name) for name in _AREA_FIELDS]


def _need(need: Need) -> Sequence[object]:
    values = {name: getattr(need, name) for name in _NEED_FIELDS}
    return list((values | {"sensitive": "yes" if need.sensitive else ""}).values())


def _trigger(trigger: Trigger) -> Sequence[object]:
    return [getattr(trigger, name) for name in _TRIGGER_FIELDS]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _write(path: Path, fields: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields)
        writer.writerows(rows)
