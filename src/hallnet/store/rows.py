"""Many rows with one statement.

What SQLAlchemy does for each value of each row costs more than SQLite does. So for SQLite a statement is
compiled once and the values go to the driver as they are, but for the types that have something to do.
PostgreSQL's driver sends the rows of one statement together by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Insert, Update

from hallnet.store.database import Connection
from hallnet.store.upsert import Upsert

Row = Mapping[str, Any]
Process = Callable[[Any], Any]


class RowsStatement:
    """An insert, upsert or update that is executed with many rows, over and over.

    All rows of one execution have the same keys: columns, or parameters of the statement.
    """

    def __init__(self, statement: Insert | Update | Upsert) -> None:
        self._statement = statement
        self._compiled: dict[frozenset[str], _Compiled] = {}

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Execute it with each of the rows; there may be none."""
        if not rows:
            return
        statement = self._statement
        made = statement.on(connection) if isinstance(statement, Upsert) else statement
        if connection.dialect.name != "sqlite":
            connection.execute(made, rows)
            return
        keys = frozenset(rows[0])
        compiled = self._compiled.get(keys)
        if compiled is None:
            compiled = self._compiled[keys] = _Compiled(connection, made, rows[0])
        connection.exec_driver_sql(compiled.text, compiled.values(rows))


class _Compiled:
    """A statement as the driver takes it, and what is to be done with the values of each parameter."""

    def __init__(self, connection: Connection, statement: Insert | Update, row: Row) -> None:
        dialect = connection.dialect
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(row))
        self.text: str = compiled.string
        constants = compiled.params
        self._parameters: list[tuple[str, Process | None, Any]] = [
            (
                name,
                compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
                None if name in row else constants[name],
            )
            for name in compiled.positiontup
        ]

    def values(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        columns = []
        for name, process, constant in self._parameters:
            column = [row.get(name, constant) for row in rows]
            columns.append(column if process is None else list(map(process, column)))
        return list(zip(*columns, strict=True))
