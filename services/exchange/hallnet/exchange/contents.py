"""What was in envelopes: bodies lie as they travelled, and the keys to them in a closed column.

Nothing that a villager wrote lies open in the tables of the exchange, and nothing is sealed twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import select

from hallnet.exchange import tables
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Content, open_body, read_header
from hallnet.trust.problems import ContentNotAsCommitted


def keep_keys(connection: Connection, keys: Mapping[bytes, bytes]) -> None:
    """Keep content keys by what they were sealed as."""
    rows = [{"id": sha256(sealed).digest(), "key": plain} for sealed, plain in keys.items()]
    if rows:
        connection.execute(upsert(connection, tables.content_key).on_conflict_do_nothing(), rows)


def opened(connection: Connection, header: bytes, sealed_body: bytes) -> Content:
    """The content of an envelope that this hall sent or received; raises ContentNotAsCommitted."""
    table = tables.content_key

    def unseal(sealed: bytes) -> bytes:
        name = sha256(sealed).digest()
        key: bytes | None = connection.scalars(
            select(table.c.key).where(table.c.id == name)
        ).one_or_none()
        if key is None:
            raise ContentNotAsCommitted("content_key")
        return key

    return open_body(read_header(header), sealed_body, unseal)
