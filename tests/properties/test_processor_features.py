"""The fold says the same on processors with and without wide instructions, whose exp and log differ in the last bit."""

import importlib
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec

from schemas.alert import Alert
from services.detector.domain.outputs import Output
from tests.detector_world import HOUR, MINUTE, SECOND, WARM, warm

ROOT = Path(__file__).resolve().parents[2]


def told() -> list[Output]:
    """What a warm home area says to a surge, late calls, a label and a day after them."""
    world = warm()
    said = world.burst(25, at=WARM + MINUTE)
    said += world.one("BH", "tx-2", at=world.now + SECOND, time=WARM - 2 * HOUR)
    said += world.usual(WARM + 10 * HOUR)
    alert = next(output.value.id for output in said if isinstance(output.value, Alert))
    said += world.control("label", "label", {"alert_id": alert, "label": "data_problem"}, home_area="tx")
    return said + world.usual(WARM + 30 * HOUR)


def digest() -> str:
    """SHA-256 of all that is said, and how much that is."""
    said = told()
    whole = sha256()
    for output in said:
        value = output.value
        whole.update(value.model_dump_json().encode() if isinstance(value, Alert) else msgspec.json.encode(value))
    return f"{len(said)} {whole.hexdigest()}"


def test_without_the_processors_wide_instructions_the_fold_says_the_same() -> None:
    numpy = importlib.import_module("numpy._core._multiarray_umath")
    wide = [name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__[name]]
    program = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__ as all_, __cpu_features__ as has\n"
        "from tests.properties.test_processor_features import digest\n"
        "print(sum(has[name] for name in all_), digest())"
    )
    environ = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(wide), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", *digest().split()]
