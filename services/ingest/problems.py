"""What a request may be answered with when it is not taken: problems of RFC 9457."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

TITLES = {
    400: "Malformed request",
    401: "No valid key",
    403: "Not allowed with this key",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Media type not taken",
    422: "No valid call",
    429: "Too many requests",
    500: "Internal error",
    503: "The log is not reachable",
}


class Problem(Exception):
    """A request that is not taken.

    Args:
        status: of HTTP.
        detail: a sentence for the person who sent the request; never a value of its body.
        headers: such as Retry-After.
        more: further members of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers, self.more = dict(headers or {}), dict(more or {})


def json_response(status: int, body: Mapping[str, Any], media_type: str = "application/json") -> Response:
    """A JSON answer in plain ASCII, so that nothing a client sent can break its encoding."""
    return Response(json.dumps(body, separators=(",", ":")), status_code=status, media_type=media_type)


def problem_response(problem: Problem) -> Response:
    """The answer for a problem."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(problem.status, "Problem"),
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    response = json_response(problem.status, body, "application/problem+json")
    response.headers.update(problem.headers)
    return response


def away() -> Problem:
    """Kafka does not answer."""
    return Problem(
        503,
        "The calls could not be written to the log; send them again, none is counted twice.",
        headers={"Retry-After": "2"},
    )


def too_many(what: str) -> Problem:
    """More than this process takes at the moment."""
    return Problem(429, what, headers={"Retry-After": "1"})
