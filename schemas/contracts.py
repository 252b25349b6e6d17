"""The list of contracts: what each message is called, its JSON Schema, and how one is checked."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from pydantic import ValidationError

from schemas.action import Action
from schemas.alert import Alert
from schemas.call_event import CallEvent
from schemas.caller_counts import CallerCounts
from schemas.codec import decode_call_event
from schemas.log_record import BadRecord, LogRecord, decode_record
from schemas.output import Rejected, SealedHour, SeriesRecord, StatusRecord
from schemas.quarantine import Quarantined
from schemas.reference import Reference
from schemas.refusal import NotJson, Refusal, refusal_of
from schemas.space_config import SpaceConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
Schema = dict[str, Any]


@dataclass(frozen=True)
class Contract:
    """One kind of message."""

    name: str
    title: str
    body: Callable[[], Schema]
    """JSON Schema without the heading."""
    check: Callable[[bytes], None]
    """Raises Refusal when a message does not fit; the refusal shows no value."""

    @property
    def file(self) -> str:
        """Name of the schema document."""
        return f"{self.name}.schema.json"

    def schema(self) -> Schema:
        """JSON Schema, draft 2020-12."""
        heading = {"$schema": DIALECT, "$id": f"urn:groundswell:{self.name}:{VERSION}"}
        body = _tidy(self.body())
        return {**heading, **body, "title": self.title}


def _tidy(node: Any) -> Any:
    """A schema without the indentation that docstrings bring into descriptions."""
    if isinstance(node, dict):
        return {key: inspect.cleandoc(value) if _is_text(key, value) else _tidy(value) for key, value in node.items()}
    return [_tidy(item) for item in node] if isinstance(node, list) else node


def _is_text(key: str, value: object) -> bool:
    return key == "description" and isinstance(value, str)


def _struct(name: str, title: str, kind: Any) -> Contract:
    """A contract that is a msgspec struct or a union of them."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    def check(data: bytes) -> None:
        try:
            message = decoder.decode(data)
        except msgspec.ValidationError as error:
            raise refusal_of(error, {}) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NotJson from None
        if getattr(message, "v", VERSION) != VERSION:
            raise Refusal("v", f"is not the version that this reader knows: {VERSION}")

    return Contract(name, title, lambda: _versioned(msgspec.json.schema(kind, schema_hook=_opaque)), check)


def _versioned(schema: Schema) -> Schema:
    """The schema with the one version that `v` may have."""
    for definition in schema["$defs"].values():
        if "v" in definition.get("properties", {}):
            definition["properties"]["v"] = {"const": VERSION}
    return schema


def _opaque(kind: type) -> Schema:
    """GeoJSON is passed on as it is."""
    if kind is msgspec.Raw:
        return {"type": ["object", "null"], "description": "A GeoJSON FeatureCollection, or null."}
    raise TypeError(f"{kind} has no JSON Schema")


def _check_call(data: bytes) -> None:
    decode_call_event(data)


def _check_log_record(data: bytes) -> None:
    _LOG_RECORD.check(data)
    try:
        decode_record(data)
    except BadRecord as error:
        raise Refusal("$", str(error)) from None


def _check_alert(data: bytes) -> None:
    try:
        Alert.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise NotJson from None
        raise Refusal(".".join(map(str, first["loc"])) or "$", first["type"].replace("_", " ")) from None


_LOG_RECORD = _struct("log-record", "Record of calls.events.v1", LogRecord)

_ALL = (
    Contract("call-event", "Call event, call-event/1", CallEvent.model_json_schema, _check_call),
    Contract(_LOG_RECORD.name, _LOG_RECORD.title, _LOG_RECORD.body, _check_log_record),
    Contract("alert", "Alert, alert/1", Alert.model_json_schema, _check_alert),
    _struct("series", "Points of series.v1", SeriesRecord),
    _struct("counts", "Sealed hour of counts.v1", SealedHour),
    _struct("status", "Status of a home area or a partition", StatusRecord),
    _struct("rejected", "Something refused", Rejected),
    _struct("callers", "Callers by group", CallerCounts),
    _struct("action", "Action of a coordinator", Action),
    _struct("quarantine", "Record that the fold steps over", Quarantined),
    _struct("reference", "Body of reference data", Reference),
    _struct("config", "Configuration of a space", SpaceConfig),
)

CONTRACTS = MappingProxyType({contract.name: contract for contract in _ALL})
"""Every contract by name."""

OPAQUE = "snapshot"
"""The one message without a JSON Schema: compressed state of the fold, read by the version that wrote it."""

TOPIC_CONTRACTS = MappingProxyType(
    {
        "calls.events.v1": ("log-record",),
        "calls.rejected.v1": ("rejected",),
        "counts.v1": ("counts",),
        "series.v1": ("series",),
        "alerts.v1": ("alert",),
        "callers.v1": ("callers",),
        "status.v1": ("status",),
        "actions.v1": ("action",),
        "detector.snapshots.v1": (OPAQUE,),
        "reference.v1": ("reference", "config"),
        "quarantine.v1": ("quarantine",),
    }
)
"""What travels on each topic of `schemas.topics`."""
