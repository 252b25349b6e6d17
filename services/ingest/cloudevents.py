"""CloudEvents 1.0 around call events: structured, batch and binary. Pure."""

from collections.abc import Mapping
from urllib.parse import unquote

from schemas.codec import Refusal
from services.ingest.problems import Problem

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
TYPES = frozenset({STRUCTURED, BATCH})
NEEDED = ("id", "source", "type")


def unwrap(values: list[object], media_type: str, headers: Mapping[str, str]) -> list[object]:
    """The call events inside; what is no CloudEvent becomes a Refusal in its place.

    The attributes `id` and `time` fill in for fields that the data lacks; `source`, a URI, is not used.

    Raises:
        Problem: 400 when the body does not fit its media type.
    """
    if media_type == STRUCTURED and len(values) != 1:
        raise Problem(400, f"{STRUCTURED} holds one event; an array is {BATCH}.")
    if media_type in TYPES:
        return [_data(value) for value in values]
    if "ce-specversion" not in headers:
        return values
    if len(values) != 1:
        raise Problem(400, "A CloudEvent in binary mode holds one call.")
    attributes = {name: unquote(headers.get(f"ce-{name}", "")) for name in ("specversion", *NEEDED, "time")}
    return [_filled(attributes, values[0])]


def _data(event: object) -> object:
    if not isinstance(event, dict):
        return Refusal("$", "must be a CloudEvent")
    if "data_base64" in event:
        return Refusal("data_base64", "is not taken; put the call event into data")
    return _filled(event, event.get("data"))


def _filled(attributes: Mapping[str, object], data: object) -> object:
    if attributes.get("specversion") != "1.0":
        return Refusal("specversion", "must be 1.0")
    for name in NEEDED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            return Refusal(name, "is missing among the attributes of the CloudEvent")
    if not isinstance(data, dict):
        return Refusal("data", "must be a call event")
    given = {name: attributes[name] for name in ("id", "time") if attributes.get(name)}
    return {**given, **data}
