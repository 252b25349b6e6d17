"""Exploring and handing over: movers, CSV, similar alerts, quality, sources, the shift's summary."""

from collections.abc import Iterator

import httpx
import msgspec
import pytest

from schemas.output import Rejected
from schemas.topics import REJECTED
from services.api.codebook import Codebook
from services.api.series_csv import may_leave
from tests.api_parts import (
    BOOK,
    HOUR,
    NOW,
    FakeClock,
    Parts,
    Tape,
    alert,
    home_status,
    iso,
    parts,
    point,
    prepared,
    running,
    series,
)

DAY = 24 * HOUR


def z(ms: int) -> str:
    return iso(ms).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("api")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    tape = Tape(database)
    raised = {"raised_at": z(NOW - HOUR), "started_at": z(NOW - 3 * HOUR)}
    tape.alerts(
        alert("now", 1, severity="severe", **raised),
        alert("same", raised_at=z(NOW - 9 * DAY), started_at=z(NOW - 9 * DAY - HOUR // 2), status="ended"),
        alert("sister", raised_at=z(NOW - 8 * DAY), area="02128", status="ended"),
        alert("neighbour", raised_at=z(NOW - 7 * DAY), need="BV", status="ended"),
        alert("other kind", raised_at=z(NOW - 7 * DAY), kind="drop", status="ended"),
    )
    tape.series(
        series(
            *(point(NOW - hour * HOUR, 30) for hour in range(1, 5)),
            *(point(NOW - hour * HOUR, 1, need="BV") for hour in range(1, 5)),
            point(NOW - HOUR, 6, need="BH", area="02128"),
        )
    )
    tape.status(home_status("metro"))
    tape.play(
        REJECTED,
        *(
            msgspec.json.encode(
                Rejected(1, "unknown code", source="metro-crm", field="needs", at=NOW - minute * 60_000)
            )
            for minute in range(3)
        ),
        msgspec.json.encode(Rejected(1, "too late", source="metro-crm", at=NOW - 9 * DAY)),
    )
    yield parts(database, folder, clock=FakeClock(NOW))
    database.close()


@pytest.fixture(scope="module")
def api(made: Parts) -> Iterator[httpx.Client]:
    headers = made.headers("coordinator")
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=headers, timeout=30) as client,
    ):
        for alert_id, label in (("same", "real_surge"), ("sister", "false_alarm"), ("neighbour", "expected_event")):
            assert client.post(f"/v1/alerts/{alert_id}/label", json={"label": label}).status_code == 200
        client.post("/v1/alerts/now/acknowledge", json={}).raise_for_status()
        client.post("/v1/alerts/now/notes", json={"text": "shelter *B* full"}).raise_for_status()
        yield client


def test_movers_are_what_rose_and_fell_most_surely(api: httpx.Client) -> None:
    found = api.get("/v1/movers").json()
    assert [(one["need"], one["observed"], one["ratio"]) for one in found["risers"]] == [("BH-1800", 120, 3.0)]
    assert [(one["need"], one["observed"]) for one in found["fallers"]] == [("BV", 4)]
    assert "02128" not in {one["area"] for one in found["fallers"]}, "6 where 10 are usual may be chance"
    assert api.get("/v1/movers?area=coast").json()["risers"] == []
    assert api.get("/v1/movers?area=nowhere").status_code == 404


def test_many_series_come_in_one_answer(api: httpx.Client) -> None:
    items = api.get("/v1/series/many?needs=BH-1800,BV&areas=east,metro").json()["items"]
    assert [(one["need"], one["area"]) for one in items] == [
        ("BH-1800", "east"),
        ("BH-1800", "metro"),
        ("BV", "east"),
        ("BV", "metro"),
    ]
    assert api.get("/v1/series/many?needs=BV&areas=" + ",".join(["east"] * 3)).status_code == 200
    assert api.get("/v1/series/many?needs=&areas=east").status_code == 422
    assert api.get("/v1/series/many?needs=NO&areas=east").status_code == 404


