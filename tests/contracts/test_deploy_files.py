"""What `deploy/` holds, as far as it can be checked without containers: by schema, promtool and its own references."""

import json
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.cli.commands import COMMANDS
from services.runtime.settings import load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = ("ingest", "detector", "api")
VARIABLE = re.compile(r"\$\{(\w+)(:[-?][^}]*)?\}")
DOCKERFILE = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "groundswell.json").read_text())


def example_environment() -> dict[str, str]:
    """Names and values of env.example."""
    lines = (DEPLOY / "env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(value: str, environment: dict[str, str]) -> str:
    """A value of the compose file as compose would fill it."""
    return VARIABLE.sub(lambda found: environment.get(found[1]) or (found[2] or ":-")[2:], value)


def stages() -> list[list[tuple[str, str]]]:
    """Instructions of each stage of the Dockerfile: word and rest."""
    found: list[list[tuple[str, str]]] = []
    for line in DOCKERFILE.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        if found and word and not word.startswith("#"):
            found[-1].append((word, rest))
    return found


def test_the_compose_file_fits_the_compose_specification() -> None:
    """The specification's own schema; `name` is younger than this copy of it."""
    schema = json.loads((Path(__file__).parent / "third_party" / "compose_spec.json").read_text())
    document = {key: value for key, value in COMPOSE.items() if key != "name"}
    jsonschema.Draft7Validator(schema).validate(document)


def test_everything_that_the_compose_file_refers_to_is_there() -> None:
    """Services, volumes, networks and files."""
    for name, service in COMPOSE["services"].items():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"]), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), source
            elif not source.startswith("$"):
                assert source in COMPOSE["volumes"], source
    waited_for = {
        dependency
        for service in COMPOSE["services"].values()
        if isinstance(service.get("depends_on"), dict)
        for dependency, how in service["depends_on"].items()
        if how["condition"] == "service_healthy"
    }
    checked = {name for name, service in COMPOSE["services"].items() if "healthcheck" in service} | set(OURS)
    assert waited_for <= checked


def test_every_variable_of_the_compose_file_is_explained() -> None:
    """Those that must be set are in env.example, and env.example has no others."""
    text = (DEPLOY / "compose.yaml").read_text()
    found = {match[1]: match[2] or "" for match in VARIABLE.finditer(text)}
    required = {name for name, rest in found.items() if not rest.startswith(":-")}
    explained = example_environment()
    assert required <= {name for name, value in explained.items() if not value}
    assert set(explained) <= set(found)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists_with_settings_that_exist(name: str) -> None:
    """A wrong setting would stop the start."""
    service = COMPOSE["services"][name]
    assert service["command"] == [name]
    assert name in {command.name for command in COMMANDS}
    filling = {
        "POSTGRES_PASSWORD": "secret",
        "ID_SECRET": "ab" * 32,
        **{k: v for k, v in example_environment().items() if v},
    }
    environ = {key: filled(str(value), filling) for key, value in service["environment"].items()}
    image = dict(pair.split("=", 1) for word, rest in stages()[-1] if word == "ENV" for pair in shlex.split(rest))
    settings = load_settings({**{k: v for k, v in image.items() if k.startswith("GROUNDSWELL_")}, **environ})
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.host == "0.0.0.0"
    assert settings.database().startswith("postgresql+psycopg://groundswell:secret@postgres")


def test_nothing_listens_to_the_world_by_default_and_our_services_have_no_powers() -> None:
    """Ports on loopback; no new privileges, no capabilities, nothing writable but data and /tmp."""
    for service in COMPOSE["services"].values():
        for port in service.get("ports", ()):
            assert filled(port, example_environment()).startswith("127.0.0.1:")
        assert not service.get("privileged")
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_images_are_pinned() -> None:
    """The same file gives the same system next year."""
    for name in set(COMPOSE["services"]) - set(OURS):
        assert re.search(r":v?\d+(\.\d+)*$", COMPOSE["services"][name]["image"]), name


def test_the_image_installs_hashed_packages_and_runs_as_nobody() -> None:
    """The last stage brings no installer, no compiler and no root."""
    build, last = stages()
    installs = [rest for word, rest in build if word == "RUN" and "install" in rest]
    assert all(
        "--require-hashes" in part or "--no-index" in part
        for rest in installs
        for part in re.split("&&", rest)
        if " install " in part
    )
    words = [word for word, _ in last]
    text = "\n".join(rest for word, rest in last if word == "RUN")
    assert not re.search(r"pip install|apt-get|curl|wget", text)
    assert "pip uninstall" in text
    assert [rest for word, rest in last if word == "USER"] == ["10001:10001"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert {"HEALTHCHECK", "STOPSIGNAL", "EXPOSE"} <= set(words)


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    """Every source of a COPY exists and passes the ignore file."""
    allowed = {
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    sources = [
        source.rstrip("/")
        for stage in stages()
        for word, rest in stage
        if word == "COPY" and "--from" not in rest
        for source in shlex.split(rest)[:-1]
    ]
    assert ".gitignore" in sources, "without it the wheel holds the page's node_modules"
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == one or source.startswith(f"{one}/") for one in allowed), source


def test_prometheus_takes_its_configuration_and_rules(prometheus_binary: Path) -> None:
    """As its own checker sees them."""
    tool = prometheus_binary.resolve().parent / "promtool"
    for words in (["config", "prometheus.yml"], ["rules", "rules.yml"]):
        file = str(DEPLOY / "prometheus" / words[1])
        done = subprocess.run([tool, "check", words[0], file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SUCCESS" in done.stdout


def test_a_service_that_runs_and_is_not_ready_pages_somebody() -> None:
    """Both services that say so themselves."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]
    [rule] = [rule for group in groups for rule in group["rules"] if rule["alert"] == "GroundswellNotReady"]
    assert {part.strip() for part in rule["expr"].split(" or ")} == {
        "groundswell_ingest_up == 0",
        "groundswell_api_up == 0",
    }
    assert rule["labels"]["severity"] == "page"


def test_prometheus_scrapes_each_service_where_compose_puts_it() -> None:
    """Names and ports agree."""
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    targets = {(place["names"][0], place["port"]) for job in jobs for place in job["dns_sd_configs"]}
    defaults = load_settings({})
    assert targets == {(name, getattr(defaults, f"{name}_port")) for name in OURS}
    assert {job["job_name"] for job in jobs} == {f"groundswell-{name}" for name in OURS}


def test_grafana_finds_its_datasource_and_dashboards() -> None:
    """The uid in the panels is the provisioned one; the folder in the provider is the mounted one."""
    provisioning = DEPLOY / "grafana" / "provisioning"
    datasources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    providers = yaml.safe_load((provisioning / "dashboards" / "groundswell.yaml").read_text())["providers"]
    mounts = dict(volume.split(":")[:2] for volume in COMPOSE["services"]["grafana"]["volumes"])
    assert mounts["./grafana/dashboards"] == providers[0]["options"]["path"]
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    used = {target["datasource"]["uid"] for panel in DASHBOARD["panels"] for target in panel["targets"]}
    assert used == {datasource["uid"] for datasource in datasources}


def test_the_dashboard_is_laid_out_without_gaps_in_meaning() -> None:
    """Each panel has a title, a description, queries, a place of its own and a unit."""
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["expr"] for target in panel["targets"])
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in own) < 24
        assert not own & cells, panel["title"]
        cells |= own
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A service that says this status to everything; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()
            self.wfile.write(b'{"status":"told"}')

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def health(**ports: int) -> subprocess.CompletedProcess[str]:
    """The container's health check, run with these ports."""
    environ = {f"GROUNDSWELL_{name.upper()}_PORT": str(port) for name, port in ports.items()}
    command = [sys.executable, str(DEPLOY / "healthcheck.py")]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1), (404, 1)])
def test_the_health_check_asks_the_service_of_its_container(
    name: str, status: int, expected: int, free_port: int
) -> None:
    """Whichever of the three answers."""
    with answering(status) as port:
        done = health(**{**dict.fromkeys(OURS, free_port), name: port})
    assert done.returncode == expected
    assert "told" in done.stdout


def test_the_health_check_fails_when_nobody_listens(free_port: int) -> None:
    """A service that is still starting is not healthy."""
    done = health(**dict.fromkeys(OURS, free_port))
    assert done.returncode == 1
    assert "no service answers" in done.stdout
