"""Scopes, the login's cookie, a proxy that names people, and keys that end."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.api.guard import TrustedProxy
from tests.api_parts import (
    HOUR,
    NOW,
    FakeClock,
    Parts,
    Tape,
    alert,
    home_status,
    parts,
    point,
    prepared,
    running,
    series,
    source_status,
)

SECRET = "a-long-enough-secret"
PROXY = TrustedProxy("x-forwarded-user", SECRET)
OURS = {"Sec-Fetch-Site": "same-origin", "X-Requested-With": "groundswell"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("api")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    tape = Tape(database)
    silent: dict[str, Any] = {"kind": "silence", "need": None, "need_name": None, "area": "metro"}
    tape.alerts(
        alert("housing"),
        alert("utilities", need="BV"),
        alert("quiet", **silent, source="metro-crm"),
        alert("quiet2", **silent, source="other-crm"),
        alert("coast", home_area="coast", area="coast"),
    )
    tape.series(series(point(NOW - HOUR, 5), point(NOW - HOUR, 7, need="BV")))
    feeds = (source_status("metro-crm"), source_status("other-crm"))
    tape.status(home_status("metro", sources=feeds), home_status("coast"))
    yield parts(database, folder, clock=FakeClock(NOW), proxy=PROXY)
    database.close()


@pytest.fixture(scope="module")
def address(made: Parts) -> Iterator[str]:
    with running(made.app, made.health) as found:
        yield found


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


def ids(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["items"]}


def test_a_key_for_a_branch_of_needs_sees_that_branch_and_nothing_else(api: httpx.Client, made: Parts) -> None:
    api.headers.update(made.headers("coordinator", needs=("BH",)))
    assert ids(api.get("/v1/alerts")) == {"housing", "quiet", "quiet2", "coast"}
    for path in (
        "/v1/alerts/utilities",
        "/v1/alerts/utilities/history",
        "/v1/alerts/utilities/similar",
        "/v1/series?need=BV&area=metro",
        "/v1/areas/state?need=BV",
    ):
        assert api.get(path).status_code == 404, path
    assert api.post("/v1/alerts/utilities/acknowledge", json={}).status_code == 404
    assert api.post("/v1/alerts/housing/acknowledge", json={}).status_code == 200
    assert api.get("/v1/series?need=contacts&area=metro").status_code == 200
    movers = api.get("/v1/movers").json()
    assert {one["need"] for one in movers["risers"] + movers["fallers"]} <= {"BH", "BH-1800"}
    assert {need for one in api.get("/v1/incidents").json()["items"] for need in one["needs"]} == {"BH-1800"}
    assert "utilities" not in api.get("/v1/handover").text
    assert api.put("/v1/budget", json={"home_area": "metro", "per_week": 5}).status_code == 403


def test_a_key_for_one_feed_sees_only_that_feed(api: httpx.Client, made: Parts) -> None:
    api.headers.update(made.headers("viewer", sources=("metro-crm",)))
    assert {one["source"] for one in api.get("/v1/sources").json()["items"]} == {"metro-crm"}
    assert ids(api.get("/v1/alerts?kind=silence")) == {"quiet"}
    assert api.get("/v1/alerts/quiet2").status_code == 404


def test_a_scope_holds_for_the_stream_too(api: httpx.Client, made: Parts) -> None:
    headers = made.headers("viewer", needs=("BV",), home_area="metro", sources=("metro-crm",))
    with api.stream("GET", "/v1/alerts/stream", headers=headers) as answer:
        seen = ""
        for line in answer.iter_lines():
            seen += line
            if line == "event: beat":
                break
    assert '"utilities"' in seen
    assert '"quiet"' in seen
    assert not any(f'"{other}"' in seen for other in ("housing", "quiet2", "coast"))


def test_a_person_learns_what_they_may_do(api: httpx.Client, made: Parts) -> None:
    _, key = made.keys.add("coordinator", "R. Alvarez", home_area="metro", needs=("BH",), expires_at=4_000_000_000_000)
    me = api.get("/v1/me", headers={"X-API-Key": key}).json()
    assert (me["name"], me["role"], me["home_area"], me["needs"]) == ("R. Alvarez", "coordinator", "metro", ["BH"])
    assert me["can"] == ["act", "silence", "declare", "budget"]
    assert api.get("/v1/me", headers=made.headers("viewer")).json()["can"] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OURS, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        ({"X-Requested-With": "groundswell"}, 403),
        (OURS | {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Requested-With": "groundswell", "Origin": "http://evil.example"}, 403),
        ({}, 403),
    ],
)
def test_a_change_by_cookie_needs_our_own_page(
    api: httpx.Client, made: Parts, headers: dict[str, str], status: int
) -> None:
    assert api.post("/v1/login", json={"key": made.key("coordinator")}).status_code == 200
    assert api.get("/v1/me").status_code == 200
    assert api.post("/v1/alerts/housing/acknowledge", json={}, headers=headers).status_code == status


def test_another_sites_page_cannot_use_a_key_that_a_browser_remembers(api: httpx.Client, made: Parts) -> None:
    auth = ("anyone", made.key("coordinator"))
    answer = api.post("/v1/alerts/housing/acknowledge", json={}, auth=auth, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert api.post("/v1/alerts/housing/acknowledge", json={}, auth=auth).status_code == 200


def test_a_raw_key_in_a_cookie_opens_nothing(api: httpx.Client, made: Parts) -> None:
    key = made.key("admin")
    for name in ("groundswell_key", "groundswell_session"):
        assert api.get("/v1/alerts", headers={"Cookie": f"{name}={key}"}).status_code == 401


def test_a_trusted_proxy_names_the_person_and_the_key_of_that_name_says_what_they_may_do(
    api: httpx.Client, made: Parts
) -> None:
    key_id, _ = made.keys.add("coordinator", "m.ortiz", home_area="coast")
    named = {"X-Forwarded-User": "m.ortiz", "X-Groundswell-Proxy-Secret": SECRET}
    assert ids(api.get("/v1/alerts", headers=named)) == {"coast"}
    assert api.post("/v1/alerts/coast/acknowledge", json={}, headers=named).status_code == 403
    done = api.post("/v1/alerts/coast/acknowledge", json={}, headers=named | OURS)
    assert done.json()["acknowledged"]["by"] == "m.ortiz"
    made.keys.revoke(key_id)
    assert api.get("/v1/alerts", headers=named).status_code == 401


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x"])
def test_who_does_not_know_the_proxys_secret_names_nobody(api: httpx.Client, made: Parts, secret: str | None) -> None:
    made.keys.add("admin", "boss")
    headers = {"X-Forwarded-User": "boss"} | ({} if secret is None else {"X-Groundswell-Proxy-Secret": secret})
    assert api.get("/v1/alerts", headers=headers).status_code == 401


def test_a_key_that_has_expired_and_its_sessions_are_over(api: httpx.Client, made: Parts) -> None:
    past = made.keys.add("viewer", "guest", expires_at=1)[1]
    assert api.get("/v1/alerts", headers={"X-API-Key": past}).status_code == 401
    assert api.post("/v1/login", json={"key": past}).status_code == 401


def test_trying_one_key_after_the_other_is_stopped(api: httpx.Client, made: Parts) -> None:
    made.clock.now += 1_000_000
    answers = [api.post("/v1/login", json={"key": f"guess-{number}"}).status_code for number in range(30)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert api.post("/v1/login", json={"key": made.key()}).status_code == 200, "who has a key is not kept out"


def test_an_admin_makes_lists_and_revokes_keys_and_the_audit_says_so(api: httpx.Client, made: Parts) -> None:
    api.headers.update(made.headers("admin"))
    new = api.post("/v1/keys", json={"role": "viewer", "name": "Food bank", "needs": ["BH"], "expires_in_days": 9})
    assert new.status_code == 201
    key = new.json()["key"]
    listed = api.get("/v1/keys")
    assert key not in listed.text
    assert any(one["name"] == "Food bank" and one["needs"] == ["BH"] for one in listed.json()["items"])
    assert api.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert api.delete(f"/v1/keys/{new.json()['id']}").status_code == 204
    assert api.delete(f"/v1/keys/{new.json()['id']}").status_code == 404
    entries = api.get("/v1/audit").json()["items"]
    assert [one["action"] for one in entries[:2]] == ["revoke_key", "add_key"]
    assert key not in api.get("/v1/audit").text
    assert api.post("/v1/keys", json={"role": "ingest", "name": "x"}).status_code == 422


def test_an_admin_of_one_home_area_makes_no_key_for_another(api: httpx.Client, made: Parts) -> None:
    api.headers.update(made.headers("admin", home_area="coast"))
    assert api.post("/v1/keys", json={"role": "viewer", "name": "x"}).status_code == 403
    body = {"role": "viewer", "name": "x", "home_area": "coast"}
    assert api.post("/v1/keys", json=body).status_code == 201
    assert {one["home_area"] for one in api.get("/v1/keys").json()["items"]} == {"coast"}
