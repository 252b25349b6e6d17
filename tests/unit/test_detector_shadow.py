"""`shadow` begins as a worker that rebuilds does."""

from pathlib import Path

import pytest

from services.detector import shadow
from services.detector.domain.fold import State
from services.detector.rebuild import Remembered
from services.detector.shadow import Shadow
from services.runtime.settings import Settings
from tests.detector_world import CONFIG, REFERENCE


@pytest.mark.parametrize(("begin", "budgets"), [(0, {}), (7, {"tx": 5.0})])
def test_a_whole_log_says_all_of_it_itself(
    begin: int, budgets: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = Remembered(State(budgets={"tx": 5.0}), begin, 40, 0, ())
    folded: list[State] = []
    monkeypatch.setattr(shadow, "read_all", lambda *_: [])
    monkeypatch.setattr(shadow, "read_each", lambda *_: iter(()))
    monkeypatch.setattr(shadow, "remember", lambda *_: remembered)
    monkeypatch.setattr(Shadow, "_fold", lambda _, state, __: folded.append(state) or iter(()))
    made = Shadow(Settings(space="exercise", data=tmp_path), CONFIG, lambda _: REFERENCE)  # type: ignore[arg-type]
    assert list(made.alerts()) == []
    assert [(state.budgets, state.rules) for state in folded] == [(budgets, None)]
