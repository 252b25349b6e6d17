"""The API as a process of its own on a real Kafka: waits, folds, streams, survives kill -9, refuses wrong settings."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from schemas.reference import Need, Reference, content_hash, encode_reference
from schemas.space_config import POINTER_KEY, SpaceConfig
from schemas.topics import (
    ACTIONS,
    ALERTS,
    CALLS,
    REFERENCE,
    REJECTED,
    SERIES,
    STATUS,
    TOPICS,
    Topic,
    topic_config,
)
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.kafka import Record, ReliableProducer, ensure_topics, read_all
from services.runtime.settings import Settings
from tests.api_parts import BOOK, NOW, alert, events, home_status, partition_status, point, series

DEADLINE = 200.0
"""Also for the end of a process and for one answer: of a machine that is far slower than this one."""
ROOT = Path(__file__).parents[2]


class Space:
    """A space of this test's own on the shared broker, and API processes in it."""

    def __init__(self, bootstrap: str, folder: Path, port: int, **more: str) -> None:
        self.name = f"t{secrets.token_hex(6)}"
        self.settings = Settings(kafka_bootstrap=bootstrap, space=self.name, partitions=2, data=folder, api_port=port)
        self.more = more
        self.address = f"http://127.0.0.1:{port}"
        self.key = KeyStore(self.settings.keys()).add("viewer", "test")[1]
        self.log = folder / "api.log"

    def create_topics(self) -> None:
        wanted = {
            topic.in_space(self.name): (topic.partitions or 2, topic_config(topic, self.name)) for topic in TOPICS
        }
        ensure_topics(self.settings, wanted)

    def set_up(self, reference: Reference = BOOK.reference, **changes: Any) -> None:
        body = encode_reference(reference)
        config = SpaceConfig("exercise", 500, 6, 3.0, 2, content_hash(body))
        config = msgspec.structs.replace(config, **changes)
        topic = REFERENCE.in_space(self.name)
        self.write(
            Record(topic, body, key=config.reference.encode()),
            Record(topic, msgspec.json.encode(config), key=POINTER_KEY.encode()),
        )

    def write(self, *records: Record) -> None:
        with ReliableProducer(self.settings, SystemClock(), limits={}) as producer:
            producer.write(records, 30)

    def alerts(self, *values: bytes) -> None:
        self.write(*(Record(ALERTS.in_space(self.name), value, key=b"a") for value in values))

    def start(self) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        environment |= {
            "GROUNDSWELL_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "GROUNDSWELL_SPACE": self.name,
            "GROUNDSWELL_PARTITIONS": "2",
            "GROUNDSWELL_DATA": str(self.settings.data),
            "GROUNDSWELL_API_PORT": str(self.settings.api_port),
            **self.more,
        }
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "services.api"], cwd=ROOT, env=environment, stderr=log)

    def get(self, path: str) -> Any:
        return httpx.get(self.address + path, headers={"X-API-Key": self.key}, timeout=DEADLINE).json()

    def ready(self) -> tuple[int, dict[str, Any]]:
        try:
            answer = httpx.get(self.address + "/health/ready", timeout=10)
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()

    def wait_ready(self) -> None:
        self.wait(lambda: self.ready()[0] == 200)

    def wait(self, condition: Callable[[], Any]) -> None:
        end, pause = time.monotonic() + DEADLINE, threading.Event()
        while not condition():
            assert time.monotonic() < end, f"not in time: {self.ready()} {self.log.read_text()[-3000:]}"
            pause.wait(0.1)

    @contextmanager
    def stream(self, last: int | None = None) -> Iterator[Iterator[tuple[str, int | None, dict[str, Any]]]]:
        headers = {"X-API-Key": self.key} | ({} if last is None else {"Last-Event-ID": str(last)})
        with httpx.stream("GET", self.address + "/v1/alerts/stream", headers=headers, timeout=DEADLINE) as answer:
            yield events(answer.iter_lines())


