"""Where the shared data lies: beside the repository, or where GROUNDSWELL_SHARED says."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; a machine without it fails the tests that need it."""
    folder = Path(os.environ.get("GROUNDSWELL_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not (folder / "known_events.csv").is_file():
        pytest.fail(
            f"the real data sets are not at {folder}; set GROUNDSWELL_SHARED to the folder that holds data/",
            pytrace=False,
        )
    return folder
