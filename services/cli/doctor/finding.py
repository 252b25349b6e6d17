"""What one check found."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from services.cli.errors import FAILED, UNREACHABLE, WRONG_USE


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    NOTE = "note"
    """Works, but should be known."""
    WRONG = "wrong"
    """Does not work as it is set."""
    AWAY = "away"
    """A dependency is not reachable."""
    SKIPPED = "skipped"
    """Cannot be told, because something else is away."""


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    check: str
    state: State
    detail: str
    todo: str = ""
    status: int = 0
    """Exit status that it asks for."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: value for name, value in asdict(self).items() if name != "status"}


def ok(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, detail)


def note(check: str, detail: str, todo: str = "") -> Finding:
    """Worth knowing; not an error."""
    return Finding(check, State.NOTE, detail, todo)


def wrong(check: str, detail: str, todo: str, status: int = WRONG_USE) -> Finding:
    """Does not work as it is set."""
    return Finding(check, State.WRONG, detail, todo, status)


def failed(check: str, detail: str, todo: str) -> Finding:
    """Is set right and does not work."""
    return Finding(check, State.WRONG, detail, todo, FAILED)


def away(check: str, detail: str, todo: str) -> Finding:
    """A dependency is not reachable."""
    return Finding(check, State.AWAY, detail, todo, UNREACHABLE)


def skipped(check: str, because: str) -> Finding:
    """Cannot be told."""
    return Finding(check, State.SKIPPED, because)


def exit_status(findings: Iterable[Finding]) -> int:
    """3 when a dependency is away, else 2 when a setting is wrong, else 1 when something does not work, else 0.

    >>> exit_status([ok("a", ""), wrong("b", "", ""), away("c", "", "")])
    3
    """
    asked = {finding.status for finding in findings}
    return next((status for status in (UNREACHABLE, WRONG_USE, FAILED) if status in asked), 0)
