"""The life of an alert: what people do to it, who hears of it, and what two people at once see."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from schemas.controls import body_of
from services.api.database import Database
from services.api.tables import metadata
from services.api.tables_people import audit, outbox
from tests.api_parts import HOUR, NOW, FakeClock, Parts, Tape, alert, events, iso, parts, prepared, running

OTHER = "M. Ortiz"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    Tape(found).alerts(alert("a1"), alert("a2", need="BV", area="02128"), alert("c1", home_area="coast", area="coast"))
    yield found
    found.close()


@pytest.fixture
def made(database: Database, tmp_path: Path) -> Parts:
    return parts(database, tmp_path, clock=FakeClock(NOW))


@pytest.fixture
def address(made: Parts) -> Iterator[str]:
    with running(made.app, made.health) as found:
        yield found


@pytest.fixture
def api(address: str, made: Parts) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers=made.headers("coordinator"), timeout=30) as client:
        yield client


@pytest.fixture
def other(address: str, made: Parts) -> Iterator[httpx.Client]:
    _, key = made.keys.add("coordinator", OTHER)
    with httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=30) as client:
        yield client


def do(api: httpx.Client, what: str, body: Any = None, *, alert_id: str = "a1", **headers: str) -> dict[str, Any]:
    answer = api.post(f"/v1/alerts/{alert_id}/{what}", json={} if body is None else body, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def undo(api: httpx.Client, what: str, query: str = "", alert_id: str = "a1") -> dict[str, Any]:
    answer = api.delete(f"/v1/alerts/{alert_id}/{what}{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sent(database: Database, topic: str) -> list[dict[str, Any]]:
    with database.reading() as connection:
        rows = connection.execute(select(outbox).where(outbox.c.topic == topic).order_by(outbox.c.id))
        return [msgspec.json.decode(row.value) | {"partition_key": row.key} for row in rows]


def z(ms: int) -> str:
    return iso(ms).isoformat().replace("+00:00", "Z")


def test_each_action_shows_who_and_when_and_can_be_taken_back(api: httpx.Client, other: httpx.Client) -> None:
    mark = {"by": "somebody", "at": z(NOW)}
    assert do(api, "acknowledge")["acknowledged"] == mark
    assert do(api, "assign", {"to": OTHER})["assigned_to"] == OTHER
    noted = do(api, "notes", {"text": " shelter B is full \n"})["notes"]
    assert noted == [{**mark, "id": 3, "text": "shelter B is full"}]
    labelled = do(api, "label", {"label": "real_surge", "comment": "heat"})
    assert (labelled["label"], labelled["labelled"]) == ("real_surge", {**mark, "comment": "heat"})
    assert do(api, "end", {"reason": "power is back"})["end_requested"] == {**mark, "reason": "power is back"}
    for what, field, empty in (
        ("acknowledge", "acknowledged", None),
        ("assign", "assigned_to", None),
        ("notes", "notes", []),
        ("label", "label", None),
        ("end", "end_requested", None),
    ):
        assert undo(api, what)[field] == empty
    assert api.get("/v1/alerts/a1").json()["human_version"] == 10


def test_the_later_of_two_people_gets_the_state_and_what_was_done_meanwhile(
    api: httpx.Client, other: httpx.Client
) -> None:
    do(other, "acknowledge", **{"If-Match": '"0"'})
    answer = api.post("/v1/alerts/a1/label", json={"label": "false_alarm"}, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    body = answer.json()
    assert OTHER in body["detail"]
    assert (body["alert"]["human_version"], body["alert"]["acknowledged"]["by"]) == (1, OTHER)
    assert [one["type"] for one in body["actions"]] == ["acknowledge"]
    assert api.get("/v1/alerts/a1").json()["label"] is None
    assert do(api, "label", {"label": "false_alarm"}, **{"If-Match": '"1"'})["label"] == "false_alarm"


def test_of_many_who_act_at_once_on_the_same_state_one_wins(address: str, made: Parts) -> None:
    keys = [made.keys.add("coordinator", f"person {number}")[1] for number in range(6)]
    answers: list[int] = []

    def label(key: str) -> None:
        headers = {"X-API-Key": key, "If-Match": '"0"'}
        url = f"{address}/v1/alerts/a1/label"
        answers.append(httpx.post(url, json={"label": "real_surge"}, headers=headers, timeout=60).status_code)

    threads = [threading.Thread(target=label, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]


def test_notes_of_two_people_never_conflict(api: httpx.Client, other: httpx.Client) -> None:
    do(api, "notes", {"text": "one"}, **{"If-Match": '"0"'})
    assert [note["text"] for note in do(other, "notes", {"text": "two"}, **{"If-Match": '"0"'})["notes"]] == [
        "one",
        "two",
    ]


def test_the_same_click_sent_twice_happens_once(api: httpx.Client, database: Database) -> None:
    headers = {"Idempotency-Key": "click-0001"}
    first = api.post("/v1/alerts/a1/notes", json={"text": "once"}, headers=headers)
    again = api.post("/v1/alerts/a1/notes", json={"text": "once"}, headers=headers)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(sent(database, "actions.v1")) == 1
    elsewhere = api.post("/v1/alerts/a2/notes", json={"text": "once"}, headers=headers)
    assert elsewhere.status_code == 422


def test_saying_again_what_stands_changes_nothing(api: httpx.Client) -> None:
    assert do(api, "acknowledge")["human_version"] == 1
    assert do(api, "acknowledge")["human_version"] == 1
    assert undo(api, "label")["human_version"] == 1


def test_every_action_goes_to_the_log_and_into_the_audit_with_a_name(api: httpx.Client, database: Database) -> None:
    do(api, "acknowledge")
    do(api, "notes", {"text": "shelter B is full"})
    actions = sent(database, "actions.v1")
    assert [(one["type"], one["by"], one["alert_id"], one["id"]) for one in actions] == [
        ("acknowledge", "somebody", "a1", "a1#1"),
        ("notes", "somebody", "a1", "a1#2"),
    ]
    with database.reading() as connection:
        kept = connection.execute(select(audit).order_by(audit.c.id)).all()
    assert [(row.action, row.by, row.target, row.role) for row in kept] == [
        ("acknowledge", "somebody", "alert:a1", "coordinator"),
        ("notes", "somebody", "alert:a1", "coordinator"),
    ]
    assert "shelter" not in kept[1].body, "what can be taken back is not in what cannot"


@pytest.mark.parametrize("statement", ["UPDATE audit SET by = 'x'", "DELETE FROM audit"])
def test_nobody_changes_the_audit(api: httpx.Client, database: Database, statement: str) -> None:
    do(api, "acknowledge")
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as connection:
        connection.exec_driver_sql(statement)


def test_labels_and_ends_reach_the_detector_as_controls_it_understands(api: httpx.Client, database: Database) -> None:
    do(api, "label", {"label": "data_problem"})
    undo(api, "label")
    do(api, "end", {"reason": "over"})
    controls = sent(database, "calls.events.v1")
    assert [(one["type"], one["body"]) for one in controls] == [
        ("label", {"alert_id": "a1", "label": "data_problem"}),
        ("label", {"alert_id": "a1", "label": None}),
        ("end", {"alert_id": "a1"}),
    ]
    for one in controls:
        body_of(one["type"], one["body"])
        assert (one["home_area"], one["partition_key"], one["issuer"]) == ("metro", "metro", "somebody")
    undo(api, "end")
    assert [one["type"] for one in sent(database, "calls.events.v1")] == ["label", "label"], "it had not been sent"


def test_an_end_that_is_on_its_way_is_taken_back_by_another_control(api: httpx.Client, database: Database) -> None:
    do(api, "end", {"reason": "over"})
    with database.writing() as connection:
        connection.execute(outbox.update().values(stamped=True))
    undo(api, "end")
    assert [one["body"] for one in sent(database, "calls.events.v1")] == [
        {"alert_id": "a1"},
        {"alert_id": "a1", "undo": True},
    ]


def test_what_has_ended_cannot_be_ended(api: httpx.Client, database: Database) -> None:
    Tape(database).alerts(alert("a1", 2, status="ended"))
    answer = api.post("/v1/alerts/a1/end", json={"reason": "over"})
    assert (answer.status_code, answer.json()["alert"]["status"]) == (409, "ended")


@pytest.mark.parametrize(
    "text",
    [
        "call her back at 555 010 7788",
        "mail ana@example.org",
        "lives at 123 North Elm Street",
        "12 rue de la Paix",
        "see www.example.org",
        "SSN 078-05-1120",
        "+49 151 2345678",
    ],
)
def test_a_note_that_says_how_to_find_a_caller_is_refused_and_not_repeated(
    api: httpx.Client, database: Database, text: str
) -> None:
    for what, body in (
        ("notes", {"text": text}),
        ("end", {"reason": text}),
        ("label", {"label": "real_surge", "comment": text}),
    ):
        answer = api.post(f"/v1/alerts/a1/{what}", json=body)
        assert answer.status_code == 422
        assert "never of a caller" in answer.json()["rejected"][0]["reason"]
        assert text not in answer.text
    assert sent(database, "actions.v1") == []


@pytest.mark.parametrize(
    "text",
    ["84 calls since 23:40, about 31 usual", "Shelter B full until 2026-07-02 14:05", "10,000 without power"],
)
def test_a_note_about_numbers_of_calls_is_taken(api: httpx.Client, text: str) -> None:
    assert do(api, "notes", {"text": text})["notes"][-1]["text"] == text


@pytest.mark.parametrize(
    "body", [{"text": ""}, {"text": "   "}, {"text": "x" * 501}, {"text": "x", "phone": "1"}, {}, []]
)
def test_a_note_has_bounds(api: httpx.Client, body: object) -> None:
    assert api.post("/v1/alerts/a1/notes", json=body).status_code == 422


def test_only_who_wrote_a_note_or_an_admin_takes_it_back_and_then_its_text_is_gone(
    api: httpx.Client, other: httpx.Client, made: Parts, address: str
) -> None:
    do(api, "notes", {"text": "mine"})
    assert other.delete("/v1/alerts/a1/notes?note=1").status_code == 403
    assert other.delete("/v1/alerts/a1/notes").status_code == 404
    admin = httpx.delete(f"{address}/v1/alerts/a1/notes?note=1", headers=made.headers("admin"), timeout=60)
    assert admin.json()["notes"] == []
    history = api.get("/v1/alerts/a1/history")
    assert [(one["type"], one["taken_back"]) for one in history.json()["actions"]] == [
        ("notes", True),
        ("unnotes", False),
    ]
    assert "mine" not in history.text


def test_an_alert_is_assigned_only_to_somebody_who_can_act_on_it(api: httpx.Client, made: Parts) -> None:
    made.keys.add("viewer", "Looks On")
    made.keys.add("coordinator", "Coast Only", home_area="coast")
    for name in ("Looks On", "Coast Only", "Nobody"):
        assert api.post("/v1/alerts/a1/assign", json={"to": name}).status_code == 422
    assert do(api, "assign", {"to": "Coast Only"}, alert_id="c1")["assigned_to"] == "Coast Only"
    assert {one["name"] for one in api.get("/v1/people").json()["items"]} == {"somebody", "Coast Only"}


def test_a_new_version_overwrites_nothing_that_people_said(api: httpx.Client, database: Database) -> None:
    do(api, "label", {"label": "real_surge"})
    Tape(database).alerts(alert("a1", 2))
    now = api.get("/v1/alerts/a1").json()
    assert (now["version"], now["label"], now["human_version"]) == (2, "real_surge", 1)


def test_another_page_sees_an_action_without_asking(api: httpx.Client, address: str, made: Parts) -> None:
    with httpx.stream("GET", f"{address}/v1/alerts/stream", headers=made.headers(), timeout=120) as answer:
        stream = events(answer.iter_lines())
        seen = [next(stream)[2]["id"] if index else next(stream)[0] for index in range(4)]
        assert seen == ["hello", "a1", "a2", "c1"]
        done = do(api, "acknowledge", alert_id="a2")
        data = next(data for name, _, data in stream if name == "alert")
    assert data == done
    assert data["acknowledged"]["by"] == "somebody"


def test_what_a_newer_detector_says_besides_is_passed_over_and_the_alert_is_shown(
    api: httpx.Client, database: Database
) -> None:
    newer = msgspec.json.decode(alert("new")) | {"mood": "calm"}
    newer["checks"] = [{"name": "sources", "verdict": "fine", "detail": "All live.", "weight": 3}]
    folded = Tape(database).alerts(msgspec.json.encode(newer))
    assert folded.refused == 0
    assert api.get("/v1/alerts/new").json()["checks"][0]["name"] == "sources"


def test_an_alert_is_told_as_it_was_known_at_a_moment(api: httpx.Client, made: Parts, database: Database) -> None:
    later = NOW + HOUR
    Tape(database).alerts(alert("a1", 2, updated_at=z(later), status="easing"))
    made.clock.now = NOW + 2 * HOUR
    do(api, "label", {"label": "real_surge"})
    then = api.get(f"/v1/alerts/a1?known_at={z(NOW + 1)}").json()
    assert (then["version"], then["status"], then["label"]) == (1, "rising", None)
    after = api.get(f"/v1/alerts/a1?known_at={z(NOW + 3 * HOUR)}").json()
    assert (after["version"], after["label"]) == (2, "real_surge")
    assert api.get(f"/v1/alerts/a1?known_at={z(NOW - 1)}").status_code == 404
    listed = api.get(f"/v1/alerts?known_at={z(NOW + 1)}&need=BH").json()["items"]
    assert [(one["id"], one["version"]) for one in listed] == [("c1", 1), ("a1", 1)]


def test_the_text_of_a_note_stands_in_one_place_and_taken_back_it_stands_nowhere(
    api: httpx.Client, database: Database
) -> None:
    def found() -> set[str]:
        with database.reading() as connection:
            return {
                table.name
                for table in metadata.sorted_tables
                if any("quite full" in str(row) for row in connection.execute(select(table)))
            }

    note = api.post("/v1/alerts/a1/notes", json={"text": "shelter B is quite full"}).json()["notes"][0]
    assert found() == {"alert_actions", "alert_people"}
    assert api.delete("/v1/alerts/a1/notes", params={"note": note["id"]}).status_code == 200
    assert found() == set()
