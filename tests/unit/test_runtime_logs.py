"""Logs name where something failed and never what it failed on."""

import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from services.runtime.logs import configure_logs

MARK = "Zebulon Quux"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _fail() -> None:
    body = {"name": MARK}
    try:
        body[MARK]
    except KeyError as error:
        raise ValueError(f"no {MARK}") from error


def _logged(capsys: pytest.CaptureFixture[str], form: Literal["json", "console"]) -> str:
    configure_logs(form, "ingest")
    try:
        _fail()
    except ValueError as error:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
        structlog.get_logger("ingest").error("request_failed", exc_info=True)
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_failure_is_logged_without_its_values(capsys: pytest.CaptureFixture[str], form: Any) -> None:
    text = _logged(capsys, form)
    assert MARK not in text
    assert text.count("ValueError") >= 2
    assert "in _fail" in text


def test_a_failure_is_logged_with_its_place_and_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    for line in _logged(capsys, "json").splitlines():
        said = json.loads(line)
        places = said["exception"].splitlines()
        assert [one for one in places if " in " not in one] == ["KeyError", "ValueError"]
        assert places[0].startswith("tests/unit/test_runtime_logs.py:")
        assert said["service"] == "ingest"
