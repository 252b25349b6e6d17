"""What ingest answers to: calls, a CRM's own records, ticks outside live, health and metrics."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from schemas.codec import Refusal
from services.ingest import cloudevents
from services.ingest.bodies import (
    JSON_TYPES,
    MAX_JSON_BYTES,
    MAX_LINES,
    MAX_STREAM_BYTES,
    NDJSON_TYPES,
    Item,
    MalformedItem,
    bounded,
    items_of,
    lines_of,
    media_type,
    read_json,
)
from services.ingest.log_time import valid_log_time
from services.ingest.openapi import CALLS_TAKEN, EVENTS_BODY, RECORDS_BODY, TICK_BODY, problems
from services.ingest.problems import Problem, away, json_response, too_many
from services.ingest.reception import Request as Taken
from services.ingest.reception import answer_or_problem
from services.ingest.service import IngestService
from services.ingest.sources.errors import BadExport, BadMapping
from services.ingest.sources.mapping import CALL_EVENT, Mapping, load_mapping
from services.ingest.sources.mapping import Problem as RowProblem
from services.runtime.access import Identity, key_from_headers
from services.runtime.kafka import KafkaProblem
from services.runtime.metrics import render_metrics

CHUNK = 500
GZIP = b"\x1f\x8b"
"""The mapping would unpack it, without a limit."""
router = APIRouter()

_REFUSALS = problems(400, 401, 403, 413, 415, 422, 429, 503)
_KEY: dict[str, Any] = {"security": [{"key": []}]}


def _service(request: Request) -> IngestService:
    service: IngestService = request.app.state.service
    return service


def _admit(request: Request, roles: tuple[str, ...]) -> Identity:
    """Who asks, if this key may.

    Raises:
        Problem: 401 without a valid key, 403 for another role, 429 above the rate, 503 while Kafka does not answer.
    """
    service = _service(request)
    key = key_from_headers(request.headers)
    identity = service.parts.keys.find(key) if key else None
    if identity is None:
        raise Problem(401, "Send a valid key as Authorization: Bearer.", headers={"WWW-Authenticate": "Bearer"})
    if identity.role not in roles:
        raise Problem(403, f"This needs a key with the role {' or '.join(roles)}.")
    if not request.app.state.rate_limit.allows(identity.id):
        raise too_many("This key has sent more requests than it may per second.")
    if not service.kafka_state().ok:
        raise away()
    return identity


@router.post(
    "/v1/events",
    status_code=202,
    summary="Post calls",
    responses=CALLS_TAKEN | _REFUSALS,
    openapi_extra=EVENTS_BODY | _KEY,
)
async def post_events(request: Request) -> Response:
    """Take a call, an array, NDJSON or CloudEvents; 202 when Kafka has all that is named as accepted."""
    identity = _admit(request, ("ingest",))
    media = media_type(request.headers.get("content-type", ""), request.headers.get("content-encoding", ""))
    taken = Taken(identity)
    if media.name in NDJSON_TYPES:
        pieces = bounded(request.stream(), gzip=media.gzip, limit=MAX_STREAM_BYTES)
        await _take_stream(_service(request), taken, lines_of(pieces))
    elif media.name in JSON_TYPES or media.name in cloudevents.TYPES:
        with request.app.state.events_room.hold(identity.id) as held:
            body = await _whole(bounded(request.stream(), gzip=media.gzip, limit=MAX_JSON_BYTES), held)
        values = items_of(read_json(body))
        values = cloudevents.unwrap(values, media.name, request.headers)
        await _take(_service(request), taken, enumerate(values))
    else:
        raise Problem(415, "Send application/json, application/x-ndjson or application/cloudevents+json.")
    return json_response(202, answer_or_problem(taken))


@router.post(
    "/v1/sources/{source}/records",
    status_code=202,
    summary="Post a CRM's own records",
    responses=CALLS_TAKEN | _REFUSALS | problems(404),
    openapi_extra=RECORDS_BODY | _KEY,
)
async def post_records(source: str, request: Request) -> Response:
    """Take CSV, JSON or NDJSON in the form of the source, through its mapping; the answer is as for /v1/events."""
    identity = _admit(request, ("ingest",))
    if identity.source != source:
        raise Problem(403, "This key may only post calls of its own source.")
    service = _service(request)
    try:
        mapping = await asyncio.to_thread(load_mapping, source, service.parts.settings.reference)
    except BadMapping as error:
        raise Problem(404, f"There is no usable mapping for this source: {error}") from None
    if mapping.name == CALL_EVENT:
        raise Problem(404, "Call events go to /v1/events.")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    packed = media_type("", request.headers.get("content-encoding", "")).gzip
    taken = Taken(identity)
    with request.app.state.room.hold(identity.id) as held:
        body = await _whole(bounded(request.stream(), gzip=packed, limit=MAX_STREAM_BYTES), held)
        if body.startswith(GZIP):
            raise Problem(
                415, "A body packed with gzip needs the header Content-Encoding: gzip, and may be packed once."
            )
        await _take_stream(service, taken, _in_pieces(_rows(mapping, body, content_type)))
    return json_response(202, answer_or_problem(taken))


@router.post(
    "/v1/ticks",
    status_code=202,
    summary="Say what time it is, outside the live space",
    responses=problems(400, 401, 403, 413, 422, 429, 503),
    openapi_extra=TICK_BODY | _KEY,
)
async def post_tick(request: Request) -> Response:
    """Write a tick to every partition; body {"at": RFC 3339 or Unix milliseconds}."""
    _admit(request, ("ingest", "admin"))
    service = _service(request)
    if service.is_live:
        raise Problem(403, "In the live space the clock is the only time.")
    pieces = bounded(request.stream(), gzip=False, limit=1024)
    at = _tick_time(read_json(b"".join([piece async for piece in pieces])))
    try:
        partitions = await service.tick_all(at)
    except KafkaProblem:
        raise away() from None
    return json_response(202, {"at": at, "partitions": partitions, "log_time": service.log_time.now()})


@router.get("/health/live", summary="The process answers")
async def live(request: Request) -> Response:
    """Always 200."""
    return json_response(*request.app.state.health.live())


@router.get("/health/ready", summary="Whether calls can be taken", responses={503: {"description": "They cannot"}})
async def ready(request: Request) -> Response:
    """200 or 503, with the state of each dependency."""
    return json_response(*request.app.state.health.ready())


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    body, content_type = render_metrics(_service(request).parts.registry)
    return Response(body, headers={"Content-Type": content_type})


async def _whole(pieces: AsyncIterator[bytes], held: Callable[[int], bool]) -> bytes:
    """A body in one piece; raises Problem 429 when too much of other requests lies in memory already."""
    parts = []
    async for piece in pieces:
        if not held(len(piece)):
            raise too_many("Too many large bodies are being read; try again in a second, or send smaller ones.")
        parts.append(piece)
    return b"".join(parts)


async def _take(service: IngestService, taken: Taken, items: Iterable[Item]) -> None:
    service.reception.take(taken, items)
    await service.reception.settle(taken)


async def _take_stream(service: IngestService, taken: Taken, batches: AsyncIterator[list[Item]]) -> None:
    """Hand items over as they come, a few thousand ahead of Kafka at most."""
    async for batch in batches:
        for start in range(0, len(batch), CHUNK):
            service.reception.take(taken, batch[start : start + CHUNK])
            if len(taken.fresh) >= 4 * CHUNK:
                await service.reception.settle(taken)
            else:
                await asyncio.sleep(0)
    await service.reception.settle(taken)


def _rows(mapping: Mapping, body: bytes, content_type: str) -> Iterator[Item]:
    index = -1
    try:
        for row in mapping.read(io.BytesIO(body), content_type=content_type):
            index = row.index
            if index >= MAX_LINES:
                raise Problem(
                    413, f"A body may hold at most {MAX_LINES} records; the first {MAX_LINES} were looked at."
                )
            yield index, _refusal(row.problem) if row.problem else row.call
    except BadExport as error:
        if index < 0:
            raise Problem(400, f"The records cannot be read: {error}") from None
        yield index + 1, MalformedItem(str(error))


def _refusal(problem: RowProblem) -> Refusal:
    return MalformedItem(problem.reason) if problem.field == "$" else Refusal(problem.field, problem.reason)


async def _in_pieces(rows: Iterator[Item]) -> AsyncIterator[list[Item]]:
    """Read in a thread: a mapping may pass over any number of rows before it gives the next one."""
    while batch := await asyncio.to_thread(lambda: list(islice(rows, CHUNK))):
        yield batch


def _tick_time(body: Any) -> int:
    at = body.get("at") if isinstance(body, dict) and set(body) == {"at"} else None
    found = valid_log_time(at)
    if found is None:
        raise Problem(
            422,
            'The body is {"at": a date-time with offset, or Unix milliseconds, in the years 2000 to 2100}.',
            more={"rejected": [{"index": 0, "field": "at", "reason": "is not such a time"}]},
        )
    return found
