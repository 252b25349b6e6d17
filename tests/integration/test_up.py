"""`groundswell up` as a newcomer meets it: one command, everything, twice."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.log_tail import log_time
from services.cli.up.note import running_environment
from services.runtime.clock import SystemClock
from services.runtime.settings import load_settings
from tests.integration.running_up import RunningUp, is_alive, wait_gone

pytestmark = pytest.mark.timeout(1800)

Start = Callable[..., RunningUp]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `up` on a data folder of this test; whatever is left is ended."""
    running: list[RunningUp] = []

    def one(*arguments: str) -> RunningUp:
        running.append(RunningUp(tmp_path / "data", *arguments))
        return running[-1]

    yield one
    for up in running:
        up.close()


def eventually(ask: Callable[[], Any], seconds: float = 300.0) -> Any:
    """The first true answer."""
    clock, pause = SystemClock(), threading.Event()
    deadline = clock.monotonic() + seconds
    while not (answer := ask()):
        assert clock.monotonic() < deadline, f"not within {seconds} s: {ask}"
        pause.wait(0.3)
    return answer


def kill_leash(up: RunningUp, name: str) -> None:
    """Kills the child process of a part, not what it has started itself."""
    pid = next(pid for pid, command in up.descendants().items() if command.rstrip().endswith(f"leash {name}"))
    os.kill(pid, signal.SIGKILL)


def told(up: RunningUp, words: str) -> bool:
    """Whether the person at the terminal was told so."""
    return words in up.said()


def is_ready(base: str) -> bool:
    """Whether a service says so."""
    try:
        return httpx.get(f"{base}/health/ready", timeout=30, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def taken(ingest: httpx.Client, call: dict[str, Any]) -> Any:
    """The answer to a call, sent again while it is 503: then Kafka is slow, and the call may be known already."""

    def answered() -> httpx.Response | None:
        answer = ingest.post("/v1/events", json=call)
        return None if answer.status_code == 503 else answer

    return eventually(answered).json()


def test_one_command_starts_everything_and_an_alert_unfolds_then_ctrl_c_leaves_nothing(start: Start) -> None:
    up = start()
    line = up.wait_ready()
    assert set(line) == {"page", "api", "ingest", "metrics", "kafka", "space", "ingest_source", "keys"}
    assert line["space"] == "exercise"
    for base in (line["api"], line["ingest"], line["metrics"].removesuffix("/metrics")):
        eventually(partial(is_ready, base))
    assert "<html" in httpx.get(line["page"], timeout=60, trust_env=False).text

    def an_alert() -> Any:
        with up.client("viewer") as api:
            return api.get("/v1/alerts").json().get("items")

    alert = eventually(an_alert)[0]
    assert alert["mode"] == "exercise"
    assert alert["home_area"] == "marrow"

    call = {"id": "first", "source": line["ingest_source"], "time": alert["updated_at"], "line": "211", "needs": []}
    with up.client("ingest") as ingest:
        said = taken(ingest, call)
        assert (said["accepted"] + said["duplicates"], said["rejected"]) == (1, [])
        assert taken(ingest, call) == {"accepted": 0, "duplicates": 1, "rejected": []}

    children = up.descendants()
    assert len(children) >= 5
    assert up.stop() == 0
    wait_gone(children, 10.0)
    assert "did not stop in time" not in up.said()


def test_the_next_start_goes_on_with_the_same_keys_and_never_back_in_time(start: Start, tmp_path: Path) -> None:
    def log_reached(before: int = 0) -> int:
        def newest() -> int:
            reached = log_time(load_settings(running_environment(tmp_path / "data"))) or 0
            return reached if reached > before else 0

        return int(eventually(newest))

    first = start()
    keys = first.wait_ready()["keys"]
    before = log_reached()
    assert first.stop(signal.SIGTERM) == 0
    assert (tmp_path / "data" / "up-keys.json").stat().st_mode & 0o077 == 0

    second = start()
    assert second.wait_ready()["keys"] == keys
    assert log_reached(before) > before
    assert second.said().count("days of history") == 1
    assert second.stop() == 0


def test_a_folder_in_use_is_refused_and_a_service_that_dies_is_started_again(start: Start, tmp_path: Path) -> None:
    up = start("--no-demo")
    line = up.wait_ready()
    assert line["space"] == "live"
    second = subprocess.run(
        [sys.executable, "-m", "services.cli", "up", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 2
    assert f"process {up.process.pid}" in second.stderr

    for name, base in (("api", line["api"]), ("kafka", line["ingest"])):
        kill_leash(up, name)
        eventually(partial(told, up, f"{name} was killed by SIGKILL"))
        eventually(partial(is_ready, base))
    assert up.stop() == 0


def test_when_up_is_killed_its_children_stop_by_themselves(start: Start) -> None:
    up = start("--no-demo")
    up.wait_ready()
    children = up.descendants()
    assert len(children) >= 5
    up.process.kill()
    up.process.wait()
    wait_gone(children)
    assert not any(is_alive(pid) for pid in children)
