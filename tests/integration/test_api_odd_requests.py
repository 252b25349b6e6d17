"""Odd values in every place of every request: an answer with a sentence, never a 500, on both databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.http_documents import api_openapi
from tests.api_parts import NOW, FakeClock, Parts, Tape, alert, home_status, parts, prepared, running

METHODS = {"get", "post", "put", "patch", "delete"}
ODD = ("\0", "9" * 40, "NaN", "%", "x" * 3000)
BODIES: tuple[Any, ...] = (
    None,
    [],
    "text",
    {"\0": 1},
    {"to": "\0"},
    {"text": "a\0b"},
    {"text": ["x"]},
    {"until": "9999-12-31T23:59:59Z", "reason": "x", "area": "metro", "scope": "alert"},
    {"until": "0001-01-01T00:00:00+14:00", "reason": "x", "area": "metro", "scope": "area"},
    {"home_area": "metro", "per_week": 1e308},
    {"name": "x", "hazard": "heat", "areas": ["metro"], "start": "0001-01-01T00:00:00+14:00"},
    {"name": "x", "hazard": "heat", "areas": ["metro"], "start": "2026-06-21T00:00:00Z", "needs": ["\0"]},
)


@pytest.fixture(params=["sqlite", "postgres"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Parts]:
    sqlite = f"sqlite:///{tmp_path / 'api.sqlite'}"
    database = prepared(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    tape = Tape(database)
    tape.alerts(alert("a1"))
    tape.status(home_status("metro"))
    yield parts(database, tmp_path, clock=FakeClock(NOW))
    database.close()


def requests() -> Iterator[tuple[str, str, dict[str, str], Any]]:
    """Method, path, query and body."""
    for path, methods in api_openapi()["paths"].items():
        for method, operation in methods.items():
            if method not in METHODS or path == "/v1/alerts/stream":
                continue
            names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            good = path.replace("{alert_id}", "a1").replace("{", "").replace("}", "")
            bodies = BODIES if "requestBody" in operation else (None,)
            for body in bodies:
                yield method, good, {}, body
            for name in names:
                for value in ODD:
                    yield method, good, {name: value}, None
            if "{" in path:
                before, _, after = path.partition("{")
                for value in ("%00", "%2e%2e", "%ff", "x" * 3000):
                    yield method, before + value + after.partition("}")[2], {}, bodies[-1]


def test_whatever_is_asked_is_answered_with_a_sentence(made: Parts) -> None:
    headers = made.headers("admin")
    tried = 0
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=headers, timeout=60) as client,
    ):
        for method, path, query, body in requests():
            made.clock.now += 1000  # so that no limit of requests a second is reached
            answer = client.request(method, path, params=query, json=body)
            assert answer.status_code < 500, (method, path, query, body, answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"]
            tried += 1
    assert tried > 200
