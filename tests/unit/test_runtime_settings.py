"""Settings: what is wrong is named, what was given is not shown, and nothing is guessed."""

from pathlib import Path

import pytest

from services.runtime.settings import BadSettings, load_settings


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"GROUNDSWELL_GRID": "7"}, "GROUNDSWELL_GRID is not a setting"),
        ({"GROUNDSWELL_INGEST_PORT": "hunter2"}, "GROUNDSWELL_INGEST_PORT is wrong"),
        ({"GROUNDSWELL_SPACE": "Live hunter2"}, "GROUNDSWELL_SPACE is wrong"),
        ({"GROUNDSWELL_SEAL_HOURS": "73"}, "GROUNDSWELL_SEAL_HOURS is wrong"),
    ],
)
def test_a_wrong_or_unknown_setting_is_named_without_its_value(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load_settings(environ)
    assert sentence in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "groundswell.toml"
    file.write_text('space = "exercise"\ngrid_ms = 1000\n')
    found = load_settings({"GROUNDSWELL_GRID_MS": "250"}, file)
    assert (found.space, found.grid_ms) == ("exercise", 250)


def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("space =")
    for path, words in ((tmp_path / "none.toml", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(BadSettings, match=words):
            load_settings({}, path)
    with pytest.raises(BadSettings, match="is not TOML"):
        load_settings({}, tmp_path / "broken.toml")