def test_a_series_for_others_has_no_cell_under_five(api: httpx.Client) -> None:
    path = f"/v1/series.csv?need=BV&area=east&start={z(NOW - 2 * HOUR)}&end={z(NOW)}"
    others = api.get(path)
    assert others.headers["content-type"].startswith("text/csv")
    assert "attachment" in others.headers["content-disposition"]
    lines = others.text.splitlines()
    assert lines[1].endswith("BV,east,,,,,false,true")
    assert ",1,10.0," in api.get(path + "&audience=us").text


def test_a_sensitive_need_leaves_only_for_a_county_and_larger() -> None:
    needs = tuple(msgspec.structs.replace(one, sensitive=one.code == "BH") for one in BOOK.reference.needs)
    book = Codebook(msgspec.structs.replace(BOOK.reference, needs=needs))
    assert may_leave(book, "BH-1800", "metro")
    assert may_leave(book, "BH-1800", "east")
    assert not may_leave(book, "BH-1800", "02128")
    assert may_leave(book, "BV", "02128")


def test_similar_alerts_come_the_most_alike_first_with_their_labels(api: httpx.Client) -> None:
    items = api.get("/v1/alerts/now/similar").json()["items"]
    assert [(one["id"], one["why"], one["label"]) for one in items] == [
        ("same", "same_node", "real_surge"),
        ("sister", "same_need", "false_alarm"),
        ("neighbour", "same_area", "expected_event"),
    ]


def test_precision_and_lead_time_follow_from_labels(api: httpx.Client) -> None:
    [metro] = api.get("/v1/quality").json()["home_areas"]
    assert metro["labels"] == {"real_surge": 1, "false_alarm": 1, "expected_event": 1}
    assert (metro["precision"], metro["lead_minutes_median"], metro["labelled"]) == (0.5, 30.0, 3)
    assert metro["precision_low"] < 0.5 < metro["precision_high"]
    assert metro["acknowledge_minutes_median"] == 60.0


def test_sources_say_what_was_refused_and_why(api: httpx.Client) -> None:
    [one] = api.get("/v1/sources").json()["items"]
    assert one["rejected_week"] == 3
    assert one["rejected_reasons"] == [
        {"reason": "unknown code", "field": "needs", "count": 3, "last_at": z(NOW)},
    ]


def test_a_handover_says_what_rose_what_was_done_and_what_is_open(api: httpx.Client) -> None:
    found = api.get("/v1/handover").json()
    assert [one["id"] for one in found["rose"]] == ["now"]
    assert [one["id"] for one in found["open"]] == ["now"]
    assert {(one["alert_id"], one["type"]) for one in found["done"]} >= {("now", "acknowledge"), ("now", "notes")}
    assert found["budget"] == [{"home_area": "metro", "per_week": 3.0, "raised_week": 2}]
    assert api.get(f"/v1/handover?since={z(NOW)}&until={z(NOW - 1)}").status_code == 422


@pytest.mark.parametrize(("language", "word"), [("en", "Handover"), ("fr", "Relève"), ("es", "Relevo")])
def test_a_handover_can_be_printed_in_each_language(api: httpx.Client, language: str, word: str) -> None:
    answer = api.get(f"/v1/handover.md?language={language}")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith(f"# {word}")
    assert r"shelter \*B\* full" in answer.text


def test_the_worst_ended_last_is_first_in_the_list_of_ended_ones(api: httpx.Client, made: Parts) -> None:
    Tape(made.database).alerts(alert("same", 2, raised_at=z(NOW - 9 * DAY), updated_at=z(NOW + HOUR), status="ended"))
    ids = [one["id"] for one in api.get("/v1/alerts?status=ended").json()["items"]]
    assert ids[0] == "same", "ended ones stand in the order of their end"
    assert [one["id"] for one in api.get("/v1/alerts?status=ended&order=raised").json()["items"]][-1] == "same"
    assert [one["id"] for one in api.get("/v1/alerts?status=all&label=false_alarm").json()["items"]] == ["sister"]
    page = api.get("/v1/alerts?status=ended&limit=1").json()
    following = api.get(f"/v1/alerts?status=ended&limit=9&cursor={page['next']}").json()["items"]
    assert [one["id"] for one in page["items"] + following] == ids
