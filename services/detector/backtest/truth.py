"""What was true of a folder of counts: its surges and the series that had none, from a `truth.json`."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

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
        BadTruth: the file is missing or malformed, or names other series than the counts have.
    """
    try:
        raw = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        position = {name: i for i, name in enumerate(names)}
        known = {(row["need"], row["area"]) for row in raw["series"]}
        if known != set(names):
            raise BadTruth(f"{folder} is the truth of other counts: its series are not those of the counts")
        surges = tuple(_surge(row, position) for row in raw["surges"])
        start, end = _seconds(raw["test_from"]), _seconds(raw["end"])
    except (FileNotFoundError, NotADirectoryError):
        raise BadTruth(f"{folder} holds no truth.json") from None
    except (KeyError, TypeError, ValueError) as error:
        raise (
            error if isinstance(error, BadTruth) else BadTruth(f"{folder}: truth.json is malformed: {error}")
        ) from None
    quiet = np.ones(len(names), bool)
    quiet[[member for surge in surges for member in surge.members]] = False
    return Truth(start, end, surges, quiet)


def _surge(row: dict[str, Any], position: dict[tuple[str, str], int]) -> Surge:
    members = tuple(position[member["need"], member["area"]] for member in row["members"])
    return Surge(row["kind"], _seconds(row["onset"]), _seconds(row["end"]), members)


def _seconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp())