@pytest.fixture(params=["sqlite", "postgres"])
def space(request: pytest.FixtureRequest, kafka_bootstrap: str, tmp_path: Path, free_port: int) -> Space:
    if request.param == "sqlite":
        return Space(kafka_bootstrap, tmp_path, free_port)
    url = request.getfixturevalue("postgres_url")
    return Space(kafka_bootstrap, tmp_path, free_port, GROUNDSWELL_DATABASE_URL=url)


@contextmanager
def process(space: Space) -> Iterator["subprocess.Popen[bytes]"]:
    child = space.start()
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(DEADLINE)
            finally:
                child.kill()


def next_alert(stream: Iterator[tuple[str, int | None, dict[str, Any]]]) -> tuple[int, dict[str, Any]]:
    for name, seq, data in stream:
        if name == "alert" and seq is not None:
            return seq, data
    raise AssertionError("the stream ended")


def test_an_alert_on_the_log_is_on_the_stream_and_a_kill_loses_and_repeats_nothing(space: Space) -> None:
    with process(space) as api:
        space.wait(lambda: "does not exist yet" in str(space.ready()[1]))
        assert space.ready()[0] == 503
        space.create_topics()
        space.wait(lambda: "no configuration yet" in str(space.ready()[1]))
        space.set_up()
        space.wait_ready()
        with space.stream() as stream:
            hello = next(stream)
            assert (hello[0], hello[2]["mode"]) == ("hello", "exercise")
            space.alerts(alert("a", 1, mode="exercise"))
            last, data = next_alert(stream)
            assert (data["id"], data["version"]) == ("a", 1)
        space.write(
            Record(SERIES.in_space(space.name), series(point(NOW, 9, is_open=True)), key=b"metro"),
            Record(STATUS.in_space(space.name), home_status(), key=b"metro"),
            Record(STATUS.in_space(space.name), partition_status(), key=b"0"),
            Record(ALERTS.in_space(space.name), b"poison", key=b"a"),
        )
        space.wait(lambda: space.get("/v1/series?need=BH-1800&area=east")["points"][-1]["observed"] == 9)
        topic = REJECTED.in_space(space.name)
        space.wait(lambda: any(read_all(space.settings, topic, one) for one in range(2)))
        [refused] = [record for one in range(2) for record in read_all(space.settings, topic, one)]
        report = msgspec.json.decode(refused.value or b"")
        assert (report["topic"], report["offset"], report["reason"]) == (ALERTS.in_space(space.name), 1, "not JSON")
        api.send_signal(signal.SIGKILL)
        api.wait()
    space.alerts(alert("a", 1, mode="exercise"), alert("a", 2, mode="exercise"), alert("b", 1, mode="exercise"))
    with process(space) as api:
        space.wait_ready()
        with space.stream(last) as stream:
            assert next(stream)[2]["gap"] is False
            told = [next_alert(stream)[1] for _ in range(2)]
        assert [(one["id"], one["version"]) for one in told] == [("a", 2), ("b", 1)]
        assert len(space.get("/v1/alerts/a/history")["versions"]) == 2
        api.terminate()
        assert api.wait(DEADLINE) == 0


