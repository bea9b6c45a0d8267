"""After a vault has a new secret: what was closed under the old one is closed anew, batch after batch.

It can be broken off at any moment and begun again: what is closed under the new secret already is left as
it is. The old secret has to stay until a whole pass has found nothing that needs it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, Row, Table, bindparam, select, tuple_, type_coerce, update

from hallnet.store.columns import Bytes, Closed, ClosedText
from hallnet.store.database import Connection, Database
from hallnet.store.vault import Vault
from hallnet.trust.suite import NONCE_BYTES

ROWS_AT_ONCE = 16
"""Rows in one transaction: the longest hold two megabytes."""


@dataclass(frozen=True, slots=True)
class Reclosed:
    """What a pass over a database found."""

    values: int
    """That lie closed."""
    changed: int
    """Of them those that were closed anew in this pass."""


def reclose(database: Database, metadata: MetaData, vault: Vault) -> Reclosed:
    """Close all closed columns of a service under the newest secret of its vault.

    Raises VaultNotOpened if a value was closed under a secret that the vault does not have.
    """
    values = changed = 0
    for table in metadata.sorted_tables:
        closed = _closed_columns(table)
        after: Sequence[Any] | None = None
        while closed:
            after, renewed, seen = database.transact(
                lambda c, t=table, k=closed, a=after: _batch(c, t, k, a, vault)  # type: ignore[misc]
            )
            values, changed = values + seen, changed + renewed
            if after is None:
                break
    return Reclosed(values, changed)


def _closed_columns(table: Table) -> dict[str, str]:
    """The closed columns of a table, and the places for which they are closed."""
    return {
        column.name: column.type.place
        for column in table.columns
        if isinstance(column.type, Closed | ClosedText)
    }


def _batch(
    connection: Connection,
    table: Table,
    closed: dict[str, str],
    after: Sequence[Any] | None,
    vault: Vault,
) -> tuple[Sequence[Any] | None, int, int]:
    """The next rows; returns the key of the last one, how many values were renewed and how many seen."""
    keys = list(table.primary_key)
    raw = [type_coerce(table.c[name], Bytes()).label(f"closed_{name}") for name in closed]
    query = select(*keys, *raw).order_by(*keys).limit(ROWS_AT_ONCE).with_for_update()
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after, types=[key.type for key in keys]))
    rows = connection.execute(query).all()
    renewed = seen = 0
    for row in rows:
        values = {name: row[len(keys) + at] for at, name in enumerate(closed)}
        seen += sum(value is not None for value in values.values())
        fresh = {
            name: _closed_anew(vault, value, closed[name].encode())
            for name, value in values.items()
            if value is not None and not vault.is_current(value, closed[name].encode())
        }
        if fresh:
            _store(connection, table, row, fresh)
            renewed += len(fresh)
    return (rows[-1][: len(keys)] if rows else None), renewed, seen


def _closed_anew(vault: Vault, value: bytes, place: bytes) -> bytes:
    return vault.close(vault.open(value, place), place, os.urandom(NONCE_BYTES))


def _store(connection: Connection, table: Table, row: Row[Any], fresh: dict[str, bytes]) -> None:
    this = [key == row[at] for at, key in enumerate(table.primary_key)]
    values = {name: bindparam(f"closed_{name}", type_=Bytes()) for name in fresh}
    connection.execute(
        update(table).where(*this).values(values),
        {f"closed_{name}": value for name, value in fresh.items()},
    )
