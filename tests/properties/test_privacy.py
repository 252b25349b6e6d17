"""What names a caller is planted wherever a client can write, and stands nowhere afterwards: log, state, database."""

import contextlib
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from schemas.log_record import VERSION, Control, encode_record
from schemas.reference import Area, Need, Reference
from schemas.space_config import SpaceConfig
from schemas.topics import CALLS, TOPICS
from services.api.fold import Fold, Place, Stored
from services.detector.metrics import DetectorMetrics
from services.detector.worker import PartitionWorker, Surroundings
from services.ingest.sources.mapping import load_mapping
from services.runtime.clock import SystemClock
from services.runtime.kafka import Record
from services.runtime.logs import configure_logs
from tests.api_parts import FakeClock, Parts, parts, prepared
from tests.fuzz_world import CASES, SEED, Ingest, Loop, ingest

SPACE = "exercise"
PLANTED = (
    "617-555-0143",
    "6175550143",
    "+1 (617) 555-0143",
    "Zebulon Quux",
    "Zebulon-Quux",
    "zebulon.quux@example.org",
    "1472 Larkspur Street",
    "1472-Larkspur-Street",
    "02199-7741",
    "K9Z 4Q7",
)
TRACES = ("5550143", "555-0143", "Zebulon", "zebulon", "Quux", "Larkspur", "larkspur", "02199-7741", "K9Z", "k9z")
"""No shorter spelling of what was planted may be found either."""
WHEN = "2026-01-05T10:00:00Z"
GOOD = {"source": "boston311", "time": WHEN, "line": "211", "needs": ["BD"], "area": "boston"}
TEXTS = ("id", "line", "type", "area", "postal_code", "channel", "outcome", "time", "source", "logged_at")
REFERENCE = Reference(
    areas=(Area("boston", "", "Boston", 42.36, -71.06, "America/New_York"), Area("nyc", "", "New York City")),
    needs=(Need("BD", "", "Food", "", ""), Need("reason.street", "", "Street", "", "")),
)
COLUMNS = {
    "boston311": "event_id case_enquiry_id ts open_dt reason category type region neighborhood source lat longitude "
    "case_title closure_reason location location_street_name location_zipcode submittedphoto",
    "nyc-council": "unique_key opendate complaint_type descriptor borough community_board zip account",
}

