"""Logs: one event name and named fields a line, on stderr; never the value of a payload."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import ExcInfo, Processor

QUIET = ("kafka", "asyncio", "uvicorn.access")
"""Libraries that write a line per event or per reconnect."""


def configure_logs(form: Literal["json", "console"], service: str) -> None:
    """Set up structlog and the standard library's logging for this process; calling it again replaces the first."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_places),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _places(exc_info: ExcInfo) -> str:
    """An exception as the places it came through, innermost last, and its type; causes first.

    Neither its message nor any variable: both may hold a call's values or a key.
    """
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
        lines[:0] = [*places, type(error).__name__]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(lines)


def _short(file: str) -> str:
    """The last three parts of a path: enough to find it, whatever the machine."""
    return "/".join(Path(file).parts[-3:])
