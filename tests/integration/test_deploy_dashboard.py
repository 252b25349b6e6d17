"""The whole system under a real Prometheus: every query of the dashboard has an answer, every rule its metric."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.runtime.access import KeyStore
from services.runtime.clock import SystemClock
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
log = logging.getLogger("dashboard")
pytestmark = pytest.mark.timeout(1800)

SPACE = "deploytest"
SOURCE = "metro-crm"
SERVICES = ("ingest", "detector", "api")
WINDOW = "60s"
"""For $__rate_interval: long enough for some scrapes on a machine that misses many."""
START_SECONDS, ANSWER_SECONDS = 300.0, 400.0
HISTORY_HOURS = 30

AREAS = "code,parent,name,latitude,longitude,timezone,population\nmetro,,Metro,,,UTC,1000\nnorth,metro,North,,,,500\n"
NEEDS = (
    "code,parent,name_en,name_fr,name_es,line\nBH,,Housing,Logement,Vivienda,211\nBH-1,BH,Shelter,Refuge,Refugio,211\n"
)

METRIC = re.compile(r"\b(?:groundswell|process)_[a-z0-9_]+\b|\bup\b")


def dashboard_queries() -> list[tuple[str, str]]:
    """Panel title and expression of every query of the dashboard."""
    panels = json.loads((DEPLOY / "grafana" / "dashboards" / "groundswell.json").read_text())["panels"]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]


def alerting_rules() -> dict[str, str]:
    """Name and expression of every alerting rule."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


