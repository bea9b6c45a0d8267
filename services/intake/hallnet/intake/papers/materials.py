"""Materials: papers and files, stored once under the digest of their bytes.

What is large comes in and goes out in slices, each in a transaction of its own; a material counts as here
only once all of it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from hallnet.case.person import Material
from hallnet.case.problems import MaterialEmpty, MaterialNotUploaded, MaterialTooLarge
from hallnet.federation import limits
from hallnet.intake import tables
from hallnet.store import Connection
from hallnet.store.gathering import read_once
from hallnet.store.upsert import upsert

CHUNK_BYTES = 256 * 1024
SLICE_CHUNKS = 8
SLICE_BYTES = SLICE_CHUNKS * CHUNK_BYTES
"""What is read or written in one transaction, and held in memory."""
MATERIAL_BYTES_MAX = limits.ATTACHMENT_BYTES_MAX
ARRIVALS_MAX = 20
UPLOAD_KEPT_FOR = timedelta(days=1)
"""After that, an upload that broke off is removed."""
_MEGABYTE = 1024 * 1024

_SIZES = select(tables.material.c.digest, tables.material.c.size).where(
    tables.material.c.digest.in_(bindparam("of_digests", expanding=True)),
    tables.material.c.complete,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A material that the exchange has."""

    digest: bytes
    size: int


