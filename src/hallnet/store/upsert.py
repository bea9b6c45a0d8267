"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from hallnet.store.database import Connection


def upsert(connection: Connection, table: Table) -> postgresql.Insert:
    """An insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return cast(postgresql.Insert, sqlite.insert(table))
    return postgresql.insert(table)


class Upsert:
    """One that is executed over and over: made once for each kind of database.

    `conflict` says what happens to a row that is there already; without it that row stays as it is.
    """

    def __init__(
        self,
        table: Table,
        conflict: Callable[[postgresql.Insert], postgresql.Insert] | None = None,
    ) -> None:
        self._table = table
        self._conflict = conflict or postgresql.Insert.on_conflict_do_nothing
        self._made: dict[str, postgresql.Insert] = {}

    def on(self, connection: Connection) -> postgresql.Insert:
        """The statement for the database of a connection."""
        made = self._made.get(connection.dialect.name)
        if made is None:
            made = self._conflict(upsert(connection, self._table))
            self._made[connection.dialect.name] = made
        return made
