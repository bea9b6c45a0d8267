"""Many rows with one statement.

What SQLAlchemy does for each value of each row costs more than SQLite does. So for SQLite a statement is
compiled once and the values go to the driver as they are, but for the types that have something to do.
PostgreSQL's driver sends the rows of one statement together by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Insert, Select, Update

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
        # Column by column, in steps that no interpreter takes value by value.
        columns = []
        for name, process, constant in self._parameters:
            given = name in rows[0]
            column = map(itemgetter(name), rows) if given else repeat(constant, len(rows))
            columns.append(column if process is None else map(process, column))
        return list(zip(*columns, strict=True))


class SoughtRows:
    """A query for all rows with one of many values, which stand in it as the parameter `sought`.

    Its columns are of types that SQLite gives back as they are.
    """

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._texts: dict[int, str] = {}
        """By how many values they have room for: powers of two."""

    def all(self, connection: Connection, values: Sequence[Any]) -> Sequence[Any]:
        """The rows; there may be no values."""
        if not values:
            return []
        if connection.dialect.name != "sqlite":
            return connection.execute(self._query, {"sought": values}).all()
        room = 1 << (len(values) - 1).bit_length()
        text = self._texts.get(room)
        if text is None:
            text = self._texts[room] = self._compiled(connection, [values[0]] * room)
        # To look for one twice finds it once.
        filled = (*values, *repeat(values[0], room - len(values)))
        return connection.exec_driver_sql(text, filled).all()

    def _compiled(self, connection: Connection, values: Sequence[Any]) -> str:
        dialect = connection.dialect
        for column in self._query.selected_columns:
            if column.type.dialect_impl(dialect).result_processor(dialect, None) is not None:
                raise TypeError(column.name)
        query = self._query.params(sought=values)
        return str(query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))