def require_size(size: int) -> None:
    """Raises MaterialTooLarge; called while the bytes still come in."""
    if size > MATERIAL_BYTES_MAX:
        raise MaterialTooLarge("data", limit_mb=MATERIAL_BYTES_MAX // _MEGABYTE)


def store(connection: Connection, data: bytes, media_type: str, now: datetime) -> bytes:
    """Keep bytes of no more than a slice; returns their digest. Raises MaterialEmpty."""
    if not data:
        raise MaterialEmpty("data")
    digest = hashlib.sha256(data).digest()
    begin(connection, digest, len(data), media_type, now)
    add(connection, digest, 0, data)
    finish(connection, digest)
    return digest


def begin(connection: Connection, digest: bytes, size: int, media_type: str, now: datetime) -> None:
    """A material is about to come in, or goes on to."""
    statement = upsert(connection, tables.material).values(
        digest=digest, size=size, media_type=media_type, stored_at=now, complete=False
    )
    connection.execute(statement.on_conflict_do_nothing())


def add(connection: Connection, digest: bytes, offset: int, data: bytes) -> None:
    """Keep a slice that begins at an offset, a multiple of CHUNK_BYTES; again has no effect."""
    first = offset // CHUNK_BYTES
    rows = [
        {"digest": digest, "sequence": first + n, "data": data[at : at + CHUNK_BYTES]}
        for n, at in enumerate(range(0, len(data), CHUNK_BYTES))
    ]
    if rows:
        statement = upsert(connection, tables.material_chunk)
        # What a slice that broke off left behind may be shorter.
        longer = statement.on_conflict_do_update(
            index_elements=["digest", "sequence"], set_={"data": statement.excluded.data}
        )
        connection.execute(longer, rows)


def finish(connection: Connection, digest: bytes) -> None:
    """All of a material is here: it may be used."""
    table = tables.material
    connection.execute(update(table).where(table.c.digest == digest).values(complete=True))


def discard(connection: Connection, digest: bytes) -> None:
    """What came of a material was wrong: nothing of it stays."""
    table, pieces = tables.material, tables.material_chunk
    connection.execute(delete(table).where(table.c.digest == digest, ~table.c.complete))
    gone = ~select(table.c.digest).where(table.c.digest == digest).exists()
    connection.execute(delete(pieces).where(pieces.c.digest == digest, gone))


def discard_old(connection: Connection, now: datetime) -> None:
    """Remove one upload that broke off long ago; what the exchange still has goes on instead."""
    table, waiting = tables.material, tables.material_arrival
    digest = connection.scalars(
        select(table.c.digest)
        .where(
            ~table.c.complete,
            table.c.stored_at < now - UPLOAD_KEPT_FOR,
            table.c.digest.not_in(select(waiting.c.digest)),
        )
        .limit(1)
    ).one_or_none()
    if digest is not None:
        discard(connection, digest)


def read(connection: Connection, digest: bytes, offset: int = 0, length: int = 0) -> bytes:
    """Bytes from an offset, no more than a slice, and than `length` if that is not 0; empty at the end.

    Raises MaterialNotUploaded.
    """
    if not is_here(connection, digest):
        raise MaterialNotUploaded("digest", material=digest.hex()[:16])
    skipped = offset % CHUNK_BYTES
    data = _slice(connection, digest, offset // CHUNK_BYTES)[skipped:]
    return data[:length] if length else data


@dataclass(slots=True)
class Rest:
    """What is still to be read of a material."""

    digest: bytes
    offset: int
    length: int
    """In bytes; 0 for all that follow."""
    is_read: bool = False

    def next(self, connection: Connection) -> bytes:
        """The next slice, empty at the end; raises MaterialNotUploaded."""
        data = read(connection, self.digest, self.offset, self.length)
        self.offset += len(data)
        if self.length:
            self.length -= len(data)
            self.is_read = self.length == 0
        return data


def _slice(connection: Connection, digest: bytes, first: int) -> bytes:
    table = tables.material_chunk
    query = (
        select(table.c.data)
        .where(
            table.c.digest == digest,
            table.c.sequence >= first,
            table.c.sequence < first + SLICE_CHUNKS,
        )
        .order_by(table.c.sequence)
    )
    return b"".join(connection.scalars(query))


@dataclass(slots=True)
class Fetching:
    """A material that is fetched from the exchange, slice by slice, from where it was left."""

    arrival: Arrival
    offset: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def resume(self, connection: Connection) -> bool:
        """Read on what is here already; True once all of that is read."""
        data = _slice(connection, self.arrival.digest, self.offset // CHUNK_BYTES)
        is_end = self.offset + len(data) == self.arrival.size
        # A chunk that is not the last is whole, or a slice broke off in it.
        whole = len(data) if is_end else len(data) - len(data) % CHUNK_BYTES
        self._hash.update(data[:whole])
        self.offset += whole
        return whole < SLICE_BYTES

    def add(self, connection: Connection, data: bytes) -> None:
        """Keep the next slice."""
        add(connection, self.arrival.digest, self.offset, data)

    def added(self, data: bytes) -> None:
        """The slice was committed."""
        self._hash.update(data)
        self.offset += len(data)

    def end(self, connection: Connection) -> bool:
        """Whether it is the right material; a wrong one does not stay."""
        is_right = bool(self._hash.digest() == self.arrival.digest)
        if is_right:
            finish(connection, self.arrival.digest)
        else:
            discard(connection, self.arrival.digest)
        return is_right


def is_begun(connection: Connection, digest: bytes) -> bool:
    """Whether a material is stored here or on its way in."""
    table = tables.material
    return (
        connection.execute(select(table.c.digest).where(table.c.digest == digest)).first()
        is not None
    )


def is_here(connection: Connection, digest: bytes) -> bool:
    return bool(here(connection, [digest]))


def here(connection: Connection, digests: Sequence[bytes]) -> set[bytes]:
    """Which of the materials are stored at this hall."""
    return set(sizes(connection, digests))


def sizes(connection: Connection, digests: Sequence[bytes]) -> dict[bytes, int]:
    """The lengths in bytes of those of the materials that are stored at this hall."""

    def read() -> dict[bytes, int]:
        rows = connection.execute(_SIZES, {"of_digests": digests})
        return {row.digest: row.size for row in rows}

    return read_once(("materials", *sorted(digests)), read) if digests else {}


def require_here(connection: Connection, materials: Iterable[Material], where: str) -> None:
    """Raises MaterialNotUploaded."""
    wanted = list(materials)
    stored = sizes(connection, [material.digest for material in wanted])
    for material in wanted:
        if material.digest not in stored or material.size != stored[material.digest]:
            raise MaterialNotUploaded(where, material=material.name)


def note_arrival(connection: Connection, digest: bytes, size: int) -> None:
    """The exchange has a material; it is fetched soon, or is here already and may go there."""
    statement = upsert(connection, tables.material_arrival).values(digest=digest, size=size)
    connection.execute(statement.on_conflict_do_nothing())


_ARRIVALS = select(tables.material_arrival).limit(ARRIVALS_MAX)


def arrivals(connection: Connection) -> list[Arrival]:
    return [Arrival(row.digest, row.size) for row in connection.execute(_ARRIVALS)]


def released(connection: Connection, digest: bytes) -> None:
    """The exchange knows that the material is kept here."""
    table = tables.material_arrival
    connection.execute(delete(table).where(table.c.digest == digest))
