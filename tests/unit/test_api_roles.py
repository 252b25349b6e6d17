"""Who may do what: each role against each endpoint of the OpenAPI document, by the one table."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.api.rules import RULES, allows
from services.cli.http_documents import api_openapi
from tests.api_parts import NOW, FakeClock, Parts, Tape, alert, home_status, parts, prepared, running

METHODS = {"get", "post", "put", "patch", "delete"}
OPERATIONS = sorted(
    (operation["operationId"], method.upper(), path)
    for path, methods in api_openapi()["paths"].items()
    for method, operation in methods.items()
    if method in METHODS
)
ROLES = (None, "ingest", "viewer", "coordinator", "admin")
REFUSED = {401, 403}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("api")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    tape = Tape(database)
    tape.alerts(alert("a1"))
    tape.status(home_status("metro"))
    yield parts(database, folder, clock=FakeClock(NOW))
    database.close()


@pytest.fixture(scope="module")
def keys(made: Parts) -> dict[str | None, str | None]:
    return {
        role: None if role is None else made.key(role, **({"source": "metro-crm"} if role == "ingest" else {}))
        for role in ROLES
    }


@pytest.fixture(scope="module")
def api(made: Parts) -> Iterator[httpx.Client]:
    with running(made.app, made.health) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def test_every_endpoint_has_a_rule_and_every_rule_an_endpoint() -> None:
    assert {name for name, _, _ in OPERATIONS} == set(RULES)


def test_an_endpoint_without_a_rule_is_nobodys() -> None:
    assert not any(allows("a_new_endpoint", role) for role in ("ingest", "viewer", "coordinator", "admin"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("operation", "method", "path"), OPERATIONS, ids=[name for name, _, _ in OPERATIONS])
def test_each_role_may_do_what_the_table_says_and_nothing_else(
    api: httpx.Client,
    made: Parts,
    keys: dict[str | None, str | None],
    operation: str,
    method: str,
    path: str,
    role: Any,
) -> None:
    key = keys[role]
    made.clock.now += 10_000  # so that no limit of requests a second is reached
    url = path.replace("{alert_id}", "nobody").replace("{", "").replace("}", "")
    headers = {} if key is None else {"X-API-Key": key}
    with api.stream(method, url, headers=headers) as answer:
        status = answer.status_code
        if operation in ("post_login", "get_ready") or RULES[operation] == "anyone":
            assert status not in REFUSED
        elif role is None:
            assert status == 401
        elif allows(operation, role):
            assert status not in REFUSED
        else:
            answer.read()
            assert status == 403, "refused before anything else is looked at"
            assert answer.json()["detail"]
