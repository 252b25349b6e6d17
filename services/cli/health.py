"""Is a service ready? One question over HTTP, with the answer in words."""

import http.client
import json
from dataclasses import dataclass

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class Readiness:
    """What `/health/ready` said."""

    ready: bool
    detail: str
    """`ready`, or which dependency is down and why."""


def ask_ready(host: str, port: int, timeout: float = TIMEOUT_SECONDS) -> Readiness:
    """Asks one service; never raises."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return Readiness(False, "does not answer")
    finally:
        connection.close()
    return Readiness(answer.status == 200, _words(body))


def _words(body: bytes) -> str:
    try:
        said = json.loads(body)
        dependencies = said.get("dependencies", {}).items()
        down = [f"{name}: {one.get('detail') or one['state']}" for name, one in dependencies if one["state"] != "up"]
        return "; ".join(down) or str(said["status"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "answers, but not as a Groundswell service"


def local(host: str) -> str:
    """Where this machine reaches a service that listens on a host.

    >>> local("0.0.0.0"), local("127.0.0.1")
    ('127.0.0.1', '127.0.0.1')
    """
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