def test_two_replicas_on_one_database_tell_the_same_story(
    kafka_bootstrap: str, tmp_path: Path, free_port: int, postgres_url: str
) -> None:
    from tests.ports import free_port as another_port

    one = Space(kafka_bootstrap, tmp_path, free_port, GROUNDSWELL_DATABASE_URL=postgres_url)
    two = Space(kafka_bootstrap, tmp_path, another_port(), GROUNDSWELL_DATABASE_URL=postgres_url)
    two.name, two.key = one.name, one.key
    one.create_topics()
    one.set_up()
    with process(one), process(two):
        one.wait_ready()
        two.wait_ready()
        with one.stream() as first, two.stream() as second:
            values = [alert(f"a{index % 3}", index // 3 + 1, mode="exercise") for index in range(60)]
            one.alerts(*values)
            for stream in (first, second):
                newest: dict[str, int] = {}
                while sum(newest.values()) < 60:
                    _, data = next_alert(stream)
                    assert data["version"] > newest.get(data["id"], 0)
                    newest[data["id"]] = data["version"]
        assert len(one.get("/v1/alerts/a0/history")["versions"]) == 20
        assert one.get("/v1/alerts?status=all") == two.get("/v1/alerts?status=all")


def test_what_people_do_reaches_the_log_once_and_new_reference_data_are_followed_without_a_restart(
    space: Space,
) -> None:
    space.create_topics()
    space.set_up()
    space.alerts(alert("a", 1, mode="exercise"))
    _, key = KeyStore(space.settings.keys()).add("coordinator", "M. Ortiz")
    headers = {"X-API-Key": key, "Idempotency-Key": "one-click"}

    def written(topic: Topic) -> list[Any]:
        name = topic.in_space(space.name)
        found = [record for one in range(2) for record in read_all(space.settings, name, one)]
        return [msgspec.json.decode(record.value or b"") for record in found]

    with process(space) as api:
        space.wait_ready()
        space.wait(lambda: space.get("/v1/alerts")["items"])
        url = space.address + "/v1/alerts/a/label"
        answer = httpx.post(url, json={"label": "data_problem"}, headers=headers, timeout=DEADLINE)
        assert answer.json()["label"] == "data_problem"
        api.send_signal(signal.SIGKILL)
        api.wait()
    with process(space) as api:
        space.wait_ready()
        again = httpx.post(url, json={"label": "data_problem"}, headers=headers, timeout=DEADLINE)
        assert again.headers["idempotency-replayed"] == "true"
        space.wait(lambda: written(ACTIONS) and written(CALLS))
        assert {(one["id"], one["type"], one["by"]) for one in written(ACTIONS)} == {("a#1", "label", "M. Ortiz")}
        controls = written(CALLS)
        assert {(one["type"], one["issuer"], one["home_area"]) for one in controls} == {("label", "M. Ortiz", "metro")}
        assert len({(one["id"], one["effective_at"]) for one in controls}) == 1, "a repeat is known by its id"
        wider = msgspec.structs.replace(
            BOOK.reference, needs=(*BOOK.reference.needs, Need("TH", "", "Disaster", "Sinistre", "Desastre"))
        )
        space.set_up(wider)
        space.wait(lambda: any(one["code"] == "TH" for one in space.get("/v1/needs")["items"]))
        api.terminate()
        assert api.wait(DEADLINE) == 0


def test_settings_that_differ_from_the_logs_end_the_process_with_a_sentence(
    kafka_bootstrap: str, tmp_path: Path, free_port: int
) -> None:
    space = Space(kafka_bootstrap, tmp_path, free_port, GROUNDSWELL_SEAL_HOURS="6")
    space.create_topics()
    space.set_up(seal_hours=12)
    with process(space) as api:
        assert api.wait(DEADLINE) == 2
    assert "seal_hours is 12 on the log and 6 in the settings" in space.log.read_text()


def test_without_kafka_the_api_lives_and_says_what_is_missing(tmp_path: Path, free_port: int) -> None:
    space = Space("127.0.0.1:1", tmp_path, free_port)
    with process(space) as api:
        space.wait(lambda: "not reachable" in str(space.ready()[1]))
        assert space.ready()[0] == 503
        assert httpx.get(space.address + "/health/live", timeout=DEADLINE).status_code == 200
        assert space.get("/v1/alerts") == {"items": [], "next": None}
        api.terminate()
        assert api.wait(DEADLINE) == 0


def test_a_taken_port_is_told_with_status_2(tmp_path: Path, free_port: int) -> None:
    space = Space("127.0.0.1:1", tmp_path, free_port)
    with process(space):
        space.wait(lambda: space.ready()[0] == 503)
        second = space.start()
        assert second.wait(DEADLINE) == 2
    assert f"port {free_port} on 127.0.0.1 is taken" in space.log.read_text()


def test_an_address_that_is_no_database_is_told_with_status_2(tmp_path: Path, free_port: int) -> None:
    space = Space("127.0.0.1:1", tmp_path, free_port, GROUNDSWELL_DATABASE_URL="mysql://user:hunter2@host/x")
    with process(space) as api:
        assert api.wait(DEADLINE) == 2
    assert "GROUNDSWELL_DATABASE_URL" in space.log.read_text()
    assert "hunter2" not in space.log.read_text()
