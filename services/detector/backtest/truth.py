"""What was true of a folder of counts: its surges and the series that had none, from a `truth.json`."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WEEK_SECONDS = 7 * 86_400
ONLY_FOR_DELAYS = "jump"
"""Kind of surge that is too large to tell detectors apart by whether it is found."""


class BadTruth(ValueError):
    """A truth file that cannot be read or does not belong to these counts."""


@dataclass(frozen=True)
class Surge:
    """A labelled rise; times are Unix seconds."""

    kind: str
    onset: int
    end: int
    members: tuple[int, ...]
    """Indices of the leaf series that rise."""


@dataclass(frozen=True)
class Truth:
    """What is judged: the time from `start` to `end` (Unix seconds)."""

    start: int
    end: int
    surges: tuple[Surge, ...]
    quiet: NDArray[np.bool_]
    """Which series belong to no surge."""

    @property
    def weeks(self) -> float:
        """Length of the time that is judged."""
        return (self.end - self.start) / WEEK_SECONDS

    @property
    def counted(self) -> tuple[Surge, ...]:
        """Surges that count for the share found and for the mean delay."""
        return tuple(surge for surge in self.surges if surge.kind != ONLY_FOR_DELAYS)


def read_truth(folder: Path, names: list[tuple[str, str]]) -> Truth:
    """truth.json of a folder; `names` are (need, area) of the series of the counts.

    Raises:
        BadTruth: the file is missing or malformed, or names other series than the counts have; the message says what
            is wrong, where, and what to do.
    """
    path = folder / "truth.json"
    whole = _Object(path, "", _read(path))
    position = {name: i for i, name in enumerate(names)}
    _same_series(path, {row.series() for row in whole.rows("series")}, set(names))
    surges = tuple(_surge(row, position) for row in whole.rows("surges"))
    start, end = whole.seconds("test_from"), whole.seconds("end")
    if start >= end:
        raise whole.wrong("test_from", "is not before `end`; write the time from which it is judged")
    quiet = np.ones(len(names), bool)
    quiet[[member for surge in surges for member in surge.members]] = False
    return Truth(start, end, surges, quiet)


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BadTruth(f"{path.parent} holds no truth.json") from None
    except OSError as error:
        raise BadTruth(f"{path}: {error.strerror}; give a file that can be read") from None
    except (ValueError, RecursionError) as error:
        raise BadTruth(f"{path} is malformed, it is not JSON: {error}") from None


def _same_series(path: Path, known: set[tuple[str, str]], counted: set[tuple[str, str]]) -> None:
    if known == counted:
        return
    need, area = min(known ^ counted)
    where = "the truth has" if (need, area) in known else "the counts have"
    raise BadTruth(
        f"{path} is the truth of other counts: only {where} {need} in {area}; "
        "give --counts and --truth of one simulation, in the same order"
    )


def _surge(row: "_Object", position: dict[tuple[str, str], int]) -> Surge:
    members = []
    for member in row.rows("members"):
        series = member.series()
        if series not in position:
            raise member.wrong("need", f"in {series[1]} is no series of the counts; leave the member out")
        members.append(position[series])
    if not members:
        raise row.wrong("members", "is empty; name the series that rise")
    surge = Surge(row.text("kind"), row.seconds("onset"), row.seconds("end"), tuple(members))
    if surge.onset >= surge.end:
        raise row.wrong("onset", "is not before `end`; write when the rise begins and when it is over")
    return surge


class _Object:
    """An object of the file, and where it stands."""

    def __init__(self, path: Path, place: str, raw: object) -> None:
        self._path, self._place = path, place
        if not isinstance(raw, dict):
            raise BadTruth(f"{path} is malformed: {place or 'the file'} is {_short(raw)}; write an object {{…}} there")
        self._raw: dict[str, object] = raw

    def wrong(self, key: str, why: str) -> BadTruth:
        """The error for one value."""
        place = f"{self._place}.{key}" if self._place else key
        return BadTruth(f"{self._path} is malformed: {place} {_short(self._raw.get(key))} {why}")

    def rows(self, key: str) -> "list[_Object]":
        """Objects of a list."""
        rows = self._get(key)
        if not isinstance(rows, list):
            raise self.wrong(key, "is not a list; write [{…}, …]")
        place = f"{self._place}.{key}" if self._place else key
        return [_Object(self._path, f"{place}[{number}]", row) for number, row in enumerate(rows)]

    def text(self, key: str) -> str:
        """A string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "is not a string; write one")
        return value

    def series(self) -> tuple[str, str]:
        """(need, area)."""
        return self.text("need"), self.text("area")

    def seconds(self, key: str) -> int:
        """A moment as Unix seconds."""
        text = self.text(key)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return round(moment.timestamp())
        except (ValueError, OverflowError):
            pass
        raise self.wrong(key, "is not a time with its offset, such as 2025-01-06T06:00:00Z")

    def _get(self, key: str) -> object:
        if key not in self._raw:
            raise BadTruth(f"{self._path} is malformed: {self._place or 'the file'} lacks {key}; add it")
        return self._raw[key]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
