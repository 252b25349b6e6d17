"""Posts the demo's calls to ingest, as a CRM would, and the ticks that a space with a clock of its own needs."""

import http.client
import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

BATCH = 500
TIMEOUT_SECONDS = 10.0

Call = Mapping[str, Any]


class NotTaken(Exception):
    """Ingest did not take something; it is to be sent again."""


class Poster:
    """One HTTP connection to ingest.

    Args:
        keys: key by source; ticks go with any of them.
    """

    def __init__(self, host: str, port: int, keys: Mapping[str, str]) -> None:
        self._keys = dict(keys)
        self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)

    def post_calls(self, calls: Iterable[Call]) -> int:
        """Posts calls in their order, in batches by source; how many there were.

        Raises:
            NotTaken: the log is away or ingest is busy; sending all of them again does no harm.
        """
        left, number = iter(calls), 0
        while batch := list(islice(left, BATCH)):
            for source in dict.fromkeys(call["source"] for call in batch):
                self._post("/v1/events", [call for call in batch if call["source"] == source], self._keys[source])
            number += len(batch)
        return number

    def post_tick(self, at_ms: int) -> int:
        """Says what time it is in the space; returns how far the log's time is, ms.

        Raises:
            NotTaken: as above.
        """
        said = json.loads(self._post("/v1/ticks", {"at": at_ms}, next(iter(self._keys.values()))))
        return int(said.get("log_time", at_ms))

    def _post(self, path: str, body: object, key: str) -> bytes:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            self._connection.request("POST", path, json.dumps(body, separators=(",", ":")), headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NotTaken(f"ingest does not answer ({type(error).__name__})") from None
        if not 200 <= answer.status < 300:
            raise NotTaken(f"ingest answered {answer.status} to {path}: {said[:300].decode(errors='replace')}")
        return said
