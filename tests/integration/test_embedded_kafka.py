"""The embedded broker: starts, keeps, recovers, and says clearly why it cannot."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import REFERENCE, topic_config
from services.runtime.clock import SystemClock
from services.runtime.embedded import EmbeddedKafka, FolderInUse, KafkaDied, PortTaken
from services.runtime.embedded.probe import answers
from services.runtime.kafka import Record, ReliableProducer, admin_client, ensure_topics, read_all
from services.runtime.settings import Settings

LARGEST = 16 * 1024 * 1024 - 4096
"""Bytes of the largest record on `reference.v1`: 16 MiB less the headers of a batch."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker of this test's own, not started yet."""
    node = EmbeddedKafka(tmp_path)
    yield node
    node.stop()


def settings(node: EmbeddedKafka) -> Settings:
    return Settings(kafka_bootstrap=node.bootstrap)


def write(node: EmbeddedKafka, topic: str, *values: bytes, config: dict[str, str] | None = None) -> None:
    """Make the topic if need be and write the values; returns when Kafka has them."""
    ensure_topics(settings(node), {topic: (1, config or {})})
    with ReliableProducer(settings(node), SystemClock(), limits={topic: LARGEST + 1024}) as producer:
        producer.write([Record(topic, value, b"key") for value in values], 30)


def stored(node: EmbeddedKafka, topic: str) -> list[bytes | None]:
    return [record.value for record in read_all(settings(node), topic, 0)]


def cluster_id(node: EmbeddedKafka) -> str:
    with admin_client(settings(node)) as admin:
        return str(admin.describe_cluster()["cluster_id"])


def test_what_was_acknowledged_survives_kill_9_and_a_restart(own: EmbeddedKafka) -> None:
    own.start()
    port, before = own.port, cluster_id(own)
    write(own, "kept", *(b"%d" % number for number in range(500)))
    own.kill()
    assert not own.is_alive()
    assert not answers("127.0.0.1", port)
    own.start()
    assert (own.port, cluster_id(own)) == (port, before)
    assert stored(own, "kept") == [b"%d" % number for number in range(500)]


def test_a_new_program_goes_on_with_the_same_folder(own: EmbeddedKafka, tmp_path: Path) -> None:
    own.start()
    before = cluster_id(own)
    write(own, "kept", b"one")
    own.stop()
    with EmbeddedKafka(tmp_path) as later:
        assert cluster_id(later) == before
        assert stored(later, "kept") == [b"one"]
        write(later, "kept", b"two")
        assert stored(later, "kept") == [b"one", b"two"]


def test_a_record_of_16_mib_fits_on_the_reference_topic(kafka: EmbeddedKafka) -> None:
    topic = REFERENCE.in_space("embedded-test")
    body = os.urandom(LARGEST)
    write(kafka, topic, body, config=topic_config(REFERENCE, "embedded-test"))
    assert stored(kafka, topic) == [body]


def test_a_second_start_on_a_live_folder_says_who_has_it(kafka: EmbeddedKafka) -> None:
    second = EmbeddedKafka(kafka.folder.root.parent)
    with pytest.raises(FolderInUse, match=f"process {kafka.pid}, {kafka.bootstrap}.*--data DIR"):
        second.start()
    assert kafka.is_alive()
    assert answers("127.0.0.1", kafka.port, timeout_seconds=60)


def test_the_broker_ends_with_the_program_that_started_it_even_if_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from services.runtime.embedded import EmbeddedKafka\n"
        "node = EmbeddedKafka(Path(sys.argv[1])); node.start(); print(node.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True, check=False)
    orphan = int(done.stdout)
    with EmbeddedKafka(tmp_path) as node:
        assert node.is_alive()
        assert node.pid != orphan


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} on 127\.0\.0\.1.*taken.*--port"):
            EmbeddedKafka(tmp_path, port=port).start()


def test_nothing_but_this_machine_is_listened_on(kafka: EmbeddedKafka) -> None:
    text = (kafka.folder.root / "server.properties").read_text()
    listeners = next(line for line in text.splitlines() if line.startswith("listeners="))
    assert [part.split("//")[1].split(":")[0] for part in listeners.split(",")] == ["127.0.0.1", "127.0.0.1"]


def test_only_the_owner_may_look_into_the_log(kafka: EmbeddedKafka) -> None:
    assert kafka.folder.root.stat().st_mode & 0o077 == 0


def test_a_broken_log_folder_is_an_error_with_the_reason(own: EmbeddedKafka) -> None:
    own.folder.topics.mkdir(parents=True)
    own.folder.topics.joinpath("meta.properties").write_text("version=1\nnode.id=77\ncluster.id=other\n")
    with pytest.raises(KafkaDied, match=r"look at .*kafka\.log.*node id 77 doesn't match"):
        own.start()
    assert not own.is_alive()


def test_a_format_that_was_cut_off_is_finished(own: EmbeddedKafka) -> None:
    own.start()
    before = cluster_id(own)
    own.stop()
    (own.folder.topics / "meta.properties").unlink()
    own.start()
    assert cluster_id(own) == before


def test_in_the_foreground_it_stops_cleanly_on_a_signal_twice_in_a_row(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from services.runtime.embedded import run_foreground\n"
    program += "sys.exit(run_foreground(Path(sys.argv[1]), 0))"
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen([sys.executable, "-c", program, tmp_path], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        killer = threading.Timer(300, process.kill)
        killer.start()
        try:
            ready = next(line for line in process.stderr if "answers on" in line)
            port = int(ready.split("127.0.0.1:")[1].split(";")[0])
            assert answers("127.0.0.1", port, timeout_seconds=60)
            process.send_signal(number)
            assert process.wait() == 0
            assert not answers("127.0.0.1", port)
        finally:
            killer.cancel()
            process.stderr.close()
