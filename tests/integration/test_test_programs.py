"""The fixtures that bring PostgreSQL, Prometheus and Chromium bring what they promise."""

import subprocess
from pathlib import Path

import sqlalchemy


def test_each_test_has_an_empty_postgresql_database_of_its_own(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    try:
        with engine.begin() as connection:
            assert sqlalchemy.inspect(connection).get_table_names() == []
            connection.execute(sqlalchemy.text("CREATE TABLE mine (number integer)"))
    finally:
        engine.dispose()


def test_the_next_test_sees_nothing_of_it(postgres_url: str) -> None:
    test_each_test_has_an_empty_postgresql_database_of_its_own(postgres_url)


def test_prometheus_runs(prometheus_binary: Path) -> None:
    done = subprocess.run([prometheus_binary, "--version"], capture_output=True, text=True, check=False)
    assert "prometheus, version" in done.stdout + done.stderr


def test_chromium_runs(chromium_path: Path) -> None:
    done = subprocess.run([chromium_path, "--version"], capture_output=True, text=True, check=False)
    assert "Chrom" in done.stdout
