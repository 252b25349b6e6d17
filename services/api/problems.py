"""Errors of the HTTP side, all as RFC 9457 problem+json; a sentence says what to do, and no value is repeated."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from services.api.database import DatabaseAway

log = structlog.get_logger("api")


class Problem(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status.
        detail: a sentence for whoever asked.
        headers: further headers.
        more: further members of the body, plain JSON values.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, dict(headers or {}), more


def unauthorized() -> Problem:
    """No key, or none that is known."""
    return Problem(
        401,
        "a key is needed: send it as `Authorization: Bearer KEY` or log in with POST /v1/login",
        {"WWW-Authenticate": 'Bearer realm="groundswell"'},
    )


def not_found(what: str) -> Problem:
    """There is no such thing, or not within the scope of the key."""
    return Problem(404, f"there is no such {what}, or your key may not see it")


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """The body and media type of RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let the app answer every error in this form."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DatabaseAway, _away)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.detail, error.headers, **error.more)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, HTTPStatus(error.status_code).description, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    refused = [
        {"field": ".".join(str(part) for part in one["loc"][1:]), "reason": one["msg"]} for one in error.errors()
    ]
    return problem_response(422, "the request has fields that are not valid", rejected=refused)


async def _away(_: Request, error: Exception) -> JSONResponse:
    return problem_response(503, str(error), {"Retry-After": "2"})


async def _unstorable(_: Request, error: Exception) -> JSONResponse:
    """NUL in a text, say, which PostgreSQL cannot even compare."""
    return problem_response(422, "the request holds a character or number that cannot be stored")


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", error=type(error).__name__, exc_info=error)
    return problem_response(500, "something went wrong here; the service's log has the details")
