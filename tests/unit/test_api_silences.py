"""Silences hide alerts for a time and do nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from services.api.codebook import Codebook
from services.api.database import Database
from services.api.tables_people import outbox
from services.api.view import cover_of
from tests.api_parts import BOOK, HOUR, NOW, FakeClock, Parts, Tape, alert, events, iso, parts, prepared, running

DAY = 24 * HOUR


def z(ms: int) -> str:
    return iso(ms).isoformat().replace("+00:00", "Z")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    Tape(found).alerts(
        alert("shelter"),
        alert("shelter-pier", area="02128"),
        alert("bills", need="BV"),
        alert("coast", home_area="coast", area="coast"),
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


def silence(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"until": z(NOW + DAY), "reason": "known heat wave", **fields}
    answer = api.post("/v1/silences", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def hidden(api: httpx.Client) -> set[str]:
    return {one["id"] for one in api.get("/v1/alerts?silenced=only").json()["items"]}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("alert", {"shelter"}), ("need", {"shelter", "shelter-pier"}), ("area", {"shelter", "shelter-pier", "bills"})],
)
def test_an_alert_can_be_hidden_alone_or_with_what_is_like_it(
    api: httpx.Client, scope: str, expected: set[str]
) -> None:
    body = {"scope": scope, "until": z(NOW + DAY), "reason": "known heat wave"}
    answer = api.post("/v1/alerts/shelter/silence", json=body)
    assert answer.json()["silenced_until"] == z(NOW + DAY)
    assert hidden(api) == expected
    assert len(api.get("/v1/alerts").json()["items"]) == 4, "the API goes on telling them"
    found = api.get("/v1/silences").json()["items"]
    assert [(one["scope"], one["by"], one["hides_open"]) for one in found] == [(scope, "somebody", len(expected))]
    assert api.delete("/v1/alerts/shelter/silence").json()["silenced_until"] is None
    assert hidden(api) == set()
    assert api.delete("/v1/alerts/shelter/silence").status_code == 409


def test_a_silence_matches_all_that_it_names_with_what_lies_below(api: httpx.Client) -> None:
    silence(api, need="BH", area="02128")
    assert hidden(api) == {"shelter-pier"}
    silence(api, need="B", home_area="coast")
    assert hidden(api) == {"shelter-pier", "coast"}


def test_a_silence_is_over_when_its_time_has_come_and_stays_in_the_list(api: httpx.Client, made: Parts) -> None:
    made_one = silence(api, area="east")
    made.clock.now = NOW + DAY
    assert hidden(api) == set()
    assert api.get("/v1/silences").json()["items"] == []
    kept = api.get("/v1/silences?state=all").json()["items"]
    assert [(one["id"], one["state"], one["hides_open"]) for one in kept] == [(made_one["id"], "expired", 0)]


def test_a_silence_can_be_expired_once(api: httpx.Client) -> None:
    one = silence(api, area="east")
    assert api.delete(f"/v1/silences/{one['id']}").json()["state"] == "expired"
    assert api.delete(f"/v1/silences/{one['id']}").status_code == 409
    assert api.delete("/v1/silences/s_nothing").status_code == 404


def test_what_a_silence_would_hide_can_be_looked_at_first(api: httpx.Client, database: Database) -> None:
    Tape(database).alerts(alert("old", status="ended", raised_at=z(NOW - 2 * DAY)))
    found = api.get("/v1/silences/preview?need=BH&home_area=metro").json()
    assert (found["hides_open"], found["hides_week"], set(found["alerts"])) == (2, 3, {"shelter", "shelter-pier"})
    assert api.get("/v1/silences/preview").status_code == 422
    assert api.get("/v1/silences/preview?alert_id=shelter").json()["alerts"] == ["shelter"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"home_area": "metro"},
        {"area": "east", "until": z(NOW)},
        {"area": "east", "until": z(NOW + 8 * DAY)},
        {"area": "east", "reason": ""},
        {"area": "east", "reason": "call 555 010 7788"},
    ],
)
def test_a_silence_of_everything_or_for_ever_or_without_a_reason_is_refused(
    api: httpx.Client, body: dict[str, Any]
) -> None:
    answer = api.post("/v1/silences", json={"until": z(NOW + DAY), "reason": "heat", **body})
    assert answer.status_code == 422
    assert hidden(api) == set()


def test_other_pages_hear_of_each_alert_that_is_hidden_and_nothing_goes_to_the_detector(
    api: httpx.Client, database: Database
) -> None:
    with api.stream("GET", "/v1/alerts/stream") as answer:
        stream = events(answer.iter_lines())
        while next(stream)[0] != "beat":
            pass
        silence(api, need="BH", home_area="metro")
        seen: dict[str, Any] = {}
        while len(seen) < 3:
            name, _, data = next(stream)
            if name in ("alert", "changed"):
                seen[data.get("id", name)] = data
    assert seen["changed"] == {"what": ["silences"]}
    assert {name: one["silenced_until"] for name, one in seen.items() if name != "changed"} == {
        "shelter": z(NOW + DAY),
        "shelter-pier": z(NOW + DAY),
    }
    with database.reading() as connection:
        controls = select(func.count()).where(outbox.c.topic == "calls.events.v1")
        assert connection.scalar(controls) == 0


def test_a_line_is_all_needs_that_the_tree_puts_under_it() -> None:
    needs = tuple(
        msgspec.structs.replace(one, line="311" if one.code == "BV" else "211") for one in BOOK.reference.needs
    )
    book = Codebook(msgspec.structs.replace(BOOK.reference, needs=needs))
    cover = cover_of(book, home_area="metro", line="311")
    assert cover.has("a", "metro", "BV", "east")
    assert not cover.has("a", "metro", "BH", "east")
    assert not cover.has("a", "coast", "BV", "coast")


def test_the_line_of_a_need_that_has_none_cannot_be_silenced(api: httpx.Client) -> None:
    body = {"scope": "line", "until": z(NOW + DAY), "reason": "known"}
    assert api.post("/v1/alerts/shelter/silence", json=body).status_code == 422


def test_a_person_with_few_needs_hides_nothing_of_others(api: httpx.Client, made: Parts) -> None:
    headers = made.headers("coordinator", needs=("BV",))
    body = {"until": z(NOW + DAY), "reason": "heat"}
    assert api.post("/v1/silences", json={**body, "area": "east"}, headers=headers).status_code == 422
    assert api.post("/v1/silences", json={**body, "need": "BH"}, headers=headers).status_code == 404
    wide = {**body, "scope": "area"}
    assert api.post("/v1/alerts/bills/silence", json=wide, headers=headers).status_code == 422
    assert hidden(api) == set()
