"""Posts to ingest and keeps trying while it is busy or the log is away."""

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from services.cli.errors import FAILED, UNREACHABLE, WRONG_USE, CliError
from services.runtime.clock import Clock

TIMEOUT_SECONDS = 30.0
NEW_KEY_SECONDS = 6.0
"""A key that was just made is known everywhere after this."""
LONGEST_WAIT_SECONDS = 30.0
Sleep = Callable[[float], object]


@dataclass(frozen=True)
class Answer:
    """What ingest said to a batch."""

    accepted: int
    duplicates: int
    rejected: tuple[tuple[str, str], ...]
    """(field, reason) of each that is named."""
    rejected_total: int


class IngestClient:
    """One connection to one ingest.

    Args:
        url: such as http://127.0.0.1:8001.
        sleep: waits between tries.
        patience_seconds: how long one batch is tried before giving up.
    """

    def __init__(self, url: str, clock: Clock, sleep: Sleep, *, patience_seconds: float = 600.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise CliError(f"{url} is not an address such as http://127.0.0.1:8001", WRONG_USE)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self._url, self._clock, self._sleep, self._patience = url, clock, sleep, patience_seconds
        self.waited_seconds = 0.0
        """Time lost to a busy or unreachable ingest."""

    def post_calls(self, body: bytes, key: str) -> Answer:
        """Posts NDJSON; a 422 is an answer too: none of them was valid.

        Raises:
            CliError: 3 when ingest did not take it in time, 2 when the key or the space is wrong, 1 for anything else.
        """
        said = self._post("/v1/events", body, key, "application/x-ndjson")
        named = tuple((str(one.get("field")), str(one.get("reason"))) for one in said.get("rejected", ()))
        return Answer(said.get("accepted", 0), said.get("duplicates", 0), named, said.get("rejected_total", len(named)))

    def post_tick(self, at_ms: int, key: str) -> None:
        """Says what time it is in the space; raises CliError as above."""
        self._post("/v1/ticks", json.dumps({"at": at_ms}).encode(), key, "application/json")

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _post(self, path: str, body: bytes, key: str, content_type: str) -> Mapping[str, Any]:
        begun, tries = self._clock.monotonic(), 0
        while True:
            status, headers, said = self._once(path, body, key, content_type)
            if status in (200, 202, 422):
                return _json(said)
            lost = self._clock.monotonic() - begun
            fresh_key = status == 401 and lost < NEW_KEY_SECONDS
            if status not in (0, 429, 500, 502, 503, 504) and not fresh_key:
                raise _refused(status, path, said)
            if lost > self._patience:
                raise CliError(f"ingest at {self._url} took nothing for {lost:.0f} s: {_detail(said)}", UNREACHABLE)
            pause = _pause(headers.get("retry-after"), tries)
            self._sleep(pause)
            tries += 1
            self.waited_seconds += pause

    def _once(self, path: str, body: bytes, key: str, content_type: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status (0: no answer), headers in lower case, body."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
        try:
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return 0, {}, type(error).__name__.encode()


def _pause(retry_after: str | None, tries: int) -> float:
    """What ingest asks for, else twice as long each time.

    >>> _pause("2", 0), _pause(None, 0), _pause(None, 3), _pause(None, 20)
    (2.0, 0.25, 2.0, 30.0)
    """
    if retry_after is not None and retry_after.isdigit():
        return min(float(retry_after), LONGEST_WAIT_SECONDS)
    return min(0.25 * 2.0 ** min(tries, 20), LONGEST_WAIT_SECONDS)


def _refused(status: int, path: str, said: bytes) -> CliError:
    detail = _detail(said)
    if status == 401:
        return CliError("ingest does not know the key; is KEYS_FILE (or DATA) that of this ingest?", WRONG_USE)
    if status == 403 and path == "/v1/ticks":
        return CliError("this ingest serves the live space; replay needs one of another space", WRONG_USE)
    return CliError(f"ingest answered {status}: {detail}", WRONG_USE if status == 403 else FAILED)


def _json(said: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        raise CliError("ingest answered something that is not JSON; is this the address of ingest?", FAILED) from None
    return found if isinstance(found, dict) else {}


def _detail(said: bytes) -> str:
    try:
        found = json.loads(said)
    except ValueError:
        return said[:200].decode(errors="replace")
    return str(found.get("detail", "")) if isinstance(found, dict) else ""
