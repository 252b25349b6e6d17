"""The made-up API says what the real one says: otherwise these tests would prove nothing."""

import pytest

from schemas.alert import Alert
from tests.browser.alerts import make_alert

HUMAN_SIDE = {"human_version", "acknowledged", "assigned_to", "label", "notes", "silenced_until"}


@pytest.mark.parametrize("status", ["rising", "easing", "ended"])
def test_an_alert_of_the_tests_is_an_alert_of_the_contract(status: str) -> None:
    alert = make_alert("a", status=status)
    detector_side = {name: value for name, value in alert.items() if name not in HUMAN_SIDE}
    assert Alert.model_validate(detector_side).id == "a"
    assert alert.keys() >= HUMAN_SIDE
