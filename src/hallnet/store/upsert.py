"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from hallnet.store.database import Connection


def upsert(connection: Connection, table: Table) -> postgresql.Insert:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return cast(postgresql.Insert, sqlite.insert(table))
    return postgresql.insert(table)


class Upsert:
    """One that is executed over and over: made once for each kind of database.

    `conflict` says what happens to a row that is there already, and what is returned; without it that row stays
    as it is.
    """

    def __init__(
        self,
        table: Table,
        conflict: Callable[[postgresql.Insert], Insert] = postgresql.Insert.on_conflict_do_nothing,
    ) -> None:
        self._made = {
            "sqlite": conflict(cast(postgresql.Insert, sqlite.insert(table))),
            "postgresql": conflict(postgresql.insert(table)),
        }

    def on(self, connection: Connection) -> Insert:
        """The statement for the database of a connection."""
        return self._made[connection.dialect.name]
