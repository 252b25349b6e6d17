"""What tests share: one Apache Kafka for the whole run, PostgreSQL, Prometheus, Chromium.

What cannot be had fails the tests that need it, with a sentence that says what to do. Nothing is skipped.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from services.runtime.embedded import EmbeddedKafka, EmbeddedKafkaError
from tests.ports import free_port as any_free_port
from tests.postgres import PostgresCluster
from tools.programs import CHROMIUM, POSTGRES, PROMETHEUS, Program

settings.load_profile("ci")
"""The same examples in every run, and none is too slow: `pytest --hypothesis-profile=default` looks for new ones."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright keeps an event loop running, in which no other test could run its own."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """The broker of the whole run. Tests stay apart by spaces of their own, and never stop it."""
    node = EmbeddedKafka(tmp_path_factory.mktemp("broker"))
    try:
        node.start(timeout_seconds=400)
    except EmbeddedKafkaError as error:
        pytest.fail(f"no Kafka for the tests: {error}", pytrace=False)
    yield node
    node.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: EmbeddedKafka) -> str:
    """`127.0.0.1:<port>` of the broker of the whole run."""
    return kafka.bootstrap


@pytest.fixture
def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    return any_free_port()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A private PostgreSQL for the whole run, thrown away afterwards."""
    with PostgresCluster(_required(POSTGRES)) as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """SQLAlchemy's address of an empty database of this test's own."""
    name = postgres_cluster.create_database()
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    """The Prometheus server's program."""
    return _required(PROMETHEUS)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser's program, for `playwright.chromium.launch(executable_path=…)`."""
    return _required(CHROMIUM)


def _required(program: Program) -> Path:
    path = program.find(os.environ)
    if path is None:
        pytest.fail(program.missing(), pytrace=False)
    return path
