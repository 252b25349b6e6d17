"""The read endpoints over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from schemas.alert import Alert
from tests.api_parts import (
    HOUR,
    NOW,
    FakeClock,
    Parts,
    Tape,
    alert,
    home_status,
    iso,
    partition_status,
    parts,
    point,
    prepared,
    running,
    series,
    source_status,
)


def z(ms: int) -> str:
    return iso(ms).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("api")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    tape = Tape(database)
    tape.alerts(
        alert("a1", 1, raised_at=z(NOW - 3 * HOUR)),
        alert("a1", 2, raised_at=z(NOW - 3 * HOUR), status="easing"),
        alert("a2", 1, raised_at=z(NOW - 2 * HOUR), need="BV", area="02128", severity="severe", budget_needed=2.5),
        alert("a3", 1, raised_at=z(NOW - HOUR), need="BV", area="coast", home_area="coast", kind="drop"),
        alert("a4", 1, raised_at=z(NOW - 90 * HOUR), updated_at=z(NOW - 80 * HOUR), status="ended"),
    )
    tape.series(
        series(point(NOW - 3 * HOUR, 4), point(NOW - HOUR, 6), known_at=NOW),
        series(point(NOW, 2, is_open=True), point(NOW, 3, area="02128", is_open=True), known_at=NOW + HOUR // 2),
        series(point(NOW - HOUR, 1, need="contacts", area="coast"), home_area="coast"),
    )
    tape.status(home_status("metro", NOW, sources=(source_status(calls=1000), source_status("old", state="silent"))))
    tape.status(
        home_status(
            "metro", NOW + HOUR // 2, sources=(source_status(calls=1060), source_status("old", state="silent"))
        ),
        home_status("coast", NOW + HOUR // 2, state="warming"),
        partition_status(0, NOW + HOUR // 2 - 2000),
    )
    yield parts(database, folder, clock=FakeClock(NOW + HOUR // 2))
    database.close()


@pytest.fixture(scope="module")
def api(made: Parts) -> Iterator[httpx.Client]:
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=made.headers(), timeout=30) as client,
    ):
        yield client


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_alerts_are_the_open_ones_newest_first_unless_asked_otherwise(api: httpx.Client) -> None:
    assert ids(api.get("/v1/alerts")) == ["a3", "a2", "a1"]
    assert ids(api.get("/v1/alerts?status=all")) == ["a3", "a2", "a1", "a4"]
    assert ids(api.get("/v1/alerts?status=ended")) == ["a4"]
    assert ids(api.get("/v1/alerts?status=easing,ended")) == ["a1", "a4"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=drop", ["a3"]),
        ("kind=drop,surge", ["a3", "a2", "a1"]),
        ("need=BH", ["a1"]),
        ("need=B", ["a3", "a2", "a1"]),
        ("area=east", ["a2", "a1"]),
        ("area=02128", ["a2"]),
        ("need=nowhere", []),
        (f"status=all&since={z(NOW - HOUR)}", ["a3", "a2", "a1"]),
        (f"status=all&since={z(NOW - HOUR).replace('Z', '+00:00')}", ["a3", "a2", "a1"]),
        (f"status=all&since={z(NOW + 1)}", []),
    ],
)
def test_alerts_can_be_filtered_with_all_that_lies_below_a_code(
    api: httpx.Client, query: str, expected: list[str]
) -> None:
    assert ids(api.get(f"/v1/alerts?{query}")) == expected


def test_pages_together_hold_every_alert_once(api: httpx.Client) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get("/v1/alerts", params={"status": "all", "limit": 1} | ({"cursor": cursor} if cursor else {}))
        seen += ids(answer)
        cursor = answer.json()["next"]
    assert seen == ["a3", "a2", "a1", "a4"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/alerts?status=everything",
        "/v1/alerts?kind=flood",
        "/v1/alerts?limit=0",
        "/v1/alerts?limit=501",
        "/v1/alerts?cursor=%00",
        "/v1/alerts?cursor=bm8",
        "/v1/alerts?since=2026-01-01T00:00:00",
        "/v1/alerts?since=yesterday",
        "/v1/incidents?cursor=x",
        "/v1/series?need=BH&area=metro&start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z",
        "/v1/series?need=BH&area=metro&start=2020-01-02T00:00:00Z",
        "/v1/series?need=BH&area=metro&start=0001-01-01T00:00:00%2B23:00",
        "/v1/series?need=BH&area=metro&bucket=week",
        "/v1/series?need=BH",
        "/v1/areas/state?hours=0",
        "/v1/budget?preview=-1",
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem_that_names_the_field(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= answer.json().keys()


def test_an_alert_comes_as_the_contract_says_with_the_human_side(api: httpx.Client) -> None:
    body = api.get("/v1/alerts/a1").json()
    untouched = {
        "human_version": 0,
        "acknowledged": None,
        "assigned_to": None,
        "label": None,
        "labelled": None,
        "notes": [],
        "end_requested": None,
        "silenced_until": None,
        "silenced_by": [],
        "events": [],
    }
    assert {name: body.pop(name) for name in untouched} == untouched
    assert Alert.model_validate(body).version == 2
    assert body["raised_at"].endswith("Z")


def test_the_history_holds_every_version(api: httpx.Client) -> None:
    body = api.get("/v1/alerts/a1/history").json()
    assert [version["version"] for version in body["versions"]] == [1, 2]
    assert body["actions"] == []


@pytest.mark.parametrize("path", ["/v1/alerts/nobody", "/v1/alerts/nobody/history", "/nothing", "/v1/nothing"])
def test_what_does_not_exist_is_404_as_a_problem(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_alerts_of_one_home_area_or_one_kind_of_need_within_a_day_are_one_incident(api: httpx.Client) -> None:
    body = api.get("/v1/incidents").json()
    assert [(one["id"], one["alerts"]) for one in body["items"]] == [("a1", ["a1", "a2", "a3"])]
    assert body["items"][0]["severity"] == "severe"
    assert body["items"][0]["status"] == "rising"
    assert body["items"][0]["home_areas"] == ["coast", "metro"]
    assert ids(api.get("/v1/incidents?status=all&limit=1")) == ["a1"]
    following = api.get("/v1/incidents?status=all&limit=1").json()["next"]
    assert ids(api.get(f"/v1/incidents?status=all&limit=1&cursor={following}")) == ["a4"]


def test_a_series_has_every_hour_from_start_to_before_end_zero_hours_included(api: httpx.Client) -> None:
    path = f"/v1/series?need=BH-1800&area=east&start={z(NOW - 4 * HOUR)}&end={z(NOW + HOUR)}"
    body = api.get(path).json()
    assert (body["home_area"], body["timezone"]) == ("metro", "America/Chicago")
    found = [(one["start"], one["observed"], one["expected"], one["open"]) for one in body["points"]]
    assert found == [
        (z(NOW - 4 * HOUR), 0, None, False),
        (z(NOW - 3 * HOUR), 4, 10.0, False),
        (z(NOW - 2 * HOUR), 0, None, False),
        (z(NOW - HOUR), 6, 10.0, False),
        (z(NOW), 2, 10.0, True),
    ]
    shorter = api.get(f"/v1/series?need=BH-1800&area=east&start={z(NOW - 3 * HOUR)}&end={z(NOW - HOUR)}").json()
    assert [one["observed"] for one in shorter["points"]] == [4, 0]


def test_hours_in_which_nothing_was_heard_of_a_home_area_are_not_zero_but_unknown(api: httpx.Client) -> None:
    path = f"/v1/series?need=BH-1800&area=east&end={z(NOW + HOUR)}&start="
    points = api.get(path + z(NOW - 12 * HOUR)).json()["points"]
    assert [one["known"] for one in points] == [False] * 9 + [True] * 4
    assert {one["observed"] for one in points[:9]} == {0}
    shorter = api.get(path + z(NOW - 8 * HOUR)).json()["points"]
    assert all(one["known"] for one in shorter), "five hours may be a quiet night"
    days = api.get(path + f"{z(NOW - 30 * HOUR)}&bucket=day").json()["points"]
    assert [one["known"] for one in days] == [False] * len(days)


def test_no_series_goes_beyond_log_time(api: httpx.Client) -> None:
    path = f"/v1/series?need=contacts&area=east&start={z(NOW)}&end={z(NOW + 9 * HOUR)}"
    assert [(one["observed"], one["open"]) for one in api.get(path).json()["points"]] == [(0, True)]


def test_a_series_as_it_was_known_earlier_ends_there(api: httpx.Client) -> None:
    path = f"/v1/series?need=BH-1800&area=east&start={z(NOW - HOUR)}&end={z(NOW + HOUR)}&known_at={z(NOW + 60_000)}"
    assert [(one["observed"], one["open"]) for one in api.get(path).json()["points"]] == [(6, False), (0, True)]


def test_days_are_those_of_the_home_areas_zone(api: httpx.Client) -> None:
    path = f"/v1/series?need=BH-1800&area=east&bucket=day&start={z(NOW - 30 * HOUR)}&end={z(NOW + HOUR)}"
    points = api.get(path).json()["points"]
    assert {one["start"][11:] for one in points} == {"05:00:00Z"}
    assert sum(one["observed"] for one in points) == 12
    assert points[-1]["open"]


@pytest.mark.parametrize("query", ["need=nowhere&area=metro", "need=BH&area=nowhere", "need=BH&area=nowhere:unmapped"])
def test_a_series_of_an_unknown_code_is_404(api: httpx.Client, query: str) -> None:
    assert api.get(f"/v1/series?{query}").status_code == 404


@pytest.mark.parametrize("query", ["need=contacts&area=metro:unmapped", "need=unmapped&area=metro"])
def test_the_pseudo_codes_have_series_too(api: httpx.Client, query: str) -> None:
    points = api.get(f"/v1/series?{query}").json()["points"]
    assert {one["observed"] for one in points} == {0}


def test_the_map_gets_every_area_with_its_state(api: httpx.Client) -> None:
    body = api.get("/v1/areas/state?need=BH-1800&hours=2").json()
    assert set(body) == {"metro", "east", "02128", "coast", "metro:unmapped", "coast:unmapped"}
    assert body["east"] == {"observed": 8, "expected": 20.0, "kappa": None, "state": "live"}
    assert body["coast"]["state"] == "warming"


def test_hours_without_a_call_count_in_what_the_map_expects(api: httpx.Client) -> None:
    body = api.get("/v1/areas/state?need=BH-1800&hours=5").json()
    assert body["east"] == {"observed": 12, "expected": 50.0, "kappa": None, "state": "live"}


def test_the_map_can_be_asked_for_what_was_known_then(api: httpx.Client) -> None:
    def then(ms: int, hours: int = 2) -> dict[str, object]:
        body = api.get("/v1/areas/state", params={"need": "BH-1800", "hours": hours, "known_at": z(ms)}).json()
        east: dict[str, object] = body["east"]
        return east

    assert then(NOW + HOUR // 2) == {"observed": 8, "expected": 20.0, "kappa": None, "state": "live"}
    assert then(NOW + HOUR // 4) == {"observed": 6, "expected": 10.0, "kappa": None, "state": "live"}
    assert then(NOW, hours=5) == {"observed": 10, "expected": 40.0, "kappa": None, "state": "live"}
    assert then(NOW - HOUR) == {"observed": 0, "expected": 0.0, "kappa": None, "state": "warming"}
    forgotten = api.get("/v1/areas/state", params={"known_at": z(NOW - 15 * 24 * HOUR)})
    assert (forgotten.status_code, "kept for 14 days" in forgotten.json()["detail"]) == (422, True)


def test_needs_and_areas_come_as_trees(api: httpx.Client) -> None:
    needs = api.get("/v1/needs").json()["items"]
    assert [(need["code"], need["parent"]) for need in needs][:3] == [("B", None), ("BH", "B"), ("BH-1800", "BH")]
    areas = api.get("/v1/areas")
    assert areas.headers["content-type"] == "application/geo+json"
    features = {one["id"]: one for one in areas.json()["features"]}
    assert features["east"]["geometry"] == {"type": "Point", "coordinates": [-96.9, 30.1]}
    assert features["02128"]["geometry"] is None
    assert features["east"]["properties"] == {
        "code": "east",
        "parent": "metro",
        "name": "East side",
        "timezone": "America/Chicago",
        "home_area": "metro",
        "population": 400_000,
    }


def test_sources_say_their_lag_rate_and_state(api: httpx.Client) -> None:
    items = {(one["home_area"], one["source"]): one for one in api.get("/v1/sources").json()["items"]}
    crm = items["metro", "metro-crm"]
    assert (crm["rate_per_hour"], crm["lag_seconds"], crm["state"], crm["calls"]) == (120.0, 1805.0, "live", 1060)
    assert items["metro", "old"]["state"] == "silent"


def test_the_budget_can_be_compared_with_a_smaller_one(api: httpx.Client) -> None:
    items = {one["home_area"]: one for one in api.get("/v1/budget?preview=1").json()["items"]}
    assert items["metro"]["per_week"] == 3.0
    assert items["metro"]["preview"] == {
        "per_week": 1.0,
        "raised_week": 2,
        "also": None,
        "without": ["a2"],
        "complete": True,
    }
    higher = api.get("/v1/budget?preview=5").json()["items"][0]
    assert higher["preview"]["raised_week"] is None, "what was held back is not told, so nothing is claimed"


def test_without_silences_the_list_is_empty(api: httpx.Client) -> None:
    assert api.get("/v1/silences").json() == {"items": [], "next": None}


def test_every_answer_of_the_description_has_an_example_or_a_schema(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    for path in ("/v1/alerts", "/v1/series", "/v1/incidents", "/v1/budget", "/v1/sources", "/v1/login"):
        assert path in document["paths"]
    for name in ("AlertAnswer", "Series", "Incident", "SourceAnswer"):
        assert document["components"]["schemas"][name]["examples"]


def test_the_examples_of_the_description_are_valid(api: httpx.Client) -> None:
    from services.api import model, model_feeds

    kinds = {**vars(model), **vars(model_feeds)}
    for name in ("AlertAnswer", "Series", "Incident", "SourceAnswer", "Budget", "Login"):
        kind = kinds[name]
        for example in kind.model_config["json_schema_extra"]["examples"]:
            kind.model_validate(example)


def test_health_and_metrics_need_no_key(api: httpx.Client) -> None:
    bare = httpx.Client(base_url=api.base_url, timeout=30)
    assert bare.get("/health/live").status_code == 200
    assert bare.get("/health/ready").status_code == 200
    assert "groundswell_api_stream_clients" in bare.get("/metrics").text
    bare.close()
