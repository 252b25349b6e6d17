"""What another budget or version tells otherwise: gained, lost, moved."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.alert import Alert
from services.cli.differences import compare
from tests.api_parts import alert

NEEDS = {"B": ("B",), "BH": ("BH", "B"), "BH-1800": ("BH-1800", "BH", "B"), "BV": ("BV", "B")}
AREAS = {"metro": ("metro",), "east": ("east", "metro"), "west": ("west", "metro")}


def one(name: str, *, hours: float = 0, **changes: Any) -> Alert:
    made = Alert.model_validate_json(alert(name, **changes))
    return made.model_copy(update={"raised_at": made.raised_at + timedelta(hours=hours)})


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (one("a"), "same"),
        (one("a", severity="severe"), "moved"),
        (one("b"), "moved"),
        (one("b", hours=-11), "moved"),
        (one("b", need="BH", area="metro"), "moved"),
        (one("b", hours=13), "gained lost"),
        (one("b", need="BV"), "gained lost"),
        (one("b", area="west"), "gained lost"),
        (one("b", kind="trend"), "gained lost"),
        (None, "lost"),
    ],
)
def test_two_tellings_of_one_rise(after: Alert | None, word: str) -> None:
    found = compare([one("a")], [after] if after else [], NEEDS.__getitem__, AREAS.__getitem__)
    counts = {"same": found.same, "gained": len(found.gained), "lost": len(found.lost), "moved": len(found.moved)}
    assert " ".join(name for name, number in counts.items() if number) == word
    assert sum(counts.values()) == len(word.split())


def test_the_nearest_in_time_is_the_same_rise_and_the_other_is_gained() -> None:
    before, near, far = one("a"), one("near", hours=1), one("far", hours=-5)
    found = compare([before], [far, near], NEEDS.__getitem__, AREAS.__getitem__)
    assert [(move.after.id, move.minutes) for move in found.moved] == [("near", 60)]
    assert [lone.id for lone in found.gained] == ["far"]
