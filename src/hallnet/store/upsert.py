"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from hallnet.store.database import Connection


def upsert(connection: Connection, table: Table) -> postgresql.Insert:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return cast(postgresql.Insert, sqlite.insert(table))
    return postgresql.insert(table)


class Upsert:
    """One that runs with every act: it is made once for each kind of database."""

    def __init__(self, table: Table, make: Callable[[postgresql.Insert], Executable]) -> None:
        self._made = {
            "sqlite": make(cast(postgresql.Insert, sqlite.insert(table))),
            "postgresql": make(postgresql.insert(table)),
        }

    def on(self, connection: Connection) -> Executable:
        return self._made[connection.dialect.name]
