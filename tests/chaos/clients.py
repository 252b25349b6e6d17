"""Clients that post calls until they are told to stop, and post the same ids again until they get a 202."""

import json
import threading
from collections.abc import Callable

import httpx

from tests.chaos.processes import CLOCK
from tests.chaos.traffic import Call, Traffic
from tests.integration.detector_world import HOUR

PAUSE_SECONDS = 0.4
TICK_EVERY = 4


class Client:
    """One call centre's sender, in a thread of its own."""

    def __init__(self, source: str, key: str, address: str, traffic: Traffic) -> None:
        self.source = source
        self._http = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=8.0, trust_env=False
        )
        self._traffic = traffic
        self.accepted: set[str] = set()
        """Ids that got a 202."""
        self.tried: set[str] = set()
        self.refused: list[str] = []
        """Answers that no retry mends: there must be none."""
        self.repeats = 0
        self.last_202 = 0.0
        self._running, self._idle, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name=f"client-{source}", daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Post on."""
        self._idle.clear()
        self._running.set()

    def pause(self) -> None:
        """Finish the batch at hand."""
        self._running.clear()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was begun got its 202."""
        return self._idle.is_set()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._running.set()
        self._thread.join(20)
        self._http.close()

    def tick(self, at: int) -> bool:
        """Say what time it is; whether it was taken."""
        return self._status("/v1/ticks", {"at": at}) == 202

    def post(self, calls: list[Call]) -> int:
        """Post calls once; the status, 0 when there was no answer."""
        answer = self.ask(calls)
        return 0 if answer is None else answer.status_code

    def ask(self, calls: list[Call]) -> httpx.Response | None:
        """Post calls once; the answer, None when there was none."""
        self.tried |= {call["id"] for call in calls}
        answer = self._answer("/v1/events", calls)
        if answer is not None and answer.status_code == 202:
            self.accepted |= {call["id"] for call in calls}
            self.last_202 = CLOCK.monotonic()
        return answer

    def _run(self) -> None:
        pause, number = threading.Event(), 0
        while not self._ended.is_set():
            if not self._running.is_set():
                self._idle.set()
                self._running.wait()
                continue
            now, calls = self._traffic.batch(self.source)
            number += 1
            self._until(lambda calls=calls: self.post(calls))
            if number % TICK_EVERY == 0:
                self._until(lambda now=now: self._status("/v1/ticks", {"at": now}))
            pause.wait(PAUSE_SECONDS)

    def _until(self, send: Callable[[], int]) -> None:
        while not self._ended.is_set():
            status = send()
            if status == 202:
                return
            if status not in (0, 429, 503):
                self.refused.append(str(status))
                return
            self.repeats += 1
            self._ended.wait(0.3)

    def _status(self, path: str, body: object) -> int:
        answer = self._answer(path, body)
        return 0 if answer is None else answer.status_code

    def _answer(self, path: str, body: object) -> httpx.Response | None:
        try:
            answer = self._http.post(
                path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
            )
        except httpx.HTTPError:
            return None
        if answer.status_code == 202 and answer.json().get("rejected"):
            self.refused.append(answer.text[:200])
        return answer


def last_tick(traffic: Traffic) -> int:
    """Log time at which all that was posted is evaluated and its hours are closed."""
    traffic.now = (traffic.now // HOUR + 1) * HOUR
    return traffic.now
