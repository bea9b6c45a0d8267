"""Migrations: what the steps make is what the code expects, on both databases, however often."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text
from tests.store.builders import NOW, VAULT, opened, together

from hallnet.store import Connection, Database
from hallnet.store.migrating import migrate, tables_of

PACKAGES = ["hallnet.intake", "hallnet.exchange", "hallnet.branch_sync", "hallnet.notify"]
each_service = pytest.mark.parametrize("package", PACKAGES)


def schema_of(package: str) -> str:
    return package.rpartition(".")[2]


def database_of(url: str, package: str) -> Database:
    return Database(url, schema_of(package), VAULT)


def differences(database: Database, package: str) -> list[object]:
    def look(connection: Connection) -> list[object]:
        # SQLite tells an empty text as a default in another form than it was told.
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": not database.is_sqlite},
        )
        return list(compare_metadata(context, tables_of(package)))

    return database.look(look)


@each_service
def test_the_migrated_tables_are_those_of_the_code(database_url: str, package: str) -> None:
    database = database_of(database_url, package)
    migrate(database, package)
    assert differences(database, package) == []
    names = set(inspect(database.engine).get_table_names())
    assert names == {*tables_of(package).tables, "alembic_version"}
    database.close()


@each_service
def test_a_difference_would_be_noticed(database_url: str, package: str) -> None:
    """The comparison above is worth something only if it can fail."""
    database = database_of(database_url, package)
    migrate(database, package)
    dropped, *_, widened = reversed(tables_of(package).sorted_tables)
    with database.engine.begin() as connection:
        connection.execute(text(f'DROP TABLE "{dropped.name}"'))
        connection.execute(text(f'ALTER TABLE "{widened.name}" ADD COLUMN extra INTEGER'))
    kinds = {found[0] for found in differences(database, package) if isinstance(found, tuple)}
    assert {"add_table", "remove_column"} <= kinds
    database.close()


@each_service
def test_migrating_again_changes_nothing_and_loses_nothing(database_url: str, package: str) -> None:
    database = database_of(database_url, package)
    migrate(database, package)
    request = tables_of(package).tables["answered_request"]
    row = {"request_id": "request-1", "digest": b"d", "answer": b"a", "answered_at": NOW}
    database.transact(lambda connection: connection.execute(insert(request).values(row)))
    migrate(database, package)
    database.close()
    again = database_of(database_url, package)
    migrate(again, package)
    assert differences(again, package) == []
    found = again.look(lambda connection: connection.execute(select(request)).mappings().one())
    assert dict(found) == row
    again.close()


def test_the_services_of_a_node_migrate_side_by_side_in_one_postgresql_database(
    postgresql_url: str,
) -> None:
    databases = {package: database_of(postgresql_url, package) for package in PACKAGES}
    for package, database in databases.items():
        migrate(database, package)
    for package, database in databases.items():
        assert differences(database, package) == []
        database.close()


@each_service
def test_processes_that_start_at_once_do_not_hinder_each_other(
    database_url: str, package: str
) -> None:
    """Each thread has an engine of its own, as a process has."""

    def start(number: int) -> list[object]:
        database = database_of(database_url, package)
        try:
            migrate(database, package)
            return differences(database, package)
        finally:
            database.close()

    assert together(4, start) == [[], [], [], []]


def test_a_schema_that_many_make_at_once_is_made_once(postgresql_url: str) -> None:
    for turn in range(10):

        def make(number: int, turn: int = turn) -> None:
            with opened(postgresql_url, f"schema_{turn}"):
                pass

        together(6, make)


STARTS = """
import sys
from hallnet.store import Database
from hallnet.store.migrating import migrate
database = Database(sys.argv[1], "intake")
print("ready", flush=True)
sys.stdin.readline()
migrate(database, "hallnet.intake")
print("migrated", flush=True)
"""


def test_two_real_processes_start_at_once(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STARTS, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        told, _ = process.communicate()
        assert (process.returncode, told) == (0, "migrated\n")
    database = database_of(database_url, "hallnet.intake")
    assert differences(database, "hallnet.intake") == []
    database.close()