@dataclass
class System:
    """Ingest, detector, API and Prometheus as processes of this test's own."""

    folder: Path
    bootstrap: str
    prometheus: Path
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    key: str = ""
    posted: int = 0

    def start(self) -> None:
        """Everything that deploy/ starts, on free ports, in a space of its own."""
        self.ports = {name: free_port() for name in (*SERVICES, "prometheus")}
        reference = self.folder / "reference"
        reference.mkdir()
        (reference / "areas.csv").write_text(AREAS)
        (reference / "needs.csv").write_text(NEEDS)
        keys = KeyStore(self.folder / "keys.json", SystemClock())
        _, self.key = keys.add("ingest", "test", source=SOURCE, home_area="metro")
        for name in SERVICES:
            self._run(name, [sys.executable, "-m", f"services.{name}"])
            self._await(f"http://127.0.0.1:{self.ports[name]}/health/live", name)
        for name in SERVICES:
            self._await(f"http://127.0.0.1:{self.ports[name]}/health/ready", name)
        self._run("prometheus", self._prometheus_command())
        self._await(f"{self.prometheus_url}/-/ready", "prometheus")

    def stop(self) -> None:
        """End what was started, the readers first."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus answers."""
        return f"http://127.0.0.1:{self.ports['prometheus']}"

    def _environment(self) -> dict[str, str]:
        settings = {
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "SPACE": SPACE,
            "PARTITIONS": "2",
            "REFERENCE": str(self.folder / "reference"),
            "DATA": str(self.folder),
            "KEYS_FILE": str(self.folder / "keys.json"),
            **{f"{name.upper()}_PORT": str(self.ports[name]) for name in SERVICES},
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDSWELL_")}
        return {**inherited, **{f"GROUNDSWELL_{name}": value for name, value in settings.items()}}

    def _prometheus_command(self) -> list[str]:
        """Our own configuration with other addresses and a scrape every two seconds."""
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
        config["rule_files"] = [str(DEPLOY / "prometheus" / "rules.yml")]
        for job in config["scrape_configs"]:
            name = job.pop("dns_sd_configs")[0]["names"][0]
            job["static_configs"] = [{"targets": [f"127.0.0.1:{self.ports[name]}"]}]
        file = self.folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        return [
            str(self.prometheus),
            f"--config.file={file}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.ports['prometheus']}",
        ]

    def _run(self, name: str, command: Sequence[str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _await(self, url: str, name: str) -> None:
        """Wait until somebody answers 200 there."""
        for _ in polls(START_SECONDS):
            if self.processes[name].poll() is not None:
                break
            try:
                if httpx.get(url, timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                continue
        pytest.fail(f"{name} did not answer at {url}:\n{self.log(name)}", pytrace=False)

    def log(self, name: str) -> str:
        """The end of what a process printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def post(self, calls: list[dict[str, Any]], expected: int) -> None:
        """Calls to ingest."""
        answer = self._send("/v1/events", calls)
        assert answer.status_code == expected, answer.text

    def tick(self, at: datetime) -> None:
        """Time to the log."""
        answer = self._send("/v1/ticks", {"at": at.isoformat()})
        assert answer.status_code == 202, answer.text

    def _send(self, path: str, body: Any) -> httpx.Response:
        """Once more after a 503, as a CRM does while Kafka is slow."""
        url, headers = f"http://127.0.0.1:{self.ports['ingest']}{path}", {"Authorization": f"Bearer {self.key}"}
        for _ in polls(ANSWER_SECONDS):
            answer = httpx.post(url, json=body, headers=headers, timeout=60)
            if answer.status_code != 503:
                break
        return answer

    def calls(self, moment: datetime, number: int) -> list[dict[str, Any]]:
        """New calls that began and were logged at a moment."""
        first, self.posted = self.posted, self.posted + number
        return [
            {
                "id": f"c-{index}",
                "source": SOURCE,
                "time": moment.isoformat(),
                "logged_at": moment.isoformat(),
                "line": "211",
                "needs": ["BH-1"],
                "area": "north",
            }
            for index in range(first, first + number)
        ]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Samples of an instant query that are numbers."""
        answer = httpx.get(f"{self.prometheus_url}/api/v1/query", params={"query": expression}, timeout=60).json()
        assert answer["status"] == "success", (expression, answer)
        return [sample for sample in answer["data"]["result"] if sample["value"][1] != "NaN"]


def polls(seconds: float) -> Iterator[float]:
    """Every half second until the deadline: the time that is left."""
    clock, pause = SystemClock(), threading.Event()
    deadline = clock.monotonic() + seconds
    while (left := deadline - clock.monotonic()) > 0:
        yield left
        pause.wait(0.5)


@pytest.fixture(scope="module")
def system(kafka_bootstrap: str, prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Running, with a day of calls behind it."""
    running = System(tmp_path_factory.mktemp("deploy"), kafka_bootstrap, prometheus_binary)
    try:
        running.start()
        now = datetime.now(UTC)
        for hour in range(HISTORY_HOURS, 0, -1):
            running.post(running.calls(now - timedelta(hours=hour), 8), 202)
            running.tick(now - timedelta(hours=hour) + timedelta(minutes=50))
        yield running
    finally:
        running.stop()


def shown(sample: dict[str, Any]) -> str:
    """Labels and value of one sample."""
    labels = ",".join(f"{name}={value}" for name, value in sample["metric"].items() if name != "__name__")
    return f"{{{labels}}} {float(sample['value'][1]):.4g}"


def keep_going(system: System) -> None:
    """What happens on an ordinary minute: calls, one of them twice, one late, one refused; and time passes."""
    now = datetime.now(UTC)
    fresh = system.calls(now, 3)
    late = {**system.calls(now - timedelta(hours=20), 1)[0], "logged_at": now.isoformat()}
    system.post([*fresh, late], 202)
    system.post([{**fresh[0], "revision": 0}, {**fresh[1], "caller_name": "nobody"}], 202)
    system.tick(now)


def test_every_query_of_the_dashboard_has_an_answer(system: System) -> None:
    """A panel without data on a running system is a metric that does not exist, or a label that nobody sets."""
    empty: list[str] = []
    for _ in polls(ANSWER_SECONDS):
        keep_going(system)
        answers = {
            f"{title}: {expression}": system.query(expression.replace("$__rate_interval", WINDOW))
            for title, expression in dashboard_queries()
        }
        empty = [query for query, samples in answers.items() if not samples]
        if not empty:
            for query, samples in answers.items():
                log.info("%s = %s", query, "; ".join(shown(sample) for sample in samples[:4]))
            return
    logs = "\n".join(f"--- {name}\n{system.log(name)}" for name in SERVICES)
    pytest.fail(f"{len(empty)} queries are empty:\n" + "\n".join(empty) + f"\n{logs}", pytrace=False)


def test_every_rule_is_loaded_and_speaks_of_metrics_that_exist(system: System) -> None:
    """An alert on a misspelt metric never fires."""
    answer = httpx.get(f"{system.prometheus_url}/api/v1/rules", timeout=60).json()
    loaded = {rule["name"]: rule for group in answer["data"]["groups"] for rule in group["rules"]}
    assert set(loaded) == set(alerting_rules())
    for name, expression in alerting_rules().items():
        assert loaded[name]["health"] in ("ok", "unknown"), loaded[name]
        system.query(expression)
        for metric in METRIC.findall(expression):
            exposed = any(system.query(metric) for _ in polls(ANSWER_SECONDS))  # gone for a while after a missed scrape
            assert exposed, f"{name} speaks of {metric}, which nobody exposes"


def test_the_dashboard_shows_what_was_posted(system: System) -> None:
    """Not only an answer: the right one. What Kafka had only after a 503 is counted as unwritten, then as a repeat."""
    keep_going(system)
    for _ in polls(ANSWER_SECONDS):
        counted = system.query('sum(groundswell_ingest_calls_total{result=~"accepted|unwritten"})')
        if counted and float(counted[0]["value"][1]) >= system.posted:
            break
    assert float(counted[0]["value"][1]) == system.posted
    sources = next(filter(None, (system.query("groundswell_ingest_calls_total") for _ in polls(ANSWER_SECONDS))))
    assert {sample["metric"]["source"] for sample in sources} == {SOURCE}


def test_a_service_that_dies_raises_the_alert_of_its_own(system: System) -> None:
    """The rule for it becomes true for exactly that job; runs last, since it takes the API away."""
    system.processes["api"].send_signal(signal.SIGKILL)
    system.processes["api"].wait()
    expression = alerting_rules()["GroundswellServiceDown"]
    down: list[str] = []
    for _ in polls(ANSWER_SECONDS):
        down = [sample["metric"]["job"] for sample in system.query(expression)]
        if down == ["groundswell-api"]:  # a scrape of another one that came too late is made good by its next
            break
    assert down == ["groundswell-api"]
