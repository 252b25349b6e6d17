"""The parts of `up` that need no Kafka: ports, folder, clock, driver, children, plan."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from schemas.call_event import CallEvent
from services.cli.errors import CliError
from services.cli.ports import Ports, refuse_taken
from services.cli.simulation import demo_region
from services.cli.up.child import Child
from services.cli.up.clockwork import SimulatedClock
from services.cli.up.driver import Driver
from services.cli.up.folder import locked, log_file
from services.cli.up.layout import Options, plan
from services.cli.up.note import running_environment, write_note
from services.cli.up.poster import Call, NotTaken
from services.cli.up.region import PLAN_MS, CallStream, Demo, last_july, load_demo
from services.cli.up.stopping import stop_on_signals
from services.cli.up.words import as_json, as_text
from services.runtime.clock import SystemClock
from services.runtime.settings import load_settings

HOUR = 3_600_000


class FixedClock:
    """A wall clock that stands far ahead of the demo."""

    def now_ms(self) -> int:
        return 10**12

    def monotonic(self) -> float:
        return 0.0


class Log:
    """Takes calls and ticks; may be away."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.ticks: list[int] = []
        self.away = False

    def post_calls(self, calls: Iterable[Call]) -> int:
        if self.away:
            raise NotTaken("ingest answered 503")
        taken = [call["logged_at"] for call in calls]
        self.calls += taken
        return len(taken)

    def post_tick(self, at_ms: int) -> int:
        if self.away:
            raise NotTaken("ingest answered 503")
        self.ticks.append(at_ms)
        return at_ms


def one_call_a_minute(start: int, end: int) -> Iterable[Call]:
    return [{"logged_at": at} for at in range(start - start % -60_000, end, 60_000)]


def driver(log: Log, said: list[str]) -> Driver:
    return Driver(one_call_a_minute, log, SimulatedClock(0, 240.0), FixedClock(), said.append)


def test_every_call_is_posted_once_and_time_is_told_after_it() -> None:
    log, said = Log(), list[str]()
    demo = driver(log, said)
    for _ in range(30):
        demo.step(0.5)
    assert log.ticks[-1] == HOUR
    assert log.calls == list(range(0, HOUR, 60_000))
    assert said == []


def test_while_ingest_is_away_simulated_time_stands_still_and_nothing_is_lost() -> None:
    log, said = Log(), list[str]()
    demo = driver(log, said)
    demo.step(1.0)
    log.away = True
    for _ in range(100):
        demo.step(1.0)
    log.away = False
    demo.step(1.0)
    demo.step(1.0)
    assert log.calls == list(range(0, log.ticks[-1], 60_000))
    assert log.ticks[-1] <= 3 * 240_000
    assert said == ["ingest answered 503", "ingest takes calls again"]


def test_the_demo_follows_when_somebody_else_moved_the_log_on() -> None:
    log, said = Log(), list[str]()
    demo = driver(log, said)
    demo.step(1.0)
    log.post_tick = lambda at_ms: 5 * HOUR  # type: ignore[method-assign]
    demo.step(1.0)
    demo.step(1.0)
    assert min(at for at in log.calls if at > HOUR) >= 5 * HOUR


def test_simulated_time_never_passes_the_wall_clock_and_never_goes_back() -> None:
    clock = SimulatedClock(now_ms=1_000_000, speed=240.0)
    assert clock.advance(1.0, wall_ms=1_100_000) == 1_100_000
    assert clock.advance(1.0, wall_ms=1_000_000) == 1_100_000


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = Ports.from_base(0, "127.0.0.1")
        with pytest.raises(CliError, match=rf"port {port} \(for ingest\) is taken.*--port-base") as error:
            refuse_taken(Ports(free.page, port, free.detector, free.kafka), "127.0.0.1", embedded=True)
        assert error.value.status == 2
        with pytest.raises(CliError, match=rf"--broker 127\.0\.0\.1:{port}"):
            refuse_taken(Ports(free.page, free.ingest, free.detector, port), "127.0.0.1", embedded=True)
        refuse_taken(Ports(free.page, free.ingest, free.detector, port), "127.0.0.1", embedded=False)


