"""The fold of the outputs into SQLite and PostgreSQL: exactly once, whatever happens."""

import threading
from collections.abc import Iterator
from pathlib import Path

import alembic.command
import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from schemas.topics import ALERTS, SERIES
from services.api.database import MIGRATIONS, Database, DatabaseAway, WrongDatabase
from services.api.fold import Fold, OffsetMoved, Place, Stored
from services.api.read_series import Span, hours
from services.api.space import prepare
from services.api.tables import alert_versions, alerts, metadata, nodes, point_versions, points, refusals, sessions
from tests.api_parts import (
    HOUR,
    NOW,
    Tape,
    alert,
    home_status,
    partition_status,
    point,
    prepared,
    series,
    source_status,
)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'api.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    found = prepared(address)
    yield found
    found.close()


def rows(database: Database, table) -> list[tuple]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(table))]


def versions(database: Database) -> list[tuple[str, int]]:
    with database.reading() as connection:
        found = connection.execute(select(alerts.c.id, alerts.c.version).order_by(alerts.c.id))
        return [(row.id, row.version) for row in found]


def everything(database: Database) -> dict[str, list[tuple]]:
    return {name: sorted(rows(database, table), key=repr) for name, table in metadata.tables.items()}


def test_the_migrations_build_exactly_the_tables_that_the_code_speaks_of(database: Database) -> None:
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_of_the_version_before_is_brought_up_to_date_with_what_it_holds(address: str) -> None:
    database = Database(address)
    body = alert("a1", 1).decode()
    with database.writing() as connection:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        row = {"alert_id": "a1", "version": 1, "body": body}
        connection.execute(text("INSERT INTO alert_versions VALUES (:alert_id, :version, :body)"), row)
        people = "INSERT INTO alert_people (alert_id, human_version, silenced_until) VALUES ('a1', 1, 5)"
        connection.execute(text(people))
    database.migrate()
    with database.reading() as connection:
        assert connection.scalar(select(alert_versions.c.updated_at)) == NOW
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_two_processes_that_start_at_once_migrate_one_after_the_other(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.database.BUSY_SECONDS", 100)  # three wait for a migration each, on any machine
    databases = [Database(address) for _ in range(4)]
    threads = [threading.Thread(target=one.migrate) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with databases[0].reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    for one in databases:
        one.close()


def test_a_database_of_another_space_is_refused(database: Database) -> None:
    with pytest.raises(WrongDatabase, match="belongs to the space live"):
        prepare(database, "exercise", NOW)


def test_a_higher_version_replaces_and_an_older_or_equal_one_does_not(database: Database) -> None:
    tape = Tape(database)
    tape.alerts(alert("a", 2), alert("a", 1), alert("b", 1))
    assert versions(database) == [("a", 2), ("b", 1)]
    assert not tape.alerts(alert("a", 1), alert("a", 2, observed=9999)).changes
    assert versions(database) == [("a", 2), ("b", 1)]
    assert '"observed":42' in next(row for row in rows(database, alerts) if row[0] == "a")[-1]


def test_every_version_is_kept_for_the_history(database: Database) -> None:
    Tape(database).alerts(alert("a", 1), alert("a", 3), alert("a", 2))
    assert sorted(row[1] for row in rows(database, alert_versions)) == [1, 2, 3]


def test_each_change_has_a_place_of_its_own_in_the_feed_and_places_only_grow(database: Database) -> None:
    tape = Tape(database)
    first = tape.alerts(alert("a", 1), alert("b", 1), alert("a", 2)).changes
    second = tape.alerts(alert("b", 2)).changes
    assert [change.alert.id for change in first] == ["b", "a"]
    assert [change.feed_seq for change in (*first, *second)] == [NOW + 1, NOW + 2, NOW + 3]
    assert [change.is_new for change in (*first, *second)] == [True, True, False]


def test_a_record_that_is_delivered_again_changes_nothing(database: Database) -> None:
    tape = Tape(database)
    place = Place(ALERTS, ALERTS.name, 0)
    tape.alerts(alert("a", 1), alert("a", 2), b"not json")
    before = everything(database)
    with pytest.raises(OffsetMoved) as moved:
        Fold(database).apply(place, [Stored(0, alert("a", 1)), Stored(1, alert("a", 2))], 0)
    assert moved.value.stored == 3
    assert everything(database) == before


def test_the_same_outputs_written_again_at_later_offsets_change_only_the_offset(database: Database) -> None:
    tape = Tape(database)
    values = [alert("a", 1), alert("a", 2), alert("b", 1, status="ended")]
    tape.alerts(*values)
    tape.series(series(point(NOW - HOUR, 7), known_at=NOW))
    before = everything(database)
    tape.alerts(*values)
    tape.series(series(point(NOW - HOUR, 7), known_at=NOW))
    after = everything(database)
    assert before.pop("offsets") != after.pop("offsets")
    assert after == before


@pytest.mark.parametrize("table", ["offsets", "alert_versions", "alerts", "alert_feed", "refusals"])
def test_a_transaction_that_dies_anywhere_leaves_offset_and_rows_as_they_were(database: Database, table: str) -> None:
    tape = Tape(database)
    tape.alerts(alert("a", 1))
    before = everything(database)

    class Killed(Exception):
        pass

    def die(_connection, _cursor, statement, *_):
        if table in statement and not statement.lstrip().upper().startswith("SELECT"):
            raise Killed

    event.listen(database.engine, "after_cursor_execute", die)
    with pytest.raises(Killed):
        tape.alerts(alert("a", 2), b"{}", alert("c", 1))
    event.remove(database.engine, "after_cursor_execute", die)
    assert everything(database) == before
    tape.alerts(alert("a", 2), b"{}", alert("c", 1))
    assert versions(database) == [("a", 2), ("c", 1)]


def test_two_replicas_on_one_database_fold_each_record_once(postgres_url: str) -> None:
    database = prepared(postgres_url)
    place = Place(ALERTS, ALERTS.name, 0)
    values = [alert(f"a{index % 7}", index // 7 + 1) for index in range(140)]
    accepted: list[int] = []

    def replica() -> None:
        mine = Database(postgres_url)
        fold = Fold(mine)
        position = fold.begin(place, 0)
        while position < len(values):
            batch = [Stored(position + step, value) for step, value in enumerate(values[position : position + 5])]
            try:
                accepted.append(len(fold.apply(place, batch, position).changes))
            except OffsetMoved as moved:
                position = moved.stored
            else:
                position += len(batch)
        mine.close()

    threads = [threading.Thread(target=replica) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert len(accepted) == 28
    assert versions(database) == [(f"a{index}", 20) for index in range(7)]
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(alert_versions)) == 140
        seqs = connection.scalars(select(alerts.c.feed_seq)).all()
    assert len(set(seqs)) == 7
    database.close()


def test_what_is_not_of_the_contract_is_stepped_over_and_noted_with_its_place(database: Database) -> None:
    tape = Tape(database)
    folded = tape.alerts(alert("a", 1), b"\xff", b"{}", alert("b", 1).replace(b'"kind"', b'"kin"'), None, alert("c", 1))
    assert (folded.records, folded.refused) == (6, 3)
    assert versions(database) == [("a", 1), ("c", 1)]
    assert [row[:3] for row in sorted(rows(database, refusals))] == [("alerts.v1", 0, n) for n in (1, 2, 3)]
    assert not any("Rising" in row[3] for row in rows(database, refusals))


def test_a_record_of_another_version_is_stepped_over(database: Database) -> None:
    later = series(point(NOW, 1)).replace(b'"v":1', b'"v":2')
    assert Tape(database).series(later, series(point(NOW, 2))).refused == 1
    assert [row[3] for row in rows(database, points)] == [2]


def test_a_value_that_the_database_cannot_hold_costs_only_its_own_record(postgres_url: str) -> None:
    database = prepared(postgres_url)
    folded = Tape(database).alerts(
        alert("a", 1), alert("b", 1, area="x\0y"), alert("c", 1, area="z" * 500), alert("d", 1)
    )
    assert folded.refused == 2
    assert versions(database) == [("a", 1), ("d", 1)]
    database.close()


def test_a_point_known_earlier_never_replaces_one_known_later(database: Database) -> None:
    tape = Tape(database)
    tape.series(series(point(NOW, 5), known_at=NOW + 20_000), series(point(NOW, 3), known_at=NOW + 10_000))
    tape.series(series(point(NOW, 1), known_at=NOW))
    assert [row[3] for row in rows(database, points)] == [5]


def test_what_was_known_at_a_time_can_be_asked_to_five_minutes(database: Database) -> None:
    tape = Tape(database)
    for minute, observed in ((1, 1), (4, 2), (7, 3), (61, 9)):
        tape.series(series(point(NOW, observed, is_open=minute < 60), known_at=NOW + minute * 60_000))
    with database.reading() as connection:

        def at(minute: int) -> list[int]:
            span = Span(NOW, NOW + HOUR, NOW + minute * 60_000)
            found = hours(
                connection,
                home_area="metro",
                need="BH-1800",
                area="east",
                span=span,
                log_time=NOW + 2 * HOUR,
                zone="America/Chicago",
            )
            return [bucket.observed for bucket in found]

        assert [at(minute) for minute in (0, 5, 6, 8, 60, 70)] == [[0], [2], [2], [3], [3], [9]]
    assert len(rows(database, point_versions)) == 3, "of one slot of five minutes only the last word is kept"


def test_nodes_are_numbered_once_though_a_transaction_fails(database: Database) -> None:
    tape = Tape(database)
    tape.fold.begin(Place(SERIES, SERIES.name, 0), 0)
    with pytest.raises(OffsetMoved):
        tape.fold.apply(Place(SERIES, SERIES.name, 0), [Stored(5, series(point(NOW, 1)))], 5)
    tape.series(series(point(NOW, 1), point(NOW, 2, area="02128")))
    tape.series(series(point(NOW + HOUR, 1), point(NOW + HOUR, 2, area="02128")))
    assert len(rows(database, nodes)) == 2
    assert sorted(row[3] for row in rows(database, points)) == [1, 1, 2, 2]


def test_an_older_status_never_replaces_a_newer_one(database: Database) -> None:
    tape = Tape(database)
    tape.status(home_status(log_time=NOW, open_alerts=7), partition_status(written_at=NOW, next_offset=5))
    tape.status(home_status(log_time=NOW - 1, open_alerts=1), partition_status(written_at=NOW - 1, next_offset=1))
    found = everything(database)
    assert '"open_alerts":7' in found["home_status"][0][2]
    assert '"next_offset":5' in found["partition_status"][0][2]


def test_counts_of_a_feed_are_kept_for_two_hours(database: Database) -> None:
    tape = Tape(database)
    for hour in range(5):
        sources = (source_status(calls=100 * hour),)
        tape.status(home_status(log_time=NOW + hour * HOUR, sources=sources))
    assert sorted(row[3] for row in everything(database)["source_counts"]) == [200, 300, 400]


def test_a_locked_database_is_away_and_nothing_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.api.database.BUSY_SECONDS", 0.05)
    address = f"sqlite:///{tmp_path / 'api.sqlite'}"
    database, other = prepared(address), Database(address)
    tape = Tape(database)
    tape.alerts(alert("a", 1))
    with other.writing(), pytest.raises(DatabaseAway, match="locked"):
        tape.fold.apply(Place(ALERTS, ALERTS.name, 0), [Stored(1, alert("a", 2))], 1)
    assert versions(database) == [("a", 1)]
    tape.alerts(alert("a", 2))
    assert versions(database) == [("a", 2)]
    database.close()
    other.close()


def test_what_is_read_together_is_of_one_moment(database: Database) -> None:
    tape = Tape(database)
    tape.alerts(alert("a", 1))
    with database.reading() as connection:
        query = select(alerts.c.version)
        assert connection.scalar(query) == 1
        tape.alerts(alert("a", 2))
        assert connection.scalar(query) == 1
    assert versions(database) == [("a", 2)]


def test_an_error_carries_the_statement_without_its_parameters(database: Database) -> None:
    row = {"token_hash": "hash-of-a-cookie", "key_id": "k_1", "expires_at": None}
    with pytest.raises(IntegrityError) as failure, database.writing() as connection:
        connection.execute(insert(sessions).values(row))
    assert "INSERT INTO sessions" in str(failure.value)
    assert "hash-of-a-cookie" not in str(failure.value).partition("DETAIL")[0]


def test_tables_of_a_newer_version_are_told_in_a_sentence(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    with pytest.raises(WrongDatabase, match="does not know: run the newer version"):
        database.migrate()


def test_a_postgresql_that_vanishes_without_a_word_is_not_waited_for_by_the_quarter_hour(postgres_url: str) -> None:
    made = Database(postgres_url)
    with made.reading() as connection:
        told = connection.connection.dbapi_connection.info.get_parameters()
    assert told["tcp_user_timeout"] == "10000"
    assert int(told["keepalives_idle"]) + int(told["keepalives_interval"]) * int(told["keepalives_count"]) <= 15
    made.close()
