"""Bringing a service's database to the present form, with Alembic.

Each service has a folder `migrations` with the steps; the folder's `env.py` is the same two lines in all
of them. `python -m hallnet.store.migrating SERVICE "what changes"` writes a new step from the difference
between the tables in the code and the steps so far.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from hallnet.store.database import Database


def migrate(database: Database, package: str) -> None:
    """Run all missing steps of `package` (for example hallnet.intake); safe to call at every start."""
    database.create_schema()
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            # Two processes of one service may start at once: the second one waits.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(8812)")
        command.upgrade(_config(package, connection), "head")


def run_environment(metadata: MetaData) -> None:
    """The body of every `migrations/env.py`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()


def _config(package: str, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files(package) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _write_step(package: str, message: str) -> None:
    importlib.import_module(f"{package}.tables")
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'scratch.db'}", "scratch")
        migrate(database, package)
        with database.engine.begin() as connection:
            command.revision(_config(package, connection), message, autogenerate=True)
        database.close()


if __name__ == "__main__":
    _write_step(f"hallnet.{sys.argv[1].replace('-', '_')}", sys.argv[2])
