"""Rehearsal of a lost server: killed, and killed with the broker's disk gone; how long, what is lost, what came back.

Run by `make bench`, or alone: `python tests/benchmarks/bench_recovery.py [CALLS]`. Prints one line of JSON a step.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from services.runtime.clock import SystemClock, from_ms  # noqa: E402
from tests.integration.running_up import descendants, wait_gone  # noqa: E402

CALLS = 20_000
BATCH = 5_000
PATIENCE_SECONDS = 240.0
AREAS = "code,parent,name,timezone\nboston,,Boston,America/New_York\neast,boston,East,\nwest,boston,West,\n"
NEEDS = "code,parent,name_en,name_fr,name_es,line\nB,,Basic,,,211\nBH,B,Housing,,,211\nBD,B,Food,,,211\n"
CLOCK = SystemClock()


class Server:
    """One `groundswell up` on a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        self.environ |= {"GROUNDSWELL_REFERENCE": str(folder / "reference"), "GROUNDSWELL_DATA": str(self.data)}
        self.process: subprocess.Popen[bytes] | None = None
        self.line: dict[str, Any] = {}

    def start(self) -> float:
        """Seconds until everything is ready."""
        begin = CLOCK.monotonic()
        with (self.folder / "up.log").open("ab") as log:
            words = ["up", "--no-demo", "--json", "--port-base", "0", "--data", str(self.data)]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environ,
                cwd=ROOT,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise SystemExit((self.folder / "up.log").read_text()[-2000:])
        self.line = json.loads(text)
        return CLOCK.monotonic() - begin

    def kill(self) -> None:
        """Everything at once, as when the power goes."""
        assert self.process is not None
        all_of_it = descendants(self.process.pid)
        for pid in (self.process.pid, *all_of_it):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_gone(all_of_it)

    def client(self, role: str) -> httpx.Client:
        base = self.line["ingest" if role == "ingest" else "api"]
        headers = {"Authorization": f"Bearer {self.line['keys'][role]}"}
        return httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False)

    def post(self, calls: list[dict[str, Any]]) -> float:
        """Seconds until Kafka has them all; a 503 or 429 is tried again, as a CRM's spool does."""
        begin = CLOCK.monotonic()
        with self.client("ingest") as client:
            for start in range(0, len(calls), BATCH):
                body = "\n".join(json.dumps(one) for one in calls[start : start + BATCH])
                wait(lambda body=body: _taken(client, body), "ingest takes the calls")  # type: ignore[misc]
        return CLOCK.monotonic() - begin

    def counted(self) -> int:
        """Calls that the detector has counted, each once, as the page tells it."""
        with self.client("viewer") as client:
            answer = client.get("/v1/sources")
        return sum(one["calls"] for one in answer.json()["items"]) if answer.status_code == 200 else 0

    def command(self, *words: str) -> float:
        """Seconds that a command takes."""
        begin = CLOCK.monotonic()
        subprocess.run(
            [sys.executable, "-m", "services.cli", *words], env=self.environ, cwd=ROOT, check=True, stdout=sys.stderr
        )
        return CLOCK.monotonic() - begin


def _taken(client: httpx.Client, body: str) -> bool:
    answer = client.post("/v1/events", content=body, headers={"Content-Type": "application/x-ndjson"})
    if answer.status_code not in (202, 429, 503):
        raise SystemExit(f"{answer.status_code}: {answer.text[:300]}")
    return answer.status_code == 202


def wait(condition: Callable[[], bool], what: str) -> float:
    """Seconds until it holds."""
    begin, pause = CLOCK.monotonic(), Event()
    while not condition():
        if CLOCK.monotonic() - begin > PATIENCE_SECONDS:
            raise SystemExit(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
        pause.wait(0.25)
    return CLOCK.monotonic() - begin


def calls(number: int, numbers: "itertools.count[int]") -> list[dict[str, Any]]:
    """Calls of the last three hours."""
    now = CLOCK.now_ms()
    return [
        {
            "id": f"call-{one}",
            "source": "my-crm",
            "time": from_ms(now - one * 7919 % 10_800_000).isoformat(),
            "line": "211",
            "needs": [("BH", "BD")[one % 2]],
            "area": ("east", "west")[one % 3 % 2],
        }
        for one in itertools.islice(numbers, number)
    ]


def say(step: str, **figures: float) -> None:
    rounded = {name: round(value, 1) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"step": step, **rounded}), flush=True)


def main(number: int) -> None:
    """Both rehearsals, one after the other, on the same server."""
    with tempfile.TemporaryDirectory(prefix="groundswell-recovery-") as name:
        folder = Path(name)
        (folder / "reference").mkdir()
        (folder / "reference/areas.csv").write_text(AREAS)
        (folder / "reference/needs.csv").write_text(NEEDS)
        server, numbers = Server(folder), itertools.count()
        try:
            rehearse(server, number, numbers, folder / "backup.tar.gz")
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()


def rehearse(server: Server, number: int, numbers: "itertools.count[int]", backup: Path) -> None:
    say("first start", seconds=server.start())
    spool = calls(number, numbers)
    seconds = server.post(spool)
    say("calls posted", calls=number, seconds=seconds, per_second=number / seconds)
    say("all counted by the page", seconds=wait(lambda: server.counted() == len(spool), "all are counted"))

    more = calls(number // 10, numbers)
    server.post(more)
    spool += more
    server.kill()
    ready = server.start()
    told = wait(lambda: server.counted() == len(spool), "all are counted again")
    say("killed, disk kept", ready_seconds=ready, counted_seconds=ready + told, lost=len(spool) - server.counted())

    say("backup while it runs", seconds=server.command("backup", str(backup)), bytes=backup.stat().st_size)
    more = calls(number // 10, numbers)
    server.post(more)
    spool += more
    server.kill()
    shutil.rmtree(server.data / "kafka")
    begin = CLOCK.monotonic()
    restored = server.command("restore", str(backup), "--force", "--new-log")
    ready = server.start()
    replayed = server.post(spool)
    told = wait(lambda: server.counted() == len(spool), "all are counted from the spool")
    say(
        "broker's disk lost",
        restore_seconds=restored,
        ready_seconds=ready,
        replay_seconds=replayed,
        counted_seconds=told,
        all_seconds=CLOCK.monotonic() - begin,
        calls=len(spool),
        lost=len(spool) - server.counted(),
    )
    say("the spool once more", seconds=server.post(spool), doubled=server.counted() - len(spool))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS)
