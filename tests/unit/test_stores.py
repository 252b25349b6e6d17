"""One table of what is kept where and how long: complete, told to people as it is, and really applied."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table, delete, func, insert, select
from sqlalchemy.exc import DBAPIError

from schemas.contracts import CONTRACTS, TOPIC_CONTRACTS
from schemas.topics import DAY_MS, TOPICS
from services.api import stores
from services.api.chores import Chores
from services.api.database import Database
from services.api.retention import BY_WALL, DELETED
from services.api.tables import alert_people, alerts, metadata
from services.api.tables_people import audit
from services.cli.commands import COMMANDS
from services.runtime.clock import SystemClock
from tests.api_parts import NOW, FakeClock, Tape, home_status, prepared

ROOT = Path(__file__).parent.parent.parent
SOON = 60_000
AGED = {
    "sessions": ("expires_at", 1),
    "requests": ("at", 1),
    "audit": ("at", 1),
    "rejections": ("hour", 3_600_000),
    "points": ("start", 1),
    "point_versions": ("start", 1),
    "source_counts": ("slot", 300_000),
    "silences": ("until", 1),
    "declared_events": ("end", 1),
    "alerts": ("updated_at", 1),
}
"""Column by which rows age, and its unit in ms. What goes with its alert is looked at in a test of its own."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = prepared(f"sqlite:///{tmp_path / 'api.sqlite'}")
    yield made
    made.close()


def properties(node: Any) -> set[str]:
    """Every field of a JSON Schema, at any depth."""
    if isinstance(node, list):
        return set().union(*map(properties, node))
    if not isinstance(node, dict):
        return set()
    own = node.get("properties")
    return (set(own) if isinstance(own, dict) else set()).union(*map(properties, node.values()))


def test_every_column_of_every_table_has_a_row_and_no_row_is_left_over() -> None:
    has = {table.name: {column.name for column in table.columns} for table in metadata.sorted_tables}
    assert {store.name: set(store.fields) for store in stores.TABLES} == has


def test_every_field_of_every_topic_has_a_row_and_no_row_is_left_over() -> None:
    contracts = {
        topic.name: [CONTRACTS[name].schema() for name in TOPIC_CONTRACTS[topic.name] if name in CONTRACTS]
        for topic in TOPICS
    }
    has = {name: properties(schemas) for name, schemas in contracts.items()}
    assert {store.name: set(store.fields) for store in stores.LOG} == has


def test_a_store_without_days_says_why() -> None:
    assert not [store.name for store in (*stores.LOG, *stores.TABLES) if store.days is None and not store.kept]


def test_every_topic_has_the_retention_that_the_table_tells() -> None:
    days = {store.name: store.days for store in stores.LOG}
    for topic in TOPICS:
        told = days[topic.name]
        assert topic.config.get("retention.ms") == (None if told is None else str(told * DAY_MS))
        assert (told is None) == ("compact" in topic.config["cleanup.policy"])


def test_what_people_read_is_what_the_code_says() -> None:
    assert (ROOT / "deploy/stores.md").read_text(encoding="utf-8") == stores.markdown(), (
        "run `python -m services.api.stores > deploy/stores.md`"
    )


def test_every_table_with_days_is_one_that_rows_are_deleted_from() -> None:
    assert {table.name for table in DELETED} == {store.name for store in stores.TABLES if store.days is not None}


@pytest.mark.parametrize("name", sorted(AGED))
def test_a_row_older_than_its_days_is_deleted_and_a_younger_one_stays(database: Database, name: str) -> None:
    table, days = metadata.tables[name], stores.days_of(name)
    column, unit = AGED[name]
    log_time = NOW - 400 * DAY_MS  # a space whose time is not the wall clock's
    Tape(database).status(home_status("metro", log_time))
    now = NOW if table in BY_WALL else log_time
    edge = now if name == "sessions" else now - days * DAY_MS
    with database.writing() as connection:
        connection.execute(delete(table))
        for number, age in enumerate((edge - unit - SOON, edge + unit + SOON)):
            connection.execute(insert(table).values(row_of(table, number, column, age // unit)))
    Chores(database, FakeClock(NOW), space="live", write=lambda _: None).prune()
    with database.reading() as connection:
        assert list(connection.scalars(select(table.c[column]))) == [(edge + unit + SOON) // unit]


def test_what_people_said_goes_with_its_alert_and_what_is_open_stays(database: Database) -> None:
    old = NOW - (stores.days_of("alerts") + 1) * DAY_MS
    Tape(database).status(home_status("metro", NOW))
    with database.writing() as connection:
        for number, status in enumerate(("ended", "rising")):
            row = row_of(alerts, number, "updated_at", old) | {"id": f"a{number}", "status": status}
            connection.execute(insert(alerts).values(row))
            for table in DELETED[-3:]:
                said = row_of(table, number, "alert_id", f"a{number}")
                connection.execute(insert(table).values(said))
    Chores(database, FakeClock(NOW), space="live", write=lambda _: None).prune()
    with database.reading() as connection:
        assert list(connection.scalars(select(alerts.c.id))) == ["a1"]
        assert list(connection.scalars(select(alert_people.c.alert_id))) == ["a1"]


def test_a_database_whose_clock_is_behind_refuses_no_pruning(database: Database) -> None:
    ahead = SystemClock().now_ms() + 30_000
    with database.writing() as connection:
        row = row_of(audit, 1, "at", ahead - stores.days_of("audit") * DAY_MS - 1)
        connection.execute(insert(audit).values(row))
    Chores(database, FakeClock(ahead), space="live", write=lambda _: None).prune()
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 1


def test_the_database_itself_keeps_younger_rows_of_the_audit(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(audit).values(row_of(audit, 1, "at", NOW)))
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as connection:
        connection.execute(delete(audit))
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 1


def row_of(table: Table, number: int, name: str, value: object) -> dict[str, object]:
    """A row with something in every column that needs it."""
    row = {column.name: filler(column, number) for column in table.columns if not column.nullable}
    return row | {name: value}


def filler(column: Column[Any], number: int) -> object:
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, BigInteger | Integer | Float):
        return number
    return "ended" if column.name == "status" else f"{number}"


LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_every_locked_package_has_one_version_and_hashes_and_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=[a-zA-Z0-9])", "\n" + text)
    named = [one for one in entries if re.match(r"[a-zA-Z0-9]", one)]
    assert named
    for entry in named:
        head = entry.splitlines()[0]
        assert re.match(r"[a-zA-Z0-9._-]+==\S+ ", head), head
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"{head} has no hash"


def test_what_the_security_page_points_to_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    paths = re.findall(r"\]\(([^)]+)\)|`(tests/[^`]+|deploy/[^`]+)`", text)
    assert len(paths) >= 4
    for path in (one or other for one, other in paths):
        assert (ROOT / path).exists(), path
    commands = {command.name for command in COMMANDS}
    assert {"erase", "backup", "shadow"} <= set(re.findall(r"`groundswell (\w+)", text)) <= commands
    assert len(text.splitlines()) <= 70, "one page"
