"""Replay: batches with the file's own clock, an ingest that is busy or away, and what stays behind."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.cli.__main__ import run
from services.cli.batches import Batch, batches
from services.cli.errors import CliError
from services.cli.ingest_client import IngestClient
from services.cli.replay import Keys, Player
from services.ingest.sources.mapping import MappedRow
from services.runtime.access import KeyStore

MINUTE = 60_000


class FakeClock:
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> int:
        return 1_700_000_000_000 + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class FakeIngest(HTTPServer):
    """Answers what it is told to, then takes everything; remembers what came."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.answers = list(answers)
        self.took: list[tuple[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: FakeIngest
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.server.answers.pop(0) if self.server.answers else (202, {})
        said: dict[str, Any] = {"detail": "no"}
        if status in (202, 422):
            took = json.loads(body) if self.path == "/v1/ticks" else [json.loads(line) for line in body.splitlines()]
            self.server.took.append((self.path, took))
            bad = [one for one in took if isinstance(one, dict) and one.get("id") == "bad"] if took else []
            named = [{"index": 0, "field": "needs.3.code", "reason": "is not a code"} for _ in bad]
            said = {"accepted": len(took) - len(bad), "duplicates": 0, "rejected": named}
        data = json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def running(*answers: tuple[int, dict[str, str]]) -> Iterator[FakeIngest]:
    with FakeIngest(*answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def row(index: int, at_ms: int, source: str = "crm", identity: str | None = None) -> MappedRow:
    call = {"id": identity or str(index), "source": source, "time": "2026-01-05T10:00:00Z", "line": "211", "needs": []}
    return MappedRow(index, call=call, logged_at=at_ms)


def play(server: FakeIngest, rows: list[MappedRow], factor: float | None, tmp_path: Path) -> tuple[Player, FakeClock]:
    clock = FakeClock()
    client = IngestClient(f"http://127.0.0.1:{server.server_port}", clock, clock.sleep, patience_seconds=60)
    with Keys(KeyStore(tmp_path / "keys.json", clock), clock, None) as keys:
        player = Player(client, keys, clock, clock.sleep)
        try:
            player.play(player.readable(rows), factor)
        finally:
            client.close()
    return player, clock


def stamps(batch: Batch) -> list[int]:
    return [call["logged_at"] for call in batch.calls]


def test_stamps_never_go_back() -> None:
    rows = [row(number, at) for number, at in enumerate([1000, 5000, 2000, 6000])]
    (batch,) = batches(rows, span_ms=MINUTE)
    assert stamps(batch) == [1000, 5000, 5000, 6000]


def test_a_row_without_a_stamp_is_logged_at_its_own_time() -> None:
    mapped = MappedRow(0, call={"id": "1", "source": "crm", "time": "1970-01-01T00:00:07.5Z"})
    (batch,) = batches([mapped], span_ms=MINUTE)
    assert stamps(batch) == [7500]


def test_a_batch_ends_when_its_stretch_or_its_size_is_full() -> None:
    rows = [row(number, number * MINUTE) for number in range(10)]
    assert [len(one.calls) for one in batches(rows, span_ms=4 * MINUTE)] == [4, 4, 2]
    assert [len(one.calls) for one in batches(rows, span_ms=100 * MINUTE, largest=3)] == [3, 3, 3, 1]


def test_batches_of_several_sources_overlap_by_a_minute_at_most_and_lose_nothing() -> None:
    rows = [row(number, number * 7_000, "ab"[number % 3 == 0]) for number in range(100)]
    found = list(batches(rows, span_ms=1_000 * MINUTE))
    assert sorted(int(call["id"]) for one in found for call in one.calls) == list(range(100))
    assert all({call["source"] for call in one.calls} == {one.source} for one in found)
    latest = 0
    for one in found[1:]:
        assert one.first_ms > latest - MINUTE
        latest = max(latest, one.last_ms)


def test_everything_is_sent_in_order_and_time_passes_between(tmp_path: Path) -> None:
    rows = [row(number, number * 30 * MINUTE) for number in range(100)]
    with running() as server:
        player, _ = play(server, rows, None, tmp_path)
    sent = [call["id"] for path, took in server.took if path == "/v1/events" for call in took]
    assert sent == [str(number) for number in range(100)]
    log_time = 0
    for path, took in server.took:
        for at in [took["at"]] if path == "/v1/ticks" else [call["logged_at"] for call in took]:
            assert at >= log_time
            log_time = at
    assert log_time == 99 * 30 * MINUTE + 60 * MINUTE
    assert sum(path == "/v1/ticks" for path, _ in server.took) >= 8
    assert player.sentence() == "100 accepted, 0 duplicates, 0 refused"


def test_at_a_speed_a_call_is_sent_when_its_time_has_come(tmp_path: Path) -> None:
    rows = [row(number, number * 10 * MINUTE) for number in range(7)]
    with running() as server:
        _, clock = play(server, rows, 60.0, tmp_path)
    assert 60.0 <= clock.seconds < 63.0
    assert sum(path == "/v1/ticks" for path, _ in server.took) > 50


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_ingest_is_asked_again_when_it_says(status: int, tmp_path: Path) -> None:
    with running((status, {"Retry-After": "3"}), (status, {"Retry-After": "3"})) as server:
        player, clock = play(server, [row(0, 1000)], None, tmp_path)
    assert player.accepted == 1
    assert clock.seconds == 6.0


def test_a_key_just_made_may_need_a_moment(tmp_path: Path) -> None:
    with running((401, {}), (401, {})) as server:
        player, _ = play(server, [row(0, 1000)], None, tmp_path)
    assert player.accepted == 1


@pytest.mark.parametrize(
    ("answer", "status", "said"), [(401, 2, "does not know the key"), (413, 1, "413"), (503, 3, "took nothing for")]
)
def test_an_ingest_that_keeps_refusing_ends_the_replay(answer: int, status: int, said: str, tmp_path: Path) -> None:
    with running(*[(answer, {})] * 200) as server, pytest.raises(CliError, match=said) as ended:
        play(server, [row(0, 1000)], None, tmp_path)
    assert ended.value.status == status


def test_an_ingest_of_the_live_space_is_named(tmp_path: Path) -> None:
    with running((202, {}), (403, {})) as server, pytest.raises(CliError, match="live space"):
        play(server, [row(0, 1000)], None, tmp_path)


def test_refusals_add_up_by_reason_without_positions(tmp_path: Path) -> None:
    rows = [row(0, 1000), row(1, 2000, identity="bad"), row(2, 3000, identity="bad")]
    with running() as server:
        player, _ = play(server, rows, None, tmp_path)
    assert player.accepted == 1
    assert player.refusals.reasons == {("needs.*.code", "is not a code"): 2}


def test_the_keys_of_a_replay_are_revoked_at_its_end(tmp_path: Path) -> None:
    with running() as server:
        play(server, [row(0, 1000), row(1, 2000, "other")], None, tmp_path)
    assert json.loads((tmp_path / "keys.json").read_text(encoding="utf-8"))["keys"] == []


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["/no/such/file.csv", "--source", "boston311"], 2, "No such file"),
        (["FILE", "--source", "nobody"], 2, "no mapping"),
        (["FILE", "--source", "boston311"], 1, "the header lacks"),
        (["FILE", "--source", "boston311", "--speed", "slow"], 2, "--speed"),
        (["EMPTY", "--source", "boston311"], 1, "is empty"),
    ],
)
def test_wrong_use_is_a_sentence_before_anything_is_started(
    arguments: list[str], status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "FILE").write_text("Name,Phone\nJane,555\n", encoding="utf-8")
    (tmp_path / "EMPTY").write_bytes(b"")
    given = [str(tmp_path / one) if one in ("FILE", "EMPTY") else one for one in arguments]
    assert run(["replay", *given]) == status
    error = capsys.readouterr().err
    assert said in error
    assert "Jane" not in error
