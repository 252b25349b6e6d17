"""Declared events, their board, and the budget."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from schemas.controls import body_of
from schemas.output import HeldBack
from services.api.database import Database
from services.api.tables_people import outbox
from tests.api_parts import (
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


HEAT: dict[str, Any] = {
    "name": "July heat",
    "hazard": "heat",
    "areas": ["east"],
    "needs": ["BH"],
    "start": z(NOW - 4 * HOUR),
    "periods": [
        {"name": "night", "start": z(NOW - 4 * HOUR), "end": z(NOW - 2 * HOUR)},
        {"name": "day", "start": z(NOW - 2 * HOUR), "end": z(NOW + 10 * HOUR)},
    ],
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    tape = Tape(found)
    tape.alerts(alert("pier", area="02128"), alert("bills", need="BV"), alert("coast", home_area="coast", area="coast"))
    held = (
        HeldBack("BV", "east", NOW - HOUR, NOW - 2 * HOUR, 9, 3.0, 4.5, 4.0),
        HeldBack("BH", "east", NOW - DAY, NOW - DAY, 8, 4.0, 4.0, 9.0, NOW),
    )
    tape.status(home_status("metro", held_back=held, log_time=NOW), home_status("coast"))
    tape.series(
        series(
            point(NOW - 3 * HOUR, 20, need="BH"),
            point(NOW - HOUR, 30, need="BH"),
            point(NOW - HOUR, 50, need="contacts"),
            point(NOW - HOUR, 99, need="BV"),
        )
    )
    yield found
    found.close()


@pytest.fixture
def made(database: Database, tmp_path: Path) -> Parts:
    return parts(database, tmp_path, clock=FakeClock(NOW))


@pytest.fixture
def api(made: Parts) -> Iterator[httpx.Client]:
    headers = made.headers("coordinator")
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=headers, timeout=30) as client,
    ):
        yield client


def controls(database: Database) -> list[tuple[str, str | None, dict[str, Any]]]:
    with database.reading() as connection:
        rows = connection.execute(select(outbox).where(outbox.c.topic == "calls.events.v1").order_by(outbox.c.id))
        found = [(row.key, msgspec.json.decode(row.value)) for row in rows]
    return [(one["type"], key, one["body"]) for key, one in found]


def declare(api: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = api.post("/v1/declared-events", json=HEAT | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_declared_event_joins_its_alerts_and_every_partition_hears_of_it(
    api: httpx.Client, database: Database
) -> None:
    event = declare(api)
    assert (event["state"], event["by"], event["alerts"]) == ("running", "somebody", ["pier"])
    assert api.get("/v1/alerts/pier").json()["events"] == [event["id"]]
    assert api.get("/v1/alerts/bills").json()["events"] == []
    [(kind, key, body)] = controls(database)
    assert (kind, key) == ("event", None), "without a key it goes to every partition"
    assert body_of(kind, body).event_id == event["id"]  # type: ignore[union-attr]


def test_an_event_makes_one_incident_of_alerts_that_lie_far_apart(api: httpx.Client, database: Database) -> None:
    Tape(database).alerts(alert("late", need="BV", area="coast", home_area="coast", raised_at=z(NOW + 3 * DAY)))
    assert [sorted(one["alerts"]) for one in api.get("/v1/incidents").json()["items"]] == [
        ["late"],
        ["bills", "coast", "pier"],
    ]
    event = declare(api, areas=["metro", "coast"], needs=[])
    [one] = api.get("/v1/incidents").json()["items"]
    assert (len(one["alerts"]), one["events"]) == (4, [event["id"]])


def test_an_event_is_changed_ended_and_withdrawn_and_the_later_of_two_sees_the_state(
    api: httpx.Client, database: Database
) -> None:
    path = f"/v1/declared-events/{declare(api)['id']}"
    changed = api.put(path, json=HEAT | {"needs": ["BV"]}, headers={"If-Match": '"1"'})
    assert (changed.json()["version"], changed.json()["alerts"]) == (2, ["bills"])
    late = api.put(path, json=HEAT, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["event"]["version"]) == (409, 2)
    assert api.post(f"{path}/end").json()["state"] == "over"
    assert api.post(f"{path}/end").status_code == 409
    assert api.get("/v1/declared-events").json()["items"] == []
    assert api.delete(path).json()["state"] == "withdrawn"
    assert api.get("/v1/alerts/bills").json()["events"] == []
    assert [body.get("withdrawn", False) for _, _, body in controls(database)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"areas": []}, 422),
        ({"areas": ["nowhere"]}, 404),
        ({"needs": ["nothing"]}, 404),
        ({"hazard": "dragons"}, 422),
        ({"end": z(NOW - 5 * HOUR)}, 422),
        ({"start": z(NOW - 15 * DAY)}, 422),
        ({"name": "see www.example.org"}, 422),
    ],
)
def test_an_event_that_cannot_be_is_refused(api: httpx.Client, change: dict[str, Any], status: int) -> None:
    assert api.post("/v1/declared-events", json=HEAT | change).status_code == status


def test_the_board_shows_each_need_against_normal_and_the_period_before(api: httpx.Client) -> None:
    event = declare(api)
    board = api.get(f"/v1/declared-events/{event['id']}/board").json()
    assert (board["period"]["name"], board["previous"]["name"]) == ("day", "night")
    rows = {row["need"]: row for row in board["rows"]}
    assert list(rows) == ["contacts", "BH"]
    assert (rows["BH"]["observed"], rows["BH"]["expected"], rows["BH"]["previous_observed"]) == (30, 10.0, 20)
    assert board["areas"] == [{"area": "east", "area_name": "East side", "observed": 50, "expected": 10.0, "ratio": 5}]
    assert api.get(f"/v1/declared-events/{event['id']}/board?period=9").status_code == 404


def test_a_larger_budget_shows_what_it_would_have_raised(api: httpx.Client) -> None:
    metro = next(one for one in api.get("/v1/budget?preview=5").json()["items"] if one["home_area"] == "metro")
    assert [one["need"] for one in metro["held_back"]] == ["BV", "BH"]
    assert metro["preview"] == {
        "per_week": 5.0,
        "raised_week": 3,
        "also": [metro["held_back"][0]],
        "without": [],
        "complete": True,
    }
    far = next(one for one in api.get("/v1/budget?preview=16").json()["items"] if one["home_area"] == "metro")
    assert not far["preview"]["complete"]


def test_a_budget_is_asked_for_by_name_and_shown_until_the_detector_has_it(
    api: httpx.Client, database: Database
) -> None:
    answer = api.put("/v1/budget", json={"home_area": "metro", "per_week": 5})
    assert answer.json()["asked"] == {"per_week": 5.0, "by": "somebody", "at": z(NOW)}
    assert controls(database) == [("budget", "metro", {"per_week": 5.0})]
    Tape(database).status(home_status("metro", budget_per_week=5.0, log_time=NOW + 1))
    items = {one["home_area"]: one for one in api.get("/v1/budget").json()["items"]}
    assert (items["metro"]["asked"], items["metro"]["per_week"]) == (None, 5.0)
    assert api.put("/v1/budget", json={"home_area": "nowhere", "per_week": 5}).status_code == 404
    assert api.put("/v1/budget", json={"home_area": "metro", "per_week": 0}).status_code == 422
