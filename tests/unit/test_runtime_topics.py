"""How topics are made: as many copies as there are brokers, three at most, and two of three must have a record."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from services.runtime.kafka import ensure_topics
from services.runtime.settings import Settings


class Admin:
    """A cluster of some brokers without topics."""

    def __init__(self, brokers: int) -> None:
        self.brokers, self.made = brokers, {}

    def describe_topics(self) -> list[Any]:
        return []

    def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [object()] * self.brokers}

    def create_topics(self, specs: dict[str, Any]) -> None:
        self.made |= specs

    def wait_for_topics(self, names: list[str]) -> None:
        """They are there."""


@pytest.mark.parametrize(("brokers", "copies", "together"), [(1, 1, None), (2, 2, None), (3, 3, "2"), (5, 3, "2")])
def test_copies_follow_the_brokers(
    monkeypatch: pytest.MonkeyPatch, brokers: int, copies: int, together: str | None
) -> None:
    admin = Admin(brokers)

    @contextlib.contextmanager
    def client(_: Settings) -> Iterator[Admin]:
        yield admin

    monkeypatch.setattr("services.runtime.kafka_clients.admin_client", client)
    assert ensure_topics(Settings(), {"calls": (8, {"retention.ms": "1"})}) == ("calls",)
    made = admin.made["calls"]
    assert (made["num_partitions"], made["replication_factor"]) == (8, copies)
    assert made["configs"].get("min.insync.replicas") == together
    assert made["configs"]["retention.ms"] == "1"
