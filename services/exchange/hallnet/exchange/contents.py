"""What was in envelopes: bodies lie as they travelled, and the keys to them in a closed column.

Nothing that a villager wrote lies open in the tables of the exchange, and nothing is sealed twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import select

from hallnet.exchange import tables
from hallnet.store import Connection
from hallnet.store.upsert import Upsert
from hallnet.trust.envelope import Content, open_body, read_header
from hallnet.trust.problems import ContentNotAsCommitted
from hallnet.wire.exchange.v1 import envelope_pb2 as wire

_KEEP = Upsert(
    tables.content_key,
    lambda key: key.on_conflict_do_update(
        index_elements=["id"], set_={"uses": tables.content_key.c.uses + key.excluded.uses}
    ),
)


def keep_keys(connection: Connection, keys: Mapping[bytes, bytes], uses: Counter[bytes]) -> None:
    """Keep content keys by what they were sealed as; `uses` says how many kept bodies each opens."""
    rows = [
        {"id": sha256(sealed).digest(), "key": keys[sealed], "uses": count}
        for sealed, count in uses.items()
    ]
    if rows:
        connection.execute(_KEEP.on(connection), rows)


def sealed_key_of(sealed_body: bytes) -> bytes:
    """What the content key of a body was sealed as."""
    return wire.SealedBody.FromString(sealed_body).sealed_key


def key_of(sealed_body: bytes) -> bytes:
    """By which name the key of a body that was kept lies here."""
    return sha256(sealed_key_of(sealed_body)).digest()


def opened(connection: Connection, header: bytes, sealed_body: bytes) -> Content:
    """The content of an envelope that this hall sent or received; raises ContentNotAsCommitted."""
    return open_body(
        read_header(header), sealed_body, lambda sealed: _key(connection, sha256(sealed).digest())
    )


def content_key_of(connection: Connection, sealed_body: bytes) -> bytes:
    """The key to a body that was kept; raises ContentNotAsCommitted if it is not here."""
    return _key(connection, key_of(sealed_body))


def _key(connection: Connection, name: bytes) -> bytes:
    table = tables.content_key
    key: bytes | None = connection.scalars(
        select(table.c.key).where(table.c.id == name)
    ).one_or_none()
    if key is None:
        raise ContentNotAsCommitted("content_key")
    return key
