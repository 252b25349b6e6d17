"""What ingest says of itself at /openapi.json: bodies, answers and problems by their contracts."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas.call_event import CallEvent
from services.ingest import cloudevents
from services.ingest.bodies import MAX_ITEMS
from services.ingest.problems import TITLES

Schema = dict[str, Any]
SCHEMAS = "#/components/schemas/"

_CALL = {"$ref": f"{SCHEMAS}{CallEvent.__name__}"}
_JSON_BODY: Schema = {"oneOf": [_CALL, {"type": "array", "maxItems": MAX_ITEMS, "items": _CALL}]}
_TEXT_BODY: Schema = {"type": "string"}

EVENTS_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _JSON_BODY},
            "application/x-ndjson": {"schema": {"type": "string", "description": "one call event a line"}},
            cloudevents.STRUCTURED: {"schema": {"type": "object"}},
            cloudevents.BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}
RECORDS_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": _TEXT_BODY},
            "application/json": {"schema": {"type": ["array", "object"]}},
            "application/x-ndjson": {"schema": _TEXT_BODY},
        },
    }
}
TICK_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["at"],
                    "additionalProperties": False,
                    "properties": {
                        "at": {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]},
                    },
                }
            }
        },
    }
}

_COUNT: Schema = {"type": "integer", "minimum": 0}
_REJECTED: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["index", "field", "reason"],
        "properties": {"index": _COUNT, "field": {"type": "string"}, "reason": {"type": "string"}},
    },
}
_COUNTS: Schema = {
    "accepted": _COUNT,
    "duplicates": _COUNT,
    "rejected": _REJECTED,
    "rejected_total": _COUNT | {"description": "Only when more were rejected than are named."},
}
COMPONENTS: Schema = {
    "Answer": {
        "type": "object",
        "description": "What became of the calls of a request.",
        "required": ["accepted", "duplicates", "rejected"],
        "properties": _COUNTS,
    },
    "Problem": {
        "type": "object",
        "description": "A request that was not taken (RFC 9457); the counts only where items were looked at.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            **_COUNTS,
        },
    },
}

CALLS_TAKEN: dict[int | str, Schema] = {
    202: {
        "description": "Kafka has all that is counted as accepted",
        "content": {"application/json": {"schema": {"$ref": f"{SCHEMAS}Answer"}}},
    }
}


def problems(*statuses: int) -> dict[int | str, Schema]:
    """The `responses` of a route: each status with its problem.

    >>> problems(415)[415]["description"]
    'Media type not taken'
    """
    content = {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}Problem"}}}
    return {status: {"description": TITLES[status], "content": content} for status in statuses}


def describe(app: FastAPI) -> None:
    """Let the app answer with a document all of whose references resolve."""

    def document() -> Schema:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            call = CallEvent.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
            schemas = {**call.pop("$defs"), CallEvent.__name__: call, **COMPONENTS}
            made["components"] = {
                "schemas": dict(sorted(schemas.items())),
                "securitySchemes": {
                    "key": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "Also as X-API-Key, or as Basic's password.",
                    }
                },
            }
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to replace the document
