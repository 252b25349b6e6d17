"""POST /v1/events against a real Kafka: what is taken, what is refused, and what stands on the log afterwards."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.log_record import Calls, Control, Tick
from schemas.topics import CALLERS, REJECTED
from services.runtime.kafka import read_all
from services.runtime.settings import Settings
from tests.integration.ingest_world import World, call, in_world, space_settings


@pytest.fixture
def settings(tmp_path: Path, kafka_bootstrap: str) -> Settings:
    return space_settings(tmp_path, kafka_bootstrap)


def test_a_202_means_that_kafka_has_it(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        given = call(id="secret-id", needs=["FOOD", {"code": "BD", "met": "unmet", "reason": "full"}], channel="phone")
        answer = await world.post(given)
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
        (written,) = await world.calls()
        assert written.codes() == ("BD-1800", "BD")
        assert (written.area, written.source, written.channel, len(written.id)) == ("77001", "crm", "phone", 16)
        assert "secret-id" not in str(await world.records())

    in_world(settings, scenario)


def test_good_items_are_kept_and_bad_ones_named_without_their_values(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        items = [call(), call(phone="617-555-0100"), call(needs=["BD", {"code": "no good"}]), call(), 7]
        answer = await world.post(items)
        assert answer.status_code == 202
        body = answer.json()
        assert body["accepted"] == 2
        assert [(one["index"], one["field"]) for one in body["rejected"]] == [
            (1, "phone"),
            (2, "needs.1.code"),
            (4, "$"),
        ]
        assert "555-0100" not in answer.text
        assert "no good" not in answer.text
        assert len(await world.calls()) == 2

    in_world(settings, scenario)


def test_a_call_seen_twice_is_one_call_in_one_body_and_across_bodies(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        one = call()
        first = await world.post([one, one])
        assert (first.json()["accepted"], first.json()["duplicates"]) == (1, 1)
        again = await world.post(one)
        assert (again.status_code, again.json()["accepted"], again.json()["duplicates"]) == (202, 0, 1)
        revised = await world.post(one | {"revision": 1, "needs": ["BH"]})
        assert revised.json()["accepted"] == 1
        stale = await world.post(one)
        assert stale.json()["duplicates"] == 1
        assert [one.revision for one in await world.calls()] == [0, 1]

    in_world(settings, scenario)


def test_repeats_that_arrive_together_wait_for_the_same_acknowledgement(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        one = call()
        answers = await asyncio.gather(*(world.post(one) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {202}
        assert sum(answer.json()["accepted"] for answer in answers) == 1
        assert len(await world.calls()) == 1

    in_world(settings, scenario)


def test_ndjson_keeps_good_lines_and_names_bad_ones(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        lines = [json.dumps(call()).encode() for _ in range(1200)]
        lines[3] = b'{"id": "x", broken'
        lines[5] = b'{"id":"a","id":"b"}'
        lines[7] = b"\xff\xfe"
        answer = await world.post(b"\n".join(lines) + b"\n\n", content_type="application/x-ndjson")
        assert answer.status_code == 202
        body = answer.json()
        assert body["accepted"] == 1197
        assert [(one["index"], one["field"]) for one in body["rejected"]] == [(3, "$"), (5, "$"), (7, "$")]
        records = [one for one in await world.records() if isinstance(one, Calls)]
        assert sum(len(one.calls) for one in records) == 1197
        assert len(records) <= 12
        assert max(len(one.calls) for one in records) <= 500

    in_world(settings, scenario)


def test_gzip_is_taken_and_a_cut_one_is_not(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        packed = gzip.compress(json.dumps(call()).encode())
        assert (await world.post(packed, content_encoding="gzip")).status_code == 202
        cut = await world.post(packed[:-12], content_encoding="gzip")
        assert cut.status_code == 400
        bomb = await world.post(gzip.compress(b"[" + b" " * 40_000_000 + b"]"), content_encoding="gzip")
        assert bomb.status_code == 413
        assert (await world.post(b"{}", content_encoding="br")).status_code == 415

    in_world(settings, scenario)


MALFORMED = {
    "not JSON": (b"{", 400),
    "nothing": (b"", 400),
    "an empty array": (b"[]", 400),
    "a number": (b"7", 400),
    "a key twice": (b'{"id":"1","id":"2"}', 400),
    "NaN": (b'{"wait_seconds": NaN}', 400),
    "a NUL byte": (b'{"id":"\x00"}', 400),
    "UTF-16": ('{"id":"1"}'.encode("utf-16"), 400),
    "Latin-1": ('{"id":"é"}'.encode("latin-1"), 400),
    "nine levels": (b'{"a":' * 9 + b"1" + b"}" * 9, 400),
    "endless nesting": (b"[" * 200_000, 400),
    "a number without end": (b'{"count":' + b"9" * 5000 + b"}", 400),
    "too many items": (b"[" + b",".join([b"1"] * 10_000) + b"]", 413),
    "20 MiB": (b" " * (20 * 1024 * 1024), 413),
    "no valid call": (b"{}", 422),
}


def test_bodies_that_are_not_taken_get_a_problem_that_says_why(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        for name, (body, status) in MALFORMED.items():
            answer = await world.post(body)
            assert answer.status_code == status, (name, answer.text)
            assert answer.headers["content-type"] == "application/problem+json", name
            assert {"type", "title", "status", "detail"} <= set(answer.json()), name
        assert (await world.post(b"a=b", content_type="application/x-www-form-urlencoded")).status_code == 415
        assert (await world.post(b"{}", content_type="application/json; charset=latin-1")).status_code == 415
        garbage = await world.post(b"no\njson\n", content_type="application/x-ndjson")
        assert garbage.status_code == 400
        assert await world.calls() == []

    in_world(settings, scenario)


WRONG_FIELDS = [
    ({"time": "2026-01-01T10:00:00"}, "time"),
    ({"time": "1970-01-01T00:00:00Z"}, "time"),
    ({"time": "2200-01-01T00:00:00Z"}, "time"),
    ({"count": 5}, "count"),
    ({"area": "L4J"}, "area"),
    ({"line": 211}, "line"),
    ({"id": "a\u0000b"}, "id"),
    ({"latitude": 1.5}, "longitude"),
]


@pytest.mark.parametrize(("change", "field"), WRONG_FIELDS)
def test_a_wrong_field_is_named(settings: Settings, change: dict[str, object], field: str) -> None:
    async def scenario(world: World) -> None:
        answer = await world.post(call(**change))
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["rejected"]] == [field]

    in_world(settings, scenario)


def test_places_come_from_codes_postal_codes_and_coordinates_and_then_are_gone(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        no_area = {key: value for key, value in call().items() if key != "area"}
        given = [
            no_area | {"id": "1", "postal_code": "77002-1234"},
            no_area | {"id": "2", "latitude": 29.771, "longitude": -95.362},
            no_area | {"id": "3", "area": "nowhere"},
            no_area | {"id": "4"},
        ]
        assert (await world.post(given)).json()["accepted"] == 4
        assert [one.area for one in await world.calls()] == ["77002", "77001", "unmapped", None]
        assert "-95.36" not in str(await world.records())
        _, free = world.keys.add("ingest", "second", source="crm-2")
        canada = await world.post(no_area | {"source": "crm-2", "postal_code": "l4j 1a1"}, key=free)
        assert canada.json()["accepted"] == 1
        assert "L4J" in [one.area for one in await world.calls()]
        nowhere = await world.post(no_area | {"source": "crm-2", "id": "9"}, key=free)
        assert (nowhere.status_code, nowhere.json()["rejected"][0]["field"]) == (422, "area")

    in_world(settings, scenario)


def test_keys_decide_who_may_post_what(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        nobody = await world.client.post("/v1/events", json=call())
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"] == "Bearer"
        _, viewer = world.keys.add("viewer", "viewer")
        assert (await world.post(call(), key=viewer)).status_code == 403
        assert (await world.post(call(source="other"))).status_code == 403
        mixed = await world.post([call(), call(source="other")])
        assert (mixed.status_code, mixed.json()["rejected"][0]["field"]) == (202, "source")
        basic = await world.client.post("/v1/events", json=call(), auth=("anyone", world.key))
        assert basic.status_code == 202
        assert (await world.client.post("/v1/events", json=call(), headers={"X-API-Key": world.key})).status_code == 202
        totals_id, totals = world.keys.add("ingest", "totals", source="sums", totals=True, home_area="harris")
        assert (await world.post(call(source="sums", count=40), key=totals)).status_code == 202
        world.keys.revoke(totals_id)
        async with asyncio.timeout(200):
            while (await world.post(call(source="sums"), key=totals)).status_code != 401:
                await asyncio.sleep(0.1)

    in_world(settings, scenario)


def test_a_key_that_asks_too_often_is_told_to_wait(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        answers = await asyncio.gather(*(world.post(call()) for _ in range(12)))
        assert {one.status_code for one in answers} == {202, 429}
        assert next(one for one in answers if one.status_code == 429).headers["retry-after"] == "1"

    in_world(settings, scenario, requests_per_second=1.0)


def test_outside_live_time_comes_with_the_calls_and_by_ticks(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        old = datetime(2024, 3, 1, 12, tzinfo=UTC)
        given = call(time=old.isoformat(), logged_at=(old + timedelta(minutes=2)).isoformat())
        assert (await world.post(given)).status_code == 202
        late = await world.post(call(time=(old - timedelta(hours=80)).isoformat()))
        assert (late.status_code, late.json()["rejected"][0]["field"]) == (422, "time")
        header = {"Authorization": f"Bearer {world.key}"}
        tick = await world.client.post("/v1/ticks", json={"at": "2024-03-01T12:05:00Z"}, headers=header)
        assert tick.status_code == 202
        assert (await world.client.post("/v1/ticks", json={"at": "soon"}, headers=header)).status_code == 422
        records = await world.records()
        assert [one.at for one in records if isinstance(one, Calls)] == [(1709294520000,)]
        assert [one.at for one in records if isinstance(one, Tick)] == [1709294700000] * 2
        assert len([one for one in records if isinstance(one, Control)]) == 2

    in_world(settings, scenario)


def test_cloudevents_are_taken_in_all_three_forms(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        inner = {key: value for key, value in call().items() if key != "id"}
        event = {"specversion": "1.0", "id": "ce-1", "source": "/crm", "type": "call", "data": inner}
        one = await world.post(event, content_type="application/cloudevents+json")
        assert one.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
        batch = [event | {"id": "ce-2"}, event | {"specversion": "0.3"}]
        two = await world.post(batch, content_type="application/cloudevents-batch+json; charset=utf-8")
        assert (two.json()["accepted"], two.json()["rejected"][0]["field"]) == (1, "specversion")
        headers = {"ce_specversion": "1.0", "ce_id": "ce-1", "ce_source": "/crm", "ce_type": "call"}
        three = await world.post(inner, **headers)
        assert three.json()["duplicates"] == 1

    in_world(settings, scenario)


def test_a_crm_posts_its_own_records_through_its_mapping(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        _, key = world.keys.add("ingest", "boston", source="boston311", home_area="harris")
        path = "/v1/sources/boston311/records"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
        rows = "case_enquiry_id,open_dt,reason,type,neighborhood,latitude,longitude,source\n"
        moment = (datetime.now(UTC) - timedelta(hours=2)).astimezone(ZoneInfo("America/New_York"))
        rows += f"101,{moment:%Y-%m-%d %H:%M:%S},Sanitation,Missed Trash,Dorchester,42.3,-71.06,Constituent Call\n"
        rows += "102,yesterday,Sanitation,Missed Trash,Dorchester,42.3,-71.06,Constituent Call\n"
        good = await world.client.post(path, content=rows.encode(), headers=headers)
        assert good.status_code == 202, good.text
        assert good.json()["accepted"] == 1
        assert [one["index"] for one in good.json()["rejected"]] == [1]
        assert [(one.source, one.line, one.area) for one in await world.calls()] == [("boston311", "311", "unmapped")]
        wrong = await world.client.post(path, content=b"a,b\n1,2\n", headers=headers)
        assert wrong.status_code == 400, wrong.text
        cut = gzip.compress(rows.encode() * 50)[:-20]
        answer = await world.client.post(path, content=cut, headers=headers | {"Content-Encoding": "gzip"})
        assert answer.status_code == 400
        assert (await world.client.post("/v1/sources/crm/records", content=b"a", headers=headers)).status_code == 403
        mine = {"Authorization": f"Bearer {world.key}", "Content-Type": "text/csv"}
        none = await world.client.post("/v1/sources/crm/records", content=b"a", headers=mine)
        assert none.status_code == 404

    in_world(settings, scenario)


def test_metrics_health_and_headers(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        await world.post([call(), call(line="x")])
        ready = await world.client.get("/health/ready")
        assert (ready.status_code, ready.json()["dependencies"]["kafka"]["state"]) == (200, "up")
        assert ready.headers["x-content-type-options"] == "nosniff"
        assert (await world.client.get("/health/live")).status_code == 200
        text = (await world.client.get("/metrics")).text
        assert 'groundswell_ingest_calls_total{result="accepted",source="crm"} 1.0' in text
        assert 'groundswell_ingest_rejected_total{reason="field"} 1.0' in text
        assert 'groundswell_ingest_http_requests_total{method="POST",route="/v1/events",status="2xx"} 1.0' in text
        missing = await world.client.get("/nothing/617-555-0100")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
        assert "555-0100" not in (await world.client.get("/metrics")).text

    in_world(settings, scenario)


def test_rejections_and_caller_groups_go_to_their_topics_and_nowhere_else(settings: Settings) -> None:
    async def scenario(world: World) -> None:
        caller = {"age_band": "65-74", "language": "es"}
        answer = await world.post([call(caller=caller), call(line="617-555-0100")])
        assert (answer.json()["accepted"], len(answer.json()["rejected"])) == (1, 1)
        assert "65-74" not in str(await world.records())

    in_world(settings, scenario)
    stored = {
        topic: [
            json.loads(one.value or b"")
            for partition in range(settings.partitions)
            for one in read_all(settings, topic.in_space(settings.space), partition)
        ]
        for topic in (REJECTED, CALLERS)
    }
    (rejected,) = stored[REJECTED]
    assert (rejected["source"], rejected["field"]) == ("crm", "line")
    assert "555-0100" not in str(rejected)
    (counted,) = stored[CALLERS]
    assert counted["home_area"] == "harris"
    assert ["north", "BD", "age_band", "65-74", 1] in counted["cells"]
