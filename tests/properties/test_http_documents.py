"""Both OpenAPI documents, turned into requests by schemathesis: a promised answer to each, no 500, no hang."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from schemas.reference import Area, Need, Reference
from schemas.topics import ALERTS
from services.cli.http_documents import api_openapi, ingest_openapi
from tests.api_parts import NOW, FakeClock, Parts, Tape, alert, home_status, parts, point, prepared, series
from tests.fuzz_world import CASES, SEED, Ingest, Loop, fuzz, ingest, operations, wire

API = operations(api_openapi(), without=frozenset({"get_stream"}))
"""All but the stream, which has no end; its own tests are in test_api_stream.py."""
INGEST = operations(ingest_openapi())
KNOWN = {
    "alert_id": ["a1"],
    "source": ["metro-crm", "crm"],
    "need": ["BH-1800", "B"],
    "area": ["east", "metro"],
    "home_area": ["metro"],
    "start": ["2026-06-20T00:00:00Z"],
    "end": ["2026-06-21T00:00:00Z"],
}
REFERENCE = Reference(areas=(Area("tx", "", "Texas"), Area("a", "tx", "A")), needs=(Need("BD", "", "", "", ""),))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Parts, Loop, str]]:
    folder = tmp_path_factory.mktemp("api")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    tape = Tape(database)
    tape.play(ALERTS, alert("a1"), alert("a1", 2))
    tape.status(home_status("metro"))
    tape.series(series(point(NOW - 3_600_000, 7), point(NOW, 9, is_open=True)))
    made = parts(database, folder, clock=FakeClock(NOW))
    loop = Loop(made.app)
    yield made, loop, made.key("admin")
    loop.close()
    database.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    one = ingest(tmp_path_factory.mktemp("ingest"), REFERENCE)
    yield one
    one.loop.close()


def _check(answer: Any, request: requests.PreparedRequest) -> None:
    where = f"{request.method} {request.url} (FUZZ_SEED={SEED} FUZZ_CASES={CASES}): {answer.text[:300]}"
    assert answer.status_code < 500, where
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", where
        assert answer.json()["status"] == answer.status_code, where


@pytest.mark.parametrize("name", sorted(API))
def test_the_api_answers_whatever_its_document_makes_up(api: tuple[Parts, Loop, str], name: str) -> None:
    made, loop, key = api

    def send(request: requests.PreparedRequest) -> None:
        made.clock.now += 1_000  # so that no limit of changes a second hides what lies behind it
        method, url, headers, body = wire(request, authorization=f"Bearer {key}")
        answer = loop.send(method, url, headers=headers, content=body)
        if name == "get_ready":
            assert answer.status_code in (200, 503, 405)
        else:
            _check(answer, request)

    fuzz(API[name], KNOWN, send)


@pytest.mark.parametrize("name", sorted(INGEST))
def test_ingest_answers_whatever_its_document_makes_up(desk: Ingest, name: str) -> None:
    def send(request: requests.PreparedRequest) -> None:
        key = desk.admin if "tick" in name else desk.key
        method, url, headers, body = wire(request, authorization=f"Bearer {key}")
        _check(desk.loop.send(method, url, headers=headers, content=body), request)

    fuzz(INGEST[name], KNOWN, send)