def test_a_folder_in_use_is_refused_and_free_again_afterwards(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(CliError, match=rf"process {os.getpid()}.*--data DIR"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_long_log_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    path = log_file(tmp_path, "ingest")
    path.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    assert not log_file(tmp_path, "ingest").exists()
    assert path.with_name("ingest.log.1").exists()


def test_the_demo_runs_in_the_exercise_space_and_never_in_the_live_one(tmp_path: Path) -> None:
    none = load_settings({})
    assert plan(none, Options(data=tmp_path)).settings.space == "exercise"
    assert plan(none, Options(data=tmp_path, demo=False)).settings.space == "live"
    with pytest.raises(CliError, match="never runs in the live space"):
        plan(load_settings({"GROUNDSWELL_SPACE": "live"}), Options(data=tmp_path))


def test_other_commands_find_the_settings_of_a_running_up_but_no_secret(tmp_path: Path) -> None:
    layout = plan(load_settings({"GROUNDSWELL_ID_SECRET": "hush"}), Options(data=tmp_path, port_base=18000))
    write_note(layout.settings)
    assert running_environment(tmp_path) == {}
    with locked(tmp_path):
        noted = running_environment(tmp_path)
    assert noted["GROUNDSWELL_SPACE"] == "exercise"
    assert noted["GROUNDSWELL_API_PORT"] == "18000"
    assert "hush" not in json.dumps(noted)


def test_a_signal_ends_a_wait_at_once_and_a_second_one_is_urgent() -> None:
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(60.0)
        assert not stop.urgent
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.urgent


def test_a_child_that_dies_is_started_again_after_a_growing_pause(tmp_path: Path) -> None:
    child = Child("nothing", dict(os.environ), tmp_path / "nothing.log", SystemClock())
    said: list[str] = []
    with stop_on_signals() as stop:
        child.start()
        while child.deaths < 2 and not stop.wait(0.02):
            if sentence := child.look():
                said.append(sentence)
    child.finish()
    assert "started again in 0.5 s" in said[0]
    assert "started again in 1 s" in said[1]


def test_a_process_on_the_leash_ends_when_the_pipe_closes() -> None:
    code = (
        "import signal, threading; from services.cli.up.leash import hold;"
        "threading.Thread(target=hold, args=(0,), daemon=True).start(); print('held', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:
        assert held.stdin is not None
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"
        held.stdin.close()
        assert held.wait(60) == -signal.SIGTERM


def test_the_words_for_people_hold_an_address_that_logs_in_and_a_call_that_is_valid(tmp_path: Path) -> None:
    layout = plan(load_settings({}), Options(data=tmp_path))
    keys = {role: f"gs_{role}_x" for role in ("viewer", "coordinator", "admin", "ingest")}
    said = as_text(layout, keys, demo_region(1).reference(), 1_752_588_000_000)
    assert "http://127.0.0.1:8000/#key=gs_coordinator_x" in said
    body = said.partition("-d '")[2].partition("'\n")[0]
    call = CallEvent.model_validate_json(body)
    assert call.time.isoformat() == "2025-07-15T14:00:00+00:00"


def test_the_line_for_scripts_has_every_name_of_the_contract(tmp_path: Path) -> None:
    layout = plan(load_settings({}), Options(data=tmp_path, port_base=18000))
    line = json.loads(as_json(layout, {role: role for role in ("viewer", "coordinator", "admin", "ingest", "demo x")}))
    assert set(line) == {"page", "api", "ingest", "metrics", "kafka", "space", "ingest_source", "keys"}
    assert line["page"] == "http://127.0.0.1:18000/"
    assert line["ingest"] == "http://127.0.0.1:18001"
    assert line["kafka"] == "127.0.0.1:18003"
    assert set(line["keys"]) == {"viewer", "coordinator", "admin", "ingest"}


def test_the_demo_is_posted_piece_by_piece_without_a_gap_and_goes_on_after_a_plan_ends() -> None:
    demo = Demo(1, last_july(1_763_780_000_000))
    whole = [call["id"] for call in CallStream(demo).between(demo.start_ms, demo.start_ms + HOUR)]
    stream = CallStream(demo)
    pieces = [
        call["id"]
        for start in range(demo.start_ms, demo.start_ms + HOUR, HOUR // 4)
        for _ in range(2)
        for call in stream.between(start, start + HOUR // 4)
    ]
    assert list(dict.fromkeys(pieces)) == whole
    assert len(whole) > 100
    end = demo.start_ms + PLAN_MS
    assert [call for call in CallStream(demo).between(end - HOUR, end + HOUR) if call["logged_at"] >= end]


def test_a_second_start_takes_seed_and_time_of_the_first(tmp_path: Path) -> None:
    first = load_demo(tmp_path, 1, 1_763_780_000_000)
    again = load_demo(tmp_path, 2, 1_763_780_000_000 + 10**9)
    assert again.start_ms == first.start_ms
