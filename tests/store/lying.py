"""What somebody sees who has the database and nothing else."""

from __future__ import annotations

from sqlalchemy import MetaData

from hallnet.store import Connection, Database


def lying_in(database: Database, metadata: MetaData) -> bytes:
    """The values of all rows of all tables as they lie there, one after the other."""

    def read(connection: Connection) -> bytes:
        quoted = connection.dialect.identifier_preparer.quote
        values = [
            value
            for table in metadata.sorted_tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {quoted(table.name)}")
            for value in row
        ]
        return b"\0".join(
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for value in values
        )

    return database.look(read)
