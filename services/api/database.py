"""The database: SQLite by default, PostgreSQL in production; short transactions, and one word for "away"."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import alembic.util
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 4_711_021_100
BUSY_SECONDS = 5
CONNECT_SECONDS = 3
ALIVE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server that vanished without a word (a failover, a cable) is noticed within about ten seconds."""


class DatabaseProblem(RuntimeError):
    """Anything about the database that a caller may want to catch."""


class DatabaseAway(DatabaseProblem):
    """The database cannot be used now: not reachable, locked, read-only or full. Later it may be."""


class WrongDatabase(DatabaseProblem):
    """The address is not one of a database that Groundswell knows, or the database belongs to another space."""


class Database:
    """Connections to one database.

    Raises:
        WrongDatabase: the address is not of SQLite or PostgreSQL.
    """

    def __init__(self, address: str) -> None:
        self.engine = _engine(address)
        self.is_shared = self.engine.dialect.name != "sqlite"
        """Whether other processes may write to it, so that news must be looked for."""

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; raises DatabaseAway."""
        with _named_errors(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="REPEATABLE READ") if self.is_shared else connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end of the block or not at all; raises DatabaseAway."""
        with _named_errors(), self.engine.connect() as connection:
            connection = connection.execution_options(groundswell_writes=True)
            with connection.begin():
                yield connection

    def migrate(self) -> None:
        """Bring the tables to this version, under a lock that keeps a second process waiting.

        Raises:
            DatabaseAway: it cannot be used now.
            WrongDatabase: a newer Groundswell has made its tables.
        """
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.writing() as connection:
            if self.is_shared:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config.attributes["connection"] = connection
            try:
                alembic.command.upgrade(config, "head")
            except alembic.util.CommandError:
                raise WrongDatabase(
                    "the database has tables of a version that this Groundswell does not know: run the newer version, "
                    "or put back the copy from before the update"
                ) from None

    def is_there(self) -> bool:
        """Whether it answers now."""
        try:
            with self.reading() as connection:
                connection.execute(text("SELECT 1"))
        except DatabaseAway:
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def upsert(connection: Connection, table: Table) -> Any:
    """An `INSERT` with `on_conflict_do_update` and `on_conflict_do_nothing` for the dialect at hand."""
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return build(table)


def _engine(address: str) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError:
        raise WrongDatabase("GROUNDSWELL_DATABASE_URL is not an address in SQLAlchemy's form") from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(url)
    if backend in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
        return create_engine(
            url,
            pool_size=5,
            max_overflow=15,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, **ALIVE},
        )
    raise WrongDatabase("GROUNDSWELL_DATABASE_URL must begin with sqlite:/// or postgresql://")


def _sqlite_engine(url: Any) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=20,
        hide_parameters=True,  # an error goes to the log with its statement, never with its values
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late; ours is below
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-32768")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("groundswell_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Readers beside one writer. SQLite does not wait here for whoever else switches a new file: so this does."""
    for _ in range(round(BUSY_SECONDS * 20)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.05)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseAway(_sentence(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseAway(_sentence(error)) from error
        raise


def _sentence(error: Exception) -> str:
    """Why, without statement, values or address."""
    cause = str(getattr(error, "orig", "")).lower()
    if "locked" in cause:
        return "the database is locked by another process"
    if "full" in cause or "no space" in cause:
        return "the database has no room left: free space on its disk"
    if "readonly" in cause or "read-only" in cause:
        return "the database cannot be written to: check the permissions of its file or server"
    return "the database is not reachable: check GROUNDSWELL_DATABASE_URL and that the server runs"
