"""The made-up API says what the real one says: otherwise these tests would prove nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter

from schemas.alert import Alert
from services.api import model, model_events, model_explore, model_feeds, model_handover
from tests.browser.alerts import NOW, make_alert
from tests.browser.mock_api import MockApi
from tests.browser.mock_events import heat_wave
from tests.browser.mock_records import past_alert

HUMAN_SIDE = {
    "human_version", "acknowledged", "assigned_to", "label", "labelled", "notes", "silenced_until", "silenced_by",
    "end_requested", "events",
}  # fmt: skip
HOURS = "start=2026-07-26T00:00:00Z&end=2026-07-26T08:00:00Z&bucket=hour"
ANSWERS: list[tuple[str, Any]] = [
    ("/v1/alerts?limit=500", model.AlertList),
    ("/v1/alerts/a", model.AlertAnswer),
    ("/v1/alerts/a/history", model.History),
    ("/v1/alerts/a/similar", model_explore.PastAlertList),
    ("/v1/silences", model.SilenceList),
    (f"/v1/series?need=BV&area=TX-DT&{HOURS}", model.Series),
    (f"/v1/series/many?needs=BV,BH&areas=TX-DT&{HOURS}", model_explore.SeriesList),
    ("/v1/areas/state?need=BV&hours=3", TypeAdapter(dict[str, model.AreaState])),
    ("/v1/needs", model.NeedList),
    ("/v1/budget", model_feeds.BudgetList),
    ("/v1/budget?preview=5", model_feeds.BudgetList),
    ("/v1/quality?days=90", model_explore.Quality),
    ("/v1/movers?days=7", model_explore.Movers),
    ("/v1/declared-events", model_events.DeclaredEventList),
    ("/v1/declared-events/e1/board", model_events.Board),
    (f"/v1/handover?since={HOURS[6:26]}&until=2026-07-26T08:00:00Z", model_handover.Handover),
    ("/v1/sources", model_feeds.SourceList),
]


@pytest.fixture
def told(api: MockApi) -> Iterator[httpx.Client]:
    """Asks a made-up API that has one of everything."""
    api.push(make_alert("a"))
    api.records.similar = [past_alert("p", "same_node", "real_surge", NOW)]
    api.events.declare(heat_wave(NOW), "M. Ortiz")
    with httpx.Client(base_url=api.url, headers={"X-Requested-With": "groundswell"}, timeout=30) as client:
        client.post("v1/alerts/a/acknowledge", json={}).raise_for_status()
        client.post("v1/alerts/a/notes", json={"text": "Seen"}).raise_for_status()
        until = {"scope": "need", "until": "2026-07-26T12:00:00Z", "reason": "known"}
        client.post("v1/alerts/a/silence", json=until).raise_for_status()
        yield client


@pytest.mark.parametrize("status", ["rising", "easing", "ended"])
def test_an_alert_of_the_tests_is_an_alert_of_the_contract(status: str) -> None:
    alert = make_alert("a", status=status)
    detector_side = {name: value for name, value in alert.items() if name not in HUMAN_SIDE}
    assert Alert.model_validate(detector_side).id == "a"
    assert alert.keys() >= HUMAN_SIDE


def test_every_answer_of_the_made_up_api_is_one_that_the_real_api_could_give(told: httpx.Client) -> None:
    wrong = {}
    for path, kind in ANSWERS:
        answer = told.get(path)
        assert answer.status_code == 200, path
        adapter = TypeAdapter(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else kind
        try:
            adapter.validate_json(answer.content)
        except ValueError as error:
            wrong[path] = str(error)
    assert wrong == {}
