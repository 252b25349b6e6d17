"""Kafka's jars: fetched once, checked always."""

import hashlib
from pathlib import Path

import pytest

from services.runtime.embedded.errors import JarsUnavailable, WrongChecksum
from services.runtime.embedded.jars import Jar, ensure_jars, kafka_jars

BODY = b"a jar"
JARS = tuple(Jar("org.example", name, "1.0", hashlib.sha256(BODY).hexdigest()) for name in ("one", "two", "three"))


class Source:
    """Stands for Maven Central: gives `body` for every jar, or fails with `error`."""

    def __init__(self, body: bytes = BODY, error: Exception | None = None) -> None:
        self.body = body
        self.error = error
        self.asked: list[str] = []

    def __call__(self, jar: Jar, folder: Path) -> Path:
        self.asked.append(jar.artifact)
        if self.error:
            raise self.error
        path = folder / "deep" / jar.file_name
        path.parent.mkdir()
        path.write_bytes(self.body)
        return path


def kept(cache: Path) -> list[str]:
    """Names of all files that the cache holds."""
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_the_list_names_kafka_and_its_45_companions_as_maven_resolves_them() -> None:
    coordinates = {jar.coordinates for jar in kafka_jars()}
    assert len(coordinates) == 46
    assert coordinates >= {
        "org.apache.kafka:kafka_2.13:4.3.1",
        "org.apache.kafka:kafka-clients:4.3.1",
        "com.fasterxml.jackson.core:jackson-databind:2.21.2",
        "org.yaml:snakeyaml:2.5",
        "com.github.luben:zstd-jni:1.5.6-10",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
    }
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in kafka_jars())


def test_jars_are_fetched_once_and_then_taken_from_the_cache(tmp_path: Path) -> None:
    source, progress = Source(), list[tuple[int, int]]()
    paths = ensure_jars(
        tmp_path, jars=JARS, fetch=source, on_progress=lambda done, total: progress.append((done, total))
    )
    assert [path.read_bytes() for path in paths] == [BODY] * 3
    assert sorted(source.asked) == ["one", "three", "two"]
    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert ensure_jars(tmp_path, jars=JARS, fetch=Source(error=OSError())) == paths


def test_a_jar_with_a_wrong_sum_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(WrongChecksum, match=r"org\.example:one:1\.0 as fetched is not the file") as refusal:
        ensure_jars(tmp_path, jars=JARS[:1], fetch=Source(b"another jar"))
    assert JARS[0].sha256 in str(refusal.value)
    assert hashlib.sha256(b"another jar").hexdigest() in str(refusal.value)
    assert kept(tmp_path) == []


def test_a_jar_that_was_damaged_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    first = ensure_jars(tmp_path, jars=JARS, fetch=Source())
    first[1].write_bytes(b"dama")
    source = Source()
    assert [path.read_bytes() for path in ensure_jars(tmp_path, jars=JARS, fetch=source)] == [BODY] * 3
    assert source.asked == ["two"]


@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError(), RuntimeError("not found")])
def test_without_network_a_sentence_says_what_to_do(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(JarsUnavailable, match="Check the network and start again, use a broker of your own") as refusal:
        ensure_jars(tmp_path, jars=JARS, fetch=Source(error=error))
    assert str(tmp_path) in str(refusal.value)
    assert kept(tmp_path) == []
