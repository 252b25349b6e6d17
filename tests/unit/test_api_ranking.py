"""The order in which open alerts are read: the same as on the page."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.api.ranking import rank_of
from services.runtime.clock import from_ms
from tests.api_parts import NOW, FakeClock, Tape, alert, parts, prepared, running
from tests.ranking_cases import ORDERED

MINUTE, DAY = 60_000, 86_400_000
RAREST = {"recurrence_days": 36500.0, "recurrence_days_home_area": 36500.0, "score": 40.0}


def raised(name: str, minutes_ago: float, **changes: Any) -> bytes:
    """An alert raised some minutes ago."""
    at = from_ms(NOW - int(minutes_ago * MINUTE))
    return alert(name, started_at=at, raised_at=at, updated_at=at, **changes)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """With every case as an alert, written in the order of their names, and an incident of two days before."""
    folder = tmp_path_factory.mktemp("ranking")
    database = prepared(f"sqlite:///{folder / 'api.sqlite'}")
    values = [raised(name, **{**fields}) for name, fields in sorted(ORDERED.items())]
    Tape(database).alerts(*values, raised("before", 2 * DAY / MINUTE, severity="extreme", **RAREST))
    made = parts(database, folder, clock=FakeClock(NOW))
    with (
        running(made.app, made.health) as address,
        httpx.Client(base_url=address, headers=made.headers(), timeout=30) as client,
    ):
        yield client
    database.close()


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_ranked_alerts_come_as_the_page_shows_them_page_by_page(api: httpx.Client) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get("/v1/alerts", params={"order": "rank", "limit": 4} | ({"cursor": cursor} if cursor else {}))
        seen += ids(answer)
        cursor = answer.json()["next"]
    assert seen == ["before", *ORDERED]


def test_what_was_known_then_is_ranked_as_well(api: httpx.Client) -> None:
    at = from_ms(NOW - 15 * MINUTE).isoformat().replace("+00:00", "Z")
    then = [name for name, fields in ORDERED.items() if fields["minutes_ago"] >= 15]
    assert ids(api.get("/v1/alerts", params={"order": "rank", "known_at": at})) == ["before", *then]


def test_ranked_incidents_begin_with_the_one_of_the_most_serious_open_alert(api: httpx.Client) -> None:
    newest_first = ids(api.get("/v1/incidents"))
    assert newest_first[-1] == "before"
    assert ids(api.get("/v1/incidents?order=rank")) == ["before", *newest_first[:-1]]


@pytest.mark.parametrize("cursor", ["bm8", "%00", "x"])
def test_a_cursor_of_another_list_is_refused(api: httpx.Client, cursor: str) -> None:
    assert api.get(f"/v1/alerts?order=rank&cursor={cursor}").status_code == 422


def test_an_alert_of_which_little_is_said_still_has_a_place() -> None:
    assert rank_of({}) > rank_of({"severity": "minor", "recurrence_days": 2.0})
    assert rank_of({"severity": "of-tomorrow"}) > rank_of({"severity": "minor"})


def test_calls_that_fell_are_ranked_by_how_many_are_missing() -> None:
    some = {"severity": "minor", "expected": 100.0, "observed": 70}
    assert rank_of({**some, "observed": 5}) < rank_of(some)
