"""The live stream: hello, what was missed, changes as they come, beats, slow clients, a quick stop."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.api.database import Database
from services.api.hub import QUEUE, QUEUE_BYTES
from tests.api_parts import NOW, Parts, Tape, alert, events, home_status, partition_status, parts, prepared, running

DEADLINE = 120.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    yield found
    found.close()


@contextmanager
def listening(
    address: str, made: Parts, *, last: int | None = None, **scope: Any
) -> Iterator[Iterator[tuple[str, int | None, dict[str, Any]]]]:
    headers = made.headers(**scope) | ({} if last is None else {"Last-Event-ID": str(last)})
    with httpx.stream("GET", f"{address}/v1/alerts/stream", headers=headers, timeout=DEADLINE) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def until_beat(stream: Iterator[tuple[str, int | None, dict[str, Any]]]) -> list[tuple[str, int]]:
    """(id, version) of the alerts before the first beat, with their places checked to grow."""
    seen, last = [], 0
    for name, seq, data in stream:
        if name == "beat":
            return seen
        if name == "alert":
            assert seq is not None
            assert seq > last
            last = seq
            seen.append((data["id"], data["version"]))
    raise AssertionError("the stream ended")


def next_alert(stream: Iterator[tuple[str, int | None, dict[str, Any]]]) -> tuple[int, dict[str, Any]]:
    for name, seq, data in stream:
        if name == "alert" and seq is not None:
            return seq, data
    raise AssertionError("the stream ended")


def test_a_new_client_is_greeted_and_gets_all_open_alerts(database: Database, tmp_path: Path) -> None:
    Tape(database).alerts(alert("a", 1), alert("b", 1, status="ended"), alert("c", 1, status="easing"))
    made = parts(database, tmp_path)
    with running(made.app, made.health) as address, listening(address, made) as stream:
        name, seq, hello = next(stream)
        assert (name, seq, hello["gap"], hello["mode"]) == ("hello", None, False, "live")
        assert hello.keys() == {"version", "build", "now", "gap", "mode"}
        assert until_beat(stream) == [("a", 1), ("c", 1)]


def test_a_change_is_pushed_at_once_with_its_place(database: Database, tmp_path: Path) -> None:
    tape, made = Tape(database), parts(database, tmp_path)
    usual, made.hub._poll_seconds = made.hub._poll_seconds, 3600.0  # nobody looks by himself: who is told looks
    with running(made.app, made.health) as address, listening(address, made) as stream:
        assert next(stream)[0] == "hello"
        made.hub.wake()
        until_beat(stream)
        tape.alerts(alert("a", 1))
        made.hub.wake()
        seq, data = next_alert(stream)
        made.hub._poll_seconds = usual
        made.hub.wake()
    assert (seq, data["id"], data["human_version"]) == (NOW + 1, "a", 0)


def test_a_resumed_stream_begins_after_the_last_event_even_across_a_restart(database: Database, tmp_path: Path) -> None:
    tape = Tape(database)
    first = parts(database, tmp_path)
    with running(first.app, first.health) as address, listening(address, first) as stream:
        until_beat(stream)
        tape.alerts(alert("a", 1))
        first.hub.wake()
        last, _ = next_alert(stream)
    tape.alerts(alert("b", 1), alert("a", 2, status="ended"))
    tape.alerts(alert("c", 1))
    second = parts(database, tmp_path)
    with running(second.app, second.health) as address, listening(address, second, last=last) as stream:
        assert next(stream)[2]["gap"] is False
        assert until_beat(stream) == [("b", 1), ("a", 2), ("c", 1)], "the end of `a` is told, though it is not open"


@pytest.mark.parametrize("last", [5, NOW - 1, NOW + 1000, 10**30])
def test_a_position_that_is_not_of_this_feed_says_gap_and_begins_afresh(
    database: Database, tmp_path: Path, last: int
) -> None:
    Tape(database).alerts(alert("a", 1), alert("b", 1, status="ended"))
    made = parts(database, tmp_path)
    with running(made.app, made.health) as address, listening(address, made, last=last) as stream:
        assert next(stream)[2]["gap"] is True
        assert until_beat(stream) == [("a", 1)]


def test_a_client_that_missed_too_much_begins_afresh(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.feed.MAX_RESUME", 3)
    monkeypatch.setattr("services.api.stream.MAX_RESUME", 3)
    Tape(database).alerts(*(alert(f"a{index}", 1, status="ended") for index in range(4)))
    made = parts(database, tmp_path)
    with running(made.app, made.health) as address:
        with listening(address, made, last=NOW) as stream:
            assert next(stream)[2]["gap"] is True
        with listening(address, made, last=NOW + 1) as stream:
            assert next(stream)[2]["gap"] is False


def test_a_beat_says_how_old_things_are(database: Database, tmp_path: Path) -> None:
    from services.runtime.clock import SystemClock

    now = SystemClock().now_ms()
    Tape(database).status(
        home_status(log_time=now - 1000), partition_status(written_at=now - 2000, log_time=now - 3000)
    )
    made = parts(database, tmp_path, beat_seconds=0.2)
    with running(made.app, made.health) as address, listening(address, made) as stream:
        beats = [data for name, _, data in (next(stream) for _ in range(5)) if name == "beat"]
    passed = (SystemClock().now_ms() - now) / 1000
    assert beats[-1].keys() == {"now", "log_time", "lag_seconds", "sources_silent", "mode"}
    assert 2.0 <= beats[-1]["lag_seconds"] <= 2.0 + passed
    assert beats[-1]["sources_silent"] == []
    assert beats[-1]["now"].endswith("Z")


def test_a_scope_hides_changes_elsewhere(database: Database, tmp_path: Path) -> None:
    tape, made = Tape(database), parts(database, tmp_path)
    tape.alerts(alert("m", 1))
    with running(made.app, made.health) as address, listening(address, made, home_area="coast") as stream:
        assert until_beat(stream) == []
        tape.alerts(alert("m", 2), alert("c", 1, home_area="coast", area="coast"))
        made.hub.wake()
        assert next_alert(stream)[1]["id"] == "c"


def test_versions_never_go_back_while_many_changes_come(database: Database, tmp_path: Path) -> None:
    tape, made = Tape(database), parts(database, tmp_path)

    def write() -> None:
        for version in range(1, 80):
            tape.alerts(alert("a", version), alert("b", version))
            made.hub.wake()

    with running(made.app, made.health) as address:
        writer = threading.Thread(target=write)
        writer.start()
        newest: dict[str, int] = {}
        for _ in range(3):
            with listening(address, made) as stream:
                seen: dict[str, int] = {}
                while seen.get("b", 0) < 79 and len(seen) < 2:
                    _, data = next_alert(stream)
                    assert data["version"] > seen.get(data["id"], 0)
                    seen[data["id"]] = data["version"]
        with listening(address, made) as stream:
            while newest.get("b", 0) < 79:
                _, data = next_alert(stream)
                assert data["version"] > newest.get(data["id"], 0)
                newest[data["id"]] = data["version"]
        writer.join()


def test_a_client_that_stops_reading_is_dropped_and_others_are_not(database: Database, tmp_path: Path) -> None:
    tape, made = Tape(database), parts(database, tmp_path)
    headline = dict.fromkeys(("en", "fr", "es"), "x" * 20000)
    with running(made.app, made.health) as address, listening(address, made) as stream:
        until_beat(stream)
        host, _, port = address.removeprefix("http://").partition(":")
        sleeper = socket.socket()
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect((host, int(port)))
        key = made.key()
        sleeper.sendall(f"GET /v1/alerts/stream HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {key}\r\n\r\n".encode())
        wait_for(lambda: metric(made, "groundswell_api_stream_clients") == 2)
        version = 0
        while metric(made, "groundswell_api_stream_dropped_total") == 0:
            version += 1
            assert version < 40 * QUEUE, "the client was never dropped"
            tape.alerts(alert("a", version, headline=headline))
            made.hub.wake()
            assert next_alert(stream)[1]["version"] == version
        assert version * 60_000 > QUEUE_BYTES, "it was dropped before the bound"
        wait_for(lambda: metric(made, "groundswell_api_stream_clients") == 1)
        sleeper.close()


def test_a_revoked_key_ends_its_stream(database: Database, tmp_path: Path) -> None:
    made = parts(database, tmp_path)
    key_id, key = made.keys.add("viewer", "leaving")
    with (
        running(made.app, made.health) as address,
        httpx.stream("GET", f"{address}/v1/alerts/stream", headers={"X-API-Key": key}, timeout=DEADLINE) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        made.keys.revoke(key_id)
        for _ in lines:
            pass


def test_open_streams_end_by_themselves_when_the_service_stops(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server waits for its open requests: here for longer than `running` does for the server."""
    monkeypatch.setattr("services.runtime.lifecycle.GRACEFUL_SECONDS", 600)
    made = parts(database, tmp_path)
    with running(made.app, made.health) as address:
        answers = [
            httpx.Client(timeout=DEADLINE).send(
                httpx.Request("GET", f"{address}/v1/alerts/stream", headers=made.headers()), stream=True
            )
            for _ in range(3)
        ]
        wait_for(lambda: metric(made, "groundswell_api_stream_clients") == 3)
    for answer in answers:
        answer.close()


def test_a_replica_sees_what_another_process_wrote_without_being_told(postgres_url: str, tmp_path: Path) -> None:
    mine, other = prepared(postgres_url), Database(postgres_url)
    made = parts(mine, tmp_path)
    with running(made.app, made.health) as address, listening(address, made) as stream:
        until_beat(stream)
        Tape(other).alerts(alert("a", 1))
        assert next_alert(stream)[1]["id"] == "a"
    mine.close()
    other.close()


def metric(made: Parts, name: str) -> float:
    return made.registry.get_sample_value(name) or 0.0


def wait_for(condition: Any) -> None:
    """Until it is true, or DEADLINE."""
    end, pause = time.monotonic() + DEADLINE, threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        pause.wait(0.02)
