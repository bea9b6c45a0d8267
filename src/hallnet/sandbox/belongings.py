"""Everything a node of the sandbox keeps: each file of its home and each table of its PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from hallnet.sandbox.network import Node

_TABLES = """
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""


def places_with(node: Node, words: Sequence[str]) -> list[str]:
    """Files and tables of a node in which one of the words stands, in UTF-8."""
    wanted = [word.encode() for word in words]
    return [place for place, data in _belongings(node) if any(word in data for word in wanted)]


def _belongings(node: Node) -> Iterator[tuple[str, bytes]]:
    """Each place with the bytes that lie there, as they lie there."""
    for path in sorted(node.home.folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(node.home.folder)), path.read_bytes()
    if node.spec.database_url != "sqlite":
        yield from _tables(node.spec.database_url)


def _tables(database_url: str) -> Iterator[tuple[str, bytes]]:
    with psycopg.connect(database_url) as connection:
        for schema, name in connection.execute(_TABLES).fetchall():
            # The binary format holds what is stored, byte by byte.
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(
                sql.Identifier(schema, name)
            )
            with connection.cursor().copy(statement) as rows:
                yield f"{schema}.{name}", b"".join(rows)
