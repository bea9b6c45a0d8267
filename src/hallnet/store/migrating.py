"""Bringing a service's database to the present form, with Alembic.

Each service has a folder `migrations` with nothing but the steps. To write a new one from the difference
between the tables in the code and the steps so far:

    python -m hallnet.store.migrating SERVICE "what changes"
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from hallnet.store.columns import Bytes, Closed, ClosedText, FoundBy, Moment
from hallnet.store.database import Database

_LOCK = 8812
"""Number of the lock by which the second of two processes that start at once waits for the first."""


def migrate(database: Database, package: str) -> None:
    """Run all missing steps of `package` (for example hallnet.intake); safe to call at every start."""
    database.create_schema()
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        command.upgrade(_config(package, connection), "head")


def tables_of(package: str) -> MetaData:
    """The tables that the code of a service expects."""
    metadata = importlib.import_module(f"{package}.tables").metadata
    assert isinstance(metadata, MetaData)
    return metadata


def describe_type(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """How a step writes our own column types."""
    if kind == "type" and isinstance(item, Closed | ClosedText | FoundBy):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(item, Bytes):
        return f"sa.LargeBinary({item.length or ''})"
    if kind == "type" and isinstance(item, Moment):
        context.imports.add("from hallnet.store import Moment")
        return "Moment()"
    return False


def _config(package: str, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(files("hallnet.store") / "alembic"))
    config.set_main_option("version_locations", str(files(package) / "migrations"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = tables_of(package)
    return config


def _write_step(package: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'scratch.db'}", "scratch")
        migrate(database, package)
        with database.engine.begin() as connection:
            config = _config(package, connection)
            number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
        database.close()


if __name__ == "__main__":
    _write_step(f"hallnet.{sys.argv[1].replace('-', '_')}", sys.argv[2])
