"""Who may read what, the login, and what every answer carries."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.api.tables import sessions
from tests.api_parts import Parts, Tape, alert, home_status, parts, prepared, running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "dist" / "assets").mkdir(parents=True)
    (folder / "dist" / "index.html").write_text("<!doctype html><title>Groundswell</title>")
    (folder / "dist" / "assets" / "index-1a2b.js").write_text("export {}")
    (folder / "secret.txt").write_text("secret")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    tape = Tape(database)
    tape.alerts(alert("m"), alert("c", home_area="coast", area="coast"))
    tape.status(home_status("metro"), home_status("coast"))
    yield parts(database, folder, page=folder / "dist")
    database.close()


@pytest.fixture(scope="module")
def address(made: Parts) -> Iterator[str]:
    with running(made.app, made.health) as found:
        yield found


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


READS = [
    "/v1/alerts",
    "/v1/alerts/m",
    "/v1/alerts/m/history",
    "/v1/alerts/stream",
    "/v1/incidents",
    "/v1/silences",
    "/v1/budget",
    "/v1/series?need=contacts&area=metro",
    "/v1/areas/state",
    "/v1/needs",
    "/v1/areas",
    "/v1/sources",
]


@pytest.mark.parametrize("path", READS)
def test_without_a_key_nothing_can_be_read(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "Bearer" in answer.headers["www-authenticate"]
    assert api.get(path, headers={"X-API-Key": "gs_viewer_wrong"}).status_code == 401


@pytest.mark.parametrize("path", READS)
def test_an_ingest_key_cannot_read(api: httpx.Client, made: Parts, path: str) -> None:
    answer = api.get(path, headers=made.headers("ingest", source="metro-crm"))
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


@pytest.mark.parametrize("role", ["viewer", "coordinator", "admin"])
def test_every_other_role_reads(api: httpx.Client, made: Parts, role: str) -> None:
    key = made.key(role)
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert api.get("/v1/alerts", headers=headers).status_code == 200
    assert api.get("/v1/alerts", auth=("anyone", key)).status_code == 200


def test_a_scope_hides_every_other_home_area(api: httpx.Client, made: Parts) -> None:
    headers = made.headers(home_area="coast")
    assert [one["id"] for one in api.get("/v1/alerts", headers=headers).json()["items"]] == ["c"]
    for path in ("/v1/alerts/m", "/v1/alerts/m/history", "/v1/series?need=contacts&area=east"):
        assert api.get(path, headers=headers).status_code == 404
    assert api.get("/v1/alerts/c", headers=headers).status_code == 200
    assert {one["home_area"] for one in api.get("/v1/sources", headers=headers).json()["items"]} == {"coast"}
    assert {one["home_area"] for one in api.get("/v1/budget", headers=headers).json()["items"]} == {"coast"}
    assert {one["id"] for one in api.get("/v1/areas", headers=headers).json()["features"]} == {"coast"}
    assert set(api.get("/v1/areas/state", headers=headers).json()) == {"coast", "coast:unmapped"}
    assert [one["alerts"] for one in api.get("/v1/incidents", headers=headers).json()["items"]] == [["c"]]


def test_a_login_gives_a_cookie_that_is_not_the_key_and_that_scripts_cannot_read(
    api: httpx.Client, made: Parts
) -> None:
    key = made.key("viewer")
    answer = api.post("/v1/login", json={"key": key})
    assert answer.status_code == 200
    assert answer.json()["role"] == "viewer"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert key not in cookie
    assert key not in answer.text
    assert api.get("/v1/alerts").status_code == 200
    token = api.cookies["groundswell_session"]
    with made.database.reading() as connection:
        stored = [tuple(row) for row in connection.execute(sessions.select())]
    assert not any(token in str(row) or key in str(row) for row in stored)


def test_a_log_out_ends_the_session(api: httpx.Client, made: Parts) -> None:
    api.post("/v1/login", json={"key": made.key("viewer")})
    token = api.cookies["groundswell_session"]
    assert api.delete("/v1/login", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 204
    assert api.get("/v1/alerts", headers={"Cookie": f"groundswell_session={token}"}).status_code == 401


def test_a_revoked_key_ends_its_sessions(made: Parts, api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    key_id, key = made.keys.add("viewer", "leaving")
    api.post("/v1/login", json={"key": key})
    assert api.get("/v1/alerts").status_code == 200
    made.keys.revoke(key_id)
    assert api.get("/v1/alerts").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"key": "wrong"}, 401),
        ({}, 422),
        ({"key": ""}, 422),
        ({"key": "x", "more": 1}, 422),
        ([], 422),
        ({"key": "\ud800"}, 422),
    ],
)
def test_a_login_with_something_else_is_a_problem_that_never_repeats_it(
    api: httpx.Client, body: object, status: int
) -> None:
    import json

    answer = api.post("/v1/login", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "wrong" not in answer.text


def test_an_ingest_key_cannot_log_in(api: httpx.Client, made: Parts) -> None:
    answer = api.post("/v1/login", json={"key": made.key("ingest", source="metro-crm")})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"}, {}],
)
def test_another_sites_page_cannot_act_with_the_cookie(api: httpx.Client, made: Parts, headers: dict[str, str]) -> None:
    api.post("/v1/login", json={"key": made.key("viewer")})
    assert api.delete("/v1/login", headers=headers).status_code == 403
    assert api.get("/v1/alerts").status_code == 200


def test_another_sites_page_cannot_log_somebody_in(api: httpx.Client, made: Parts) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert api.post("/v1/login", json={"key": made.key()}, headers=headers).status_code == 403


def test_the_page_is_never_cached_and_its_files_always_are(api: httpx.Client) -> None:
    page = api.get("/")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
    asset = api.get("/assets/index-1a2b.js")
    assert asset.status_code == 200
    assert asset.headers["content-type"].startswith("text/javascript")
    assert "immutable" in asset.headers["cache-control"]


def test_files_of_the_page_come_as_small_as_the_browser_takes_them(api: httpx.Client, made: Parts) -> None:
    assets = made.page / "assets"
    (assets / "big.js").write_text("export const words = 1;" * 200)
    for accept, encoding in (("gzip, br", "gzip"), ("identity", None), ("br;q=0", None)):
        answer = api.get("/assets/big.js", headers={"Accept-Encoding": accept})
        assert answer.headers.get("content-encoding") == encoding
        assert answer.text.startswith("export const")
    (assets / "big.js.br").write_bytes(b"made by the build")
    with api.stream("GET", "/assets/big.js", headers={"Accept-Encoding": "gzip, br"}) as raw:
        assert (raw.headers["content-encoding"], raw.headers["vary"]) == ("br", "Accept-Encoding")
        assert b"".join(raw.iter_raw()) == b"made by the build"
    assert api.get("/assets/big.js.br").status_code == 404


def test_large_answers_are_compressed_and_streams_are_not(api: httpx.Client, made: Parts) -> None:
    headers = made.headers() | {"Accept-Encoding": "gzip"}
    assert api.get("/openapi.json", headers=headers).headers["content-encoding"] == "gzip"
    with api.stream("GET", "/v1/alerts/stream", headers=headers) as answer:
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-old.js",
        "/assets/..%2Findex.html",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/no",
    ],
)
def test_a_file_that_is_not_there_is_404_and_never_the_page(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert "html" not in answer.headers["content-type"]


def test_a_page_that_was_not_built_says_so(tmp_path: Path) -> None:
    database = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    made = parts(database, tmp_path)
    with running(made.app, made.health) as address:
        answer = httpx.get(address + "/", timeout=60)
    assert answer.status_code == 503
    assert "not built" in answer.json()["detail"]
    database.close()


@pytest.mark.parametrize("path", ["/", "/v1/alerts", "/assets/index-1a2b.js", "/nothing", "/metrics", "/health/live"])
def test_every_answer_carries_the_strict_policy(api: httpx.Client, path: str) -> None:
    headers = api.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_before_the_space_is_set_up_what_needs_it_is_503_with_a_sentence(tmp_path: Path) -> None:
    database = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    made = parts(database, tmp_path, book=None)
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=made.headers(), timeout=30) as client,
    ):
        assert client.get("/v1/alerts").status_code == 200
        answer = client.get("/v1/needs")
    assert answer.status_code == 503
    assert "GROUNDSWELL_REFERENCE" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "2"
    database.close()


def test_a_database_that_is_away_is_503_with_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    made = parts(database, tmp_path)
    headers = made.headers()
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=headers, timeout=30) as client,
    ):
        database.close()
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        answer = client.get("/v1/alerts")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert str(tmp_path) not in answer.text
    database.close()


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_body_that_goes_on_and_on_is_refused_before_it_is_read_to_its_end(api: httpx.Client, in_pieces: bool) -> None:
    body = b'{"key": "' + b"k" * 100_000 + b'"}'
    content = iter([body[:50_000], body[50_000:]]) if in_pieces else body
    answer = api.post("/v1/login", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "kkk" not in answer.text
