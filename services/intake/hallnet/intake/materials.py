"""Materials: papers and files, stored once under the digest of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from hallnet.case.person import Material
from hallnet.case.problems import MaterialEmpty, MaterialNotUploaded, MaterialTooLarge
from hallnet.intake import tables
from hallnet.store import Connection
from hallnet.store.upsert import upsert

CHUNK_BYTES = 256 * 1024
MATERIAL_BYTES_MAX = 20 * 1024 * 1024
ARRIVALS_MAX = 20
_MEGABYTE = 1024 * 1024


def require_size(size: int) -> None:
    """Raises MaterialTooLarge; called while the bytes still come in."""
    if size > MATERIAL_BYTES_MAX:
        raise MaterialTooLarge("data", limit_mb=MATERIAL_BYTES_MAX // _MEGABYTE)


def store(connection: Connection, data: bytes, media_type: str, now: datetime) -> bytes:
    """Keep bytes; returns their digest. Raises MaterialEmpty or MaterialTooLarge."""
    if not data:
        raise MaterialEmpty("data")
    require_size(len(data))
    digest = hashlib.sha256(data).digest()
    if not is_here(connection, digest):
        connection.execute(
            insert(tables.material).values(
                digest=digest, size=len(data), media_type=media_type, stored_at=now
            )
        )
        connection.execute(
            insert(tables.material_chunk),
            [
                {"digest": digest, "sequence": n, "data": data[at : at + CHUNK_BYTES]}
                for n, at in enumerate(range(0, len(data), CHUNK_BYTES))
            ],
        )
    connection.execute(
        delete(tables.material_arrival).where(tables.material_arrival.c.digest == digest)
    )
    return digest


def read(connection: Connection, digest: bytes) -> list[bytes]:
    """The bytes in pieces; raises MaterialNotUploaded."""
    table = tables.material_chunk
    pieces = list(
        connection.scalars(
            select(table.c.data).where(table.c.digest == digest).order_by(table.c.sequence)
        )
    )
    if not pieces:
        raise MaterialNotUploaded("digest", material=digest.hex()[:16])
    return pieces


def is_here(connection: Connection, digest: bytes) -> bool:
    return bool(here(connection, [digest]))


def here(connection: Connection, digests: Sequence[bytes]) -> set[bytes]:
    """Which of the materials are stored at this hall."""
    table = tables.material
    return set(connection.scalars(select(table.c.digest).where(table.c.digest.in_(digests))))


def require_here(connection: Connection, materials: Iterable[Material], where: str) -> None:
    """Raises MaterialNotUploaded."""
    wanted = list(materials)
    stored = here(connection, [material.digest for material in wanted])
    for material in wanted:
        if material.digest not in stored:
            raise MaterialNotUploaded(where, material=material.name)


def note_arrival(connection: Connection, digest: bytes, size: int) -> None:
    """The exchange has a material; it is fetched soon."""
    if not is_here(connection, digest):
        statement = upsert(connection, tables.material_arrival).values(digest=digest, size=size)
        connection.execute(statement.on_conflict_do_nothing())


def arrivals(connection: Connection) -> list[bytes]:
    return list(connection.scalars(select(tables.material_arrival.c.digest).limit(ARRIVALS_MAX)))