planted = st.sampled_from(PLANTED)
QUICK = settings(
    max_examples=12 * CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A call event with something planted in some of its texts, in lists and below them too."""
    event: dict[str, Any] = {"id": f"call {draw(st.integers(0, 10**9))} {draw(planted)}", **GOOD}
    for name in draw(st.sets(st.sampled_from(TEXTS), max_size=2)):
        event[name] = draw(planted)
    if draw(st.booleans()):
        event["needs"] = draw(st.lists(planted | planted.map(lambda one: {"code": one, "reason": one}), max_size=3))
    if draw(st.booleans()):
        event["referrals"] = draw(st.lists(planted | st.just("BD"), max_size=3))
    if draw(st.booleans()):
        event["caller"] = {draw(st.sampled_from(["age_band", "gender", "language", "phone"])): draw(planted)}
    if draw(st.booleans()):
        event[draw(st.sampled_from(["name", "notes", "address", "caller_phone"]))] = draw(planted)
    if draw(st.booleans()):
        event |= {"latitude": draw(st.sampled_from([42.36, "617-555-0143"])), "longitude": -71.06}
    return event


def cloud(event: dict[str, Any], text: str) -> dict[str, Any]:
    """The same inside a CloudEvent, with attributes that nobody asked for."""
    return {
        "specversion": "1.0",
        "id": text,
        "source": text,
        "type": text,
        "subject": text,
        "name": text,
        "data": event,
    }


@dataclass
class World:
    """Ingest, a detector and an API in one process, and what they wrote."""

    folder: Path
    desk: Ingest
    parts: Parts
    api: Loop
    key: str
    lines: io.StringIO

    def post(self, path: str, body: bytes, content_type: str, **headers: str) -> httpx.Response:
        given_headers = {"authorization": f"Bearer {self.desk.key}", "content-type": content_type, **headers}
        return self.desk.loop.send("POST", path, headers=given_headers, content=body)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("privacy")
    lines = io.StringIO()
    with contextlib.redirect_stderr(lines):
        configure_logs("json", "test")
        desk = ingest(folder / "ingest", REFERENCE, source="boston311", space=SPACE)
        database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
        made = parts(database, folder, clock=FakeClock(SystemClock().now_ms()))
        loop = Loop(made.app)
        yield World(folder, desk, made, loop, made.key("admin"), lines)
        loop.close()
        desk.loop.close()
        database.close()


def test_calls_with_something_planted_in_every_text(world: World) -> None:
    @seed(SEED)
    @QUICK
    @given(st.lists(events(), min_size=1, max_size=3), planted, st.sampled_from(["json", "lines", "cloud", "binary"]))
    def post(made: list[dict[str, Any]], text: str, form: str) -> None:
        headers = {"user-agent": text, "x-request-id": text, "referer": f"https://crm.example/{text}", "cookie": text}
        path = f"/v1/events?caller={text}&name={text}"
        if form == "lines":
            answer = world.post(path, "\n".join(map(json.dumps, made)).encode(), "application/x-ndjson", **headers)
        elif form == "cloud":
            body = json.dumps([cloud(one, text) for one in made]).encode()
            answer = world.post(
                path,
                gzip.compress(body),
                "application/cloudevents-batch+json; charset=utf-8",
                **headers,
                **{"content-encoding": "gzip"},
            )
        elif form == "binary":
            attributes = {f"ce-{name}": text for name in ("id", "source", "type", "subject")}
            body = json.dumps(made[0]).encode()
            answer = world.post(path, body, "application/json", **headers, **attributes, **{"ce-specversion": "1.0"})
        else:
            answer = world.post(path, json.dumps(made).encode(), "application/json", **headers)
        assert answer.status_code < 500
        assert_clean(answer.content, "an answer")

    post()
    assert any(record.topic.endswith(CALLS.name) for record in world.desk.producer.records), "some calls were taken"
    assert_nowhere(world)


@pytest.mark.parametrize("source", sorted(COLUMNS))
def test_records_of_a_crm_with_something_planted_in_every_column(world: World, source: str) -> None:
    names = COLUMNS[source].split()
    mapping = load_mapping(source)

    @seed(SEED)
    @QUICK
    @given(st.fixed_dictionaries(dict.fromkeys(names, planted)), st.sets(st.sampled_from(names)), st.booleans())
    def post(row: dict[str, str], left: set[str], as_csv: bool) -> None:
        sound = {"ts": WHEN, "opendate": "01/05/2026", "lat": "42.36", "longitude": "-71.06", "reason": "Street"}
        row = {
            name: sound.get(name, value) if name not in left or name in ("ts", "opendate") else value
            for name, value in row.items()
        }
        body = json.dumps([row])
        if as_csv:
            body = ",".join(names) + "\n" + ",".join(f'"{row[name]}"' for name in names) + "\n"
        form = "text/csv" if as_csv else "application/json"
        if source == "boston311":
            answer = world.post(f"/v1/sources/{source}/records?q={row[names[0]]}", body.encode(), form)
            assert answer.status_code < 500
            assert_clean(answer.content, "an answer")
        for one in mapping.read(io.BytesIO(body.encode()), content_type=form):
            if one.problem is not None:
                assert_clean(f"{one.problem.field} {one.problem.reason}".encode(), "a problem")

    post()
    assert_nowhere(world)


def test_requests_to_the_api_with_something_planted_in_path_query_header_and_body(world: World) -> None:
    key = {"authorization": f"Bearer {world.key}"}
    for text in PLANTED:
        quoted = httpx.URL("http://x/", params={"q": text}).query.decode().partition("=")[2]
        for method, path, body in (
            ("GET", f"/v1/alerts?need={quoted}&area={quoted}&cursor={quoted}", None),
            ("GET", f"/v1/alerts/{quoted}", None),
            ("GET", f"/v1/series?need={quoted}&area={quoted}&start={quoted}", None),
            ("GET", f"/v1/{quoted}", None),
            ("POST", f"/v1/alerts/{quoted}/notes", {"text": "call 617-555-0143"}),
            ("POST", "/v1/login", {"key": text}),
            ("POST", "/v1/silences", {"need": text, "until": text, "reason": "see 1472 Larkspur Street"}),
            ("POST", "/v1/declared-events", {"name": "zebulon.quux@example.org", "hazard": "heat", "areas": [text]}),
            ("PUT", "/v1/budget", {"home_area": text, "per_week": text}),
        ):
            world.parts.clock.now += 60_000
            content = None if body is None else json.dumps(body).encode()
            headers = {**key, "user-agent": text, "idempotency-key": text, "cookie": f"x={text}", "if-match": text}
            answer = world.api.send(
                method, path, headers={**headers, "content-type": "application/json"}, content=content
            )
            assert answer.status_code < 500
    assert_nowhere(world)


def assert_nowhere(world: World) -> None:
    """Everything that rests: records, the fold's state and what it says, the database's files, log lines, metrics."""
    records = world.desk.producer.records
    for record in records:
        assert_clean((record.key or b"") + b" " + (record.value or b""), record.topic)
    said, blocks = folded(records)
    for output in said:
        assert_clean((output.key or b"") + b" " + (output.value or b""), output.topic)
    for name, block in blocks.items():
        assert_clean(block, f"block {name} of the snapshot")
    store(world, [*records, *said])
    for file in sorted(world.folder.rglob("*")):
        if file.is_file():
            assert_clean(file.read_bytes(), file.name)
    assert_clean(world.lines.getvalue().encode(), "the log")
    assert_clean(world.desk.loop.send("GET", "/metrics", headers={}).content, "ingest's metrics")
    assert_clean(world.api.send("GET", "/metrics", headers={}).content, "the API's metrics")


def folded(records: list[Record]) -> tuple[list[Record], dict[str, bytes]]:
    """What the detector makes of the calls, and its state."""
    around = Surroundings(SPACE, "w", lambda _: REFERENCE, SystemClock(), DetectorMetrics(CollectorRegistry()))
    worker = PartitionWorker(0, around)
    config = Control(VERSION, "c", "config", 0, 0, "test", msgspec.to_builtins(SpaceConfig(SPACE, 500, 6, 3.0, 1, "x")))
    calls = [one for one in records if one.topic == CALLS.in_space(SPACE)]
    said = worker.fold(0, None, encode_record(config), 0)
    for offset, record in enumerate(calls, start=1):
        said += worker.fold(offset, record.key, record.value, 0)
    return said, worker.blocks()[1]


def store(world: World, records: list[Record]) -> None:
    """Into the database, as the API folds it."""
    fold = Fold(world.parts.database)
    topics = {topic.in_space(SPACE): topic for topic in TOPICS}
    for name in ("series.v1", "alerts.v1", "status.v1", "calls.rejected.v1"):
        values = [one.value for one in records if one.topic == f"{SPACE}.{name}"]
        place = Place(topics[f"{SPACE}.{name}"], f"{SPACE}.{name}", 0)
        first = fold.begin(place, 0)
        if values:
            fold.apply(place, [Stored(first + index, value) for index, value in enumerate(values)], first)


def assert_clean(data: bytes, where: str) -> None:
    """Nothing of what was planted; the data themselves are not repeated in the message."""
    for trace in (*PLANTED, *TRACES):
        assert trace.encode() not in data, f"{trace!r} was found in {where} (FUZZ_SEED={SEED} FUZZ_CASES={CASES})"
