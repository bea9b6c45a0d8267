"""What was in envelopes: bodies lie as they travelled, and the keys to them closed by the vault.

Nothing that a villager wrote lies open in the tables of the exchange, and nothing is sealed twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import select

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.store.vault import VaultNotOpened
from hallnet.trust.envelope import Content, open_body, read_header
from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.trust.suites import NONCE_BYTES


def keep_keys(connection: Connection, context: Context, keys: Mapping[bytes, bytes]) -> None:
    """Keep content keys by what they were sealed as."""
    rows = []
    for sealed, plain in keys.items():
        name = _name(sealed)
        closed = context.vault.close(plain, name, context.random_bytes(NONCE_BYTES))
        rows.append({"id": name, "closed": closed})
    if rows:
        connection.execute(upsert(connection, tables.content_key).on_conflict_do_nothing(), rows)


def opened(connection: Connection, context: Context, header: bytes, sealed_body: bytes) -> Content:
    """The content of an envelope that this hall sent or received; raises ContentNotAsCommitted."""
    table = tables.content_key

    def unseal(sealed: bytes) -> bytes:
        name = _name(sealed)
        closed = connection.scalars(select(table.c.closed).where(table.c.id == name)).one_or_none()
        if closed is None:
            raise ContentNotAsCommitted("content_key")
        try:
            return context.vault.open(closed, name)
        except VaultNotOpened as error:
            raise ContentNotAsCommitted("content_key") from error

    return open_body(read_header(header), sealed_body, unseal)


def close_unsealed(context: Context, envelope_id: bytes, payload: bytes) -> bytes:
    """A payload that cannot be sealed yet, as it lies in the tables until then."""
    return context.vault.close(payload, envelope_id, context.random_bytes(NONCE_BYTES))


def open_unsealed(context: Context, envelope_id: bytes, closed: bytes) -> bytes:
    """Raises VaultNotOpened."""
    return context.vault.open(closed, envelope_id)


def _name(sealed_key: bytes) -> bytes:
    return sha256(sealed_key).digest()
