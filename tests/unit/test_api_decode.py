"""What the API cannot read is a refusal with a reason, whatever it is made of."""

import pytest

from schemas.topics import ALERTS, REJECTED, SERIES, STATUS, Topic
from services.api.decode import BadRecord, decode

DEEP = b"[" * 5000 + b"]" * 5000


@pytest.mark.parametrize("topic", [ALERTS, SERIES, STATUS, REJECTED], ids=lambda topic: topic.name)
@pytest.mark.parametrize("value", [DEEP, b'{"kind":"partition","v":1,"more":' + DEEP + b"}"], ids=["list", "field"])
def test_a_record_that_is_nested_too_deep_is_refused_and_stops_nothing(topic: Topic, value: bytes) -> None:
    with pytest.raises(BadRecord):
        decode(topic, value)
