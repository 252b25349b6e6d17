"""The process as a whole, without its server: what it says of itself."""

from pathlib import Path

from services.api.__main__ import Api
from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from services.runtime.lifecycle import State
from services.runtime.settings import Settings
from tests.api_parts import prepared


def test_the_readiness_gauge_says_what_health_ready_says(tmp_path: Path) -> None:
    clock, database = SystemClock(), prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    api = Api(Settings(data=tmp_path), clock, database, KeyStore(tmp_path / "keys.json", clock), None)
    assert api.health.ready()[0] == 503
    assert api.registry.get_sample_value("groundswell_api_up") == 0.0
    api.health.watch("log", lambda: State(True))
    assert api.health.ready()[0] == 200
    assert api.registry.get_sample_value("groundswell_api_up") == 1.0
    database.close()
    api.health.stopping = True
    assert api.registry.get_sample_value("groundswell_api_up") == 0.0
