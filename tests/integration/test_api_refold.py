"""`groundswell rebuild --database`: what came from the log is folded again, what people did stays."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from services.api.database import Database
from services.api.refold import FOLDED, refold
from services.api.tables import alert_actions, alert_people, alerts, metadata, offsets, points
from services.cli.__main__ import run
from tests.api_parts import NOW, Tape, alert, home_status, partition_status, point, prepared, series


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'api.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """The same, prepared."""
    found = prepared(address)
    yield found
    found.close()


def play(database: Database) -> None:
    """A short log."""
    tape = Tape(database)
    tape.alerts(alert("a1", 1), alert("a1", 2), alert("a2", 1))
    tape.series(series(point(NOW, 12), point(NOW, 3, need="BV")))
    tape.status(home_status(), partition_status())


def people(database: Database) -> None:
    """What a coordinator did."""
    with database.writing() as connection:
        connection.execute(insert(alert_people).values(alert_id="a1", human_version=1, label="real_surge"))
        connection.execute(
            insert(alert_actions).values(alert_id="a1", human_version=1, type="label", at=NOW, by="R. A.", body="{}")
        )


def count(database: Database, table) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def bodies(database: Database) -> list[tuple]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(alerts.c.id, alerts.c.body).order_by(alerts.c.id))]


def places(database: Database) -> set[int]:
    with database.reading() as connection:
        return set(connection.scalars(select(alerts.c.feed_seq)))


def test_folding_again_gives_the_same_rows_and_people_keep_theirs(database: Database) -> None:
    play(database)
    people(database)
    before, seen = {table: count(database, table) for table in FOLDED}, bodies(database)
    first = places(database)
    forgotten = refold(database)
    assert forgotten["alerts"] == 2
    assert forgotten["points"] == 2
    assert {count(database, table) for table in FOLDED} == {0}
    assert (count(database, alert_people), count(database, alert_actions)) == (1, 1)
    play(database)
    assert {table: count(database, table) for table in FOLDED} == before
    assert bodies(database) == seen
    assert min(places(database)) > max(first), "an open page gets everything anew"


def test_every_table_is_either_folded_or_of_people_and_the_space() -> None:
    kept = {"alert_feed", "alert_people", "alert_actions", "space", "sessions"}
    kept |= {"silences", "declared_events", "budgets", "outbox", "requests", "audit", "news"}
    assert kept | {table.name for table in FOLDED} == set(metadata.tables)


def test_the_command_forgets_and_says_what(
    database: Database,
    address: str,
    free_port: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(database)
    monkeypatch.setenv("GROUNDSWELL_DATABASE_URL", address)
    monkeypatch.setenv("GROUNDSWELL_API_PORT", str(free_port))
    assert run(["rebuild", "--database"]) == 0
    assert "2 alerts" in capsys.readouterr().out
    assert (count(database, offsets), count(database, points)) == (0, 0)


def test_it_is_refused_while_an_api_answers(
    database: Database, address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Alive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    play(database)
    with HTTPServer(("127.0.0.1", 0), Alive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("GROUNDSWELL_DATABASE_URL", address)
        monkeypatch.setenv("GROUNDSWELL_API_PORT", str(server.server_port))
        try:
            assert run(["rebuild", "--database"]) == 2
        finally:
            server.shutdown()
            thread.join(60)
    assert "stop every API" in capsys.readouterr().err
    assert count(database, alerts) == 2
