"""Uploads that go on at any byte, over as many days and lines as it takes.

What has come lies apart from the materials, by account, so that nobody's bytes get among another's; it becomes a
material once all of it is there and its digest is right. Each transaction holds no more than a slice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from hallnet.case.problems import MaterialEmpty
from hallnet.intake import tables
from hallnet.intake.papers import materials
from hallnet.intake.papers.materials import CHUNK_BYTES, SLICE_BYTES, SLICE_CHUNKS
from hallnet.store import Connection, Database
from hallnet.store.room import Room, reusable_bytes
from hallnet.store.upsert import upsert
from hallnet.window.offline_problems import UploadDiffers, UploadsMany
from hallnet.wire.device.v1 import device_service_pb2 as wire

UPLOADS_MAX = 20
"""Uploads of an account that are under way."""
KEPT_FOR = timedelta(days=14)
"""After that an upload that broke off is removed."""
DATA_BYTES_MAX = CHUNK_BYTES
_DIGEST_BYTES = 32
_MEDIA_TYPE_CHARACTERS_MAX = 128

_upload, _chunk = tables.partial_upload, tables.partial_chunk


async def go_on(
    database: Database,
    request: wire.ContinueUploadRequest,
    room: Callable[[], Room],
    now: datetime,
) -> wire.ContinueUploadResponse:
    """Take the next bytes; raises MaterialEmpty, MaterialTooLarge, HallFull, UploadsMany, UploadDiffers."""
    size, digest, actor_id = request.size, request.digest, request.actor_id
    if not size or len(digest) != _DIGEST_BYTES:
        raise MaterialEmpty("data")
    materials.require_size(size)
    if await database.read(lambda c: materials.is_here(c, digest)):
        await database.write(lambda c: _forget(c, actor_id, digest))
        return wire.ContinueUploadResponse(received=size, complete=True)
    if request.data:
        room().require(size, await database.read(reusable_bytes))
    received = await database.write(lambda c: _take(c, request, now))
    if received != size:
        return wire.ContinueUploadResponse(received=received)
    await _complete(database, request, now)
    return wire.ContinueUploadResponse(received=size, complete=True)


def forget_old(connection: Connection, now: datetime) -> None:
    """Remove one upload that broke off long ago."""
    old = select(_upload).where(_upload.c.changed_at < now - KEPT_FOR).limit(1)
    row = connection.execute(old).one_or_none()
    if row is not None:
        _forget(connection, row.actor_id, row.digest)


def _take(connection: Connection, request: wire.ContinueUploadRequest, now: datetime) -> int:
    """How much is there afterwards."""
    row = _begun(connection, request, now)
    received: int = row.received
    skipped = received - request.offset
    if skipped < 0 or skipped >= len(request.data):
        return received
    room = row.size - received
    data = request.data[skipped : min(skipped + room, DATA_BYTES_MAX)]
    _append(connection, row, data)
    of_upload = (_upload.c.actor_id == row.actor_id) & (_upload.c.digest == row.digest)
    received += len(data)
    connection.execute(update(_upload).where(of_upload).values(received=received, changed_at=now))
    return received


def _begun(connection: Connection, request: wire.ContinueUploadRequest, now: datetime) -> Row[Any]:
    """The upload; one of another size under the same digest is begun anew, unless it is about to be checked."""
    row = _locked(connection, request.actor_id, request.digest)
    if row is not None and (row.size == request.size or row.received == row.size):
        return row
    if row is not None:
        _forget(connection, request.actor_id, request.digest)
    mine = select(func.count()).where(_upload.c.actor_id == request.actor_id)
    if connection.execute(mine).scalar_one() >= UPLOADS_MAX:
        raise UploadsMany(most=UPLOADS_MAX, days=KEPT_FOR.days)
    connection.execute(
        insert(_upload).values(
            actor_id=request.actor_id,
            digest=request.digest,
            size=request.size,
            media_type=request.media_type[:_MEDIA_TYPE_CHARACTERS_MAX],
            received=0,
            changed_at=now,
        )
    )
    begun = _locked(connection, request.actor_id, request.digest)
    assert begun is not None
    return begun


def _append(connection: Connection, row: Row[Any], data: bytes) -> None:
    """Put bytes behind those that are there: the last chunk is filled up, and the rest begins another."""
    first, filled = divmod(row.received, CHUNK_BYTES)
    if filled:
        of_chunk = _of(row.actor_id, row.digest) & (_chunk.c.sequence == first)
        there: bytes = connection.execute(select(_chunk.c.data).where(of_chunk)).scalar_one()
        data = there + data
    rows = [
        {
            "actor_id": row.actor_id,
            "digest": row.digest,
            "sequence": first + n,
            "data": data[at : at + CHUNK_BYTES],
        }
        for n, at in enumerate(range(0, len(data), CHUNK_BYTES))
    ]
    statement = upsert(connection, _chunk)
    longer = statement.on_conflict_do_update(
        index_elements=["actor_id", "digest", "sequence"], set_={"data": statement.excluded.data}
    )
    connection.execute(longer, rows)


async def _complete(database: Database, request: wire.ContinueUploadRequest, now: datetime) -> None:
    """Check the whole, then make a material of it; whatever breaks off is done again. Raises UploadDiffers."""
    actor_id, digest, size = request.actor_id, request.digest, request.size
    hashed = hashlib.sha256()
    for offset in range(0, size, SLICE_BYTES):
        hashed.update(await database.read(lambda c, o=offset: _slice(c, actor_id, digest, o)))  # type: ignore[misc]
    if hashed.digest() != digest:
        await database.write(lambda c: _forget(c, actor_id, digest))
        raise UploadDiffers("data")
    for offset in range(0, size, SLICE_BYTES):

        def keep(connection: Connection, offset: int = offset) -> None:
            # What was checked is copied, or nothing: another request may have ended it meanwhile.
            if _locked(connection, actor_id, digest) is None or materials.is_here(
                connection, digest
            ):
                return
            media_type = request.media_type[:_MEDIA_TYPE_CHARACTERS_MAX]
            materials.begin(connection, digest, size, media_type, now)
            data = _slice(connection, actor_id, digest, offset)
            materials.add(connection, digest, offset, data)
            if offset + SLICE_BYTES >= size:
                materials.finish(connection, digest)
                _forget(connection, actor_id, digest)

        await database.write(keep)


def _locked(connection: Connection, actor_id: str, digest: bytes) -> Row[Any] | None:
    of_upload = (_upload.c.actor_id == actor_id) & (_upload.c.digest == digest)
    return connection.execute(select(_upload).where(of_upload).with_for_update()).one_or_none()


def _slice(connection: Connection, actor_id: str, digest: bytes, offset: int) -> bytes:
    first = offset // CHUNK_BYTES
    of_slice = (_chunk.c.sequence >= first) & (_chunk.c.sequence < first + SLICE_CHUNKS)
    query = select(_chunk.c.data).where(_of(actor_id, digest), of_slice)
    return b"".join(connection.scalars(query.order_by(_chunk.c.sequence)))


def _forget(connection: Connection, actor_id: str, digest: bytes) -> None:
    connection.execute(delete(_chunk).where(_of(actor_id, digest)))
    of_upload = (_upload.c.actor_id == actor_id) & (_upload.c.digest == digest)
    connection.execute(delete(_upload).where(of_upload))


def _of(actor_id: str, digest: bytes) -> Any:
    return (_chunk.c.actor_id == actor_id) & (_chunk.c.digest == digest)
