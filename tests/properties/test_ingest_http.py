"""The whole HTTP application under random requests: a promised status, a JSON answer, nothing of the body in it."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.log_record import Calls, decode_record
from schemas.reference import Area, Need, Reference
from schemas.space_config import SpaceConfig
from services.ingest.app import create_app
from services.ingest.service import Parts
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.metrics import new_registry
from services.runtime.settings import Settings
from tests.fuzz_world import Quick

PROMISED = {202, 400, 401, 403, 404, 405, 413, 415, 422, 429}
MARK = "Zebulon Quux"
"""Stands for somebody's name: wherever it is put as a value, no answer and no record may show it."""

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.just(MARK)
VALUES = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=3)
)
FIELDS = ["id", "source", "time", "line", "needs", "area", "postal_code", "latitude", "longitude", "caller", "count"]
FIELDS += ["revision", "void", "type", "channel", "outcome", "wait_seconds", "referrals", "logged_at"]
GOOD = {"id": "1", "source": "crm", "time": "2026-01-05T10:00:00Z", "line": "211", "needs": ["BD"], "area": "a"}
CHANGES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3)
EVENTS = CHANGES.map(lambda change: GOOD | change) | VALUES
TYPES = [
    "application/json",
    "application/x-ndjson",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
]
TYPES += ["text/plain", "application/json; charset=utf-16", ""]


class Desk:
    """One application and one client in a loop of its own."""

    def __init__(self, folder: Path) -> None:
        clock = SystemClock()
        keys = KeyStore(folder / "keys.json", clock)
        _, self.key = keys.add("ingest", "test", source="crm", home_area="tx")
        self.producer = Quick()
        app = create_app(
            Parts(
                settings=Settings(space="exercise", data=folder),
                clock=clock,
                producer=self.producer,  # type: ignore[arg-type]
                keys=keys,
                config=SpaceConfig("exercise", 500, 6, 3.0, 2, "x"),
                reference=Reference(
                    areas=(Area("tx", "", "Texas"), Area("a", "tx", "A")), needs=(Need("BD", "", "", "", ""),)
                ),
                registry=new_registry(),
                secret=b"0123456789abcdef",
                requests_per_second=1e9,
            )
        )
        self._runner = asyncio.Runner()
        self._life = app.router.lifespan_context(app)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://ingest")
        self._runner.run(self._life.__aenter__())

    def post(self, path: str, body: bytes, content_type: str, **headers: str) -> httpx.Response:
        """One request with the key."""
        given_headers = {"authorization": f"Bearer {self.key}", "content-type": content_type}
        given_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self._runner.run(self._client.post(path, content=body, headers=given_headers))

    def close(self) -> None:
        """Stop as a server would."""
        self._runner.run(self._client.aclose())
        self._runner.run(self._life.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    one = Desk(tmp_path_factory.mktemp("ingest"))
    yield one
    one.close()


QUICK = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _check(answer: httpx.Response) -> None:
    assert answer.status_code in PROMISED, answer.text
    body = answer.json()
    assert MARK not in answer.text
    if answer.status_code == 202:
        assert set(body) <= {"accepted", "duplicates", "rejected", "rejected_total"}
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == answer.status_code


@QUICK
@given(body=st.binary(max_size=200), media=st.sampled_from(TYPES), packed=st.booleans())
def test_random_bytes_never_break_it(desk: Desk, body: bytes, media: str, packed: bool) -> None:
    _check(desk.post("/v1/events", body, media, content_encoding="gzip" if packed else "identity"))


@QUICK
@given(events=st.lists(EVENTS, max_size=4), media=st.sampled_from(TYPES[:4]), packed=st.booleans())
@example(events=[GOOD | {"id": MARK}], media=TYPES[0], packed=False)
@example(events=[GOOD | {"\ud800": 1}], media=TYPES[0], packed=False)
@example(events=[GOOD | {"id": "\ud800"}], media=TYPES[1], packed=True)
def test_random_events_are_counted_one_by_one(desk: Desk, events: list[Any], media: str, packed: bool) -> None:
    before = len(desk.producer.records)
    if media == TYPES[1]:
        body = "\n".join(json.dumps(one) for one in events).encode()
    else:
        body = json.dumps(events[0] if media == TYPES[2] and events else events).encode()
    sent = gzip.compress(body) if packed else body
    answer = desk.post("/v1/events", sent, media, content_encoding="gzip" if packed else "identity")
    _check(answer)
    records = [
        decode_record(one.value or b"") for one in desk.producer.records[before:] if one.topic.endswith("events.v1")
    ]
    written = sum(len(one.calls) for one in records if isinstance(one, Calls))
    assert MARK not in str(desk.producer.records[before:])
    if answer.status_code == 202:
        told = answer.json()
        assert told["accepted"] == written
        assert told["accepted"] + told["duplicates"] + len(told["rejected"]) == (
            1 if media == TYPES[2] else len(events)
        )
    else:
        assert written == 0


@QUICK
@given(body=VALUES, path=st.sampled_from(["/v1/ticks", "/v1/sources/crm/records", "/v1/sources/%00/records", "/v1/x"]))
def test_the_other_addresses_do_not_break_either(desk: Desk, body: Any, path: str) -> None:
    answer = desk.post(path, json.dumps(body).encode(), "application/json")
    assert answer.status_code in PROMISED
    assert MARK not in answer.text


NINE_LEVELS = b'{"a":' * 9 + b"1" + b"}" * 9
ANOTHER = json.dumps(GOOD | {"source": "other"}).encode()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"no"], 400),
        ([b'{"id":"1","id":"2"}', b'{"wait_seconds":NaN}', NINE_LEVELS, b"\xff"], 400),
        ([b"no", b"{}"], 422),
        ([ANOTHER, ANOTHER], 403),
        ([ANOTHER, b"{}"], 422),
        ([ANOTHER, b"no"], 422),
    ],
)
def test_what_all_lines_have_in_common_decides_the_status(desk: Desk, lines: list[bytes], status: int) -> None:
    answer = desk.post("/v1/events", b"\n".join(lines), "application/x-ndjson")
    assert (answer.status_code, len(answer.json()["rejected"])) == (status, len(lines))
    _check(answer)
