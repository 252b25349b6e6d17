"""The rules of ARCHITECTURE.md, "Folders", that imports and clock readings can break."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLOCK_FUNCTIONS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
MAY_READ_THE_CLOCK = "services/runtime/clock.py"
MAY_IMPORT_FAUST = "services/detector/app.py"
SCHEMAS_MAY_IMPORT = {"schemas", "pydantic", "pydantic_core", "msgspec", "annotated_types"} | sys.stdlib_module_names


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Path from the root and syntax tree of every Python file of these folders; the page's own tools are not ours."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("services/api/web/"):
                yield name, ast.parse(path.read_text(encoding="utf-8"), name)


def imported(tree: ast.Module) -> set[str]:
    """Top-level names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def clock_readings(tree: ast.Module) -> list[int]:
    """Lines that read the machine's clock: `time.time()`, `datetime.now()`, also by another name or without a call."""
    lines: list[int] = []
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
            aliases |= {alias.asname or alias.name: alias.name for alias in node.names}
            if node.module == "time" and CLOCK_FUNCTIONS["time"] & {alias.name for alias in node.names}:
                lines.append(node.lineno)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if node.attr in CLOCK_FUNCTIONS.get(aliases.get(owner, owner), set()):
                lines.append(node.lineno)
    return lines


def test_import_linter_finds_every_contract_kept() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_app_imports_faust() -> None:
    assert {name for name, tree in modules("schemas", "services") if "faust" in imported(tree)} <= {MAY_IMPORT_FAUST}


def test_contracts_import_pydantic_and_msgspec_only() -> None:
    strange = {name: imported(tree) - SCHEMAS_MAY_IMPORT for name, tree in modules("schemas")}
    assert {name: found for name, found in strange.items() if found} == {}


def test_only_one_module_reads_the_clock() -> None:
    readers = {name: clock_readings(tree) for name, tree in modules("schemas", "services")}
    assert {name: lines for name, lines in readers.items() if lines and name != MAY_READ_THE_CLOCK} == {}
    assert readers[MAY_READ_THE_CLOCK]


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nt.monotonic()",
        "from time import monotonic\nmonotonic()",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import datetime as d\nd.utcnow()",
        "from datetime import date\ndate.today()",
        "from datetime import datetime\nread = datetime.now",
    ],
)
def test_a_reading_of_the_clock_is_noticed(source: str) -> None:
    assert clock_readings(ast.parse(source))


@pytest.mark.parametrize("source", ["clock.now_ms()", "import time\ntime.sleep(1)", "event.time", "tick.today()"])
def test_what_only_looks_like_a_clock_is_not(source: str) -> None:
    assert clock_readings(ast.parse(source)) == []


def test_every_dependency_is_locked_with_a_hash_and_without_an_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {_name(line) for line in wanted} - {"groundswell"}
    lock = (ROOT / "requirements" / "dev.lock").read_text()
    assert names - {_name(line) for line in lock.splitlines() if "==" in line} == set()
    for path in (ROOT / "requirements").glob("*.lock"):
        text = path.read_text()
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text


def _name(requirement: str) -> str:
    bare = requirement.partition(";")[0]
    for mark in "[=<>!~ ":
        bare = bare.partition(mark)[0]
    return bare.strip().lower().replace("_", "-")
