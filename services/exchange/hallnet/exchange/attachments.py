"""Materials that come: put together from their chunks, checked, handed to the service that keeps them.

A chunk costs the same whether it is the first or the last of a gigabyte. The digest of the whole is taken
outside of any transaction that writes, so that no case waits for it; until then the material is not told
to anybody. Once the service that keeps materials has it, its bytes are dropped here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Row, delete, func, insert, select, update

from hallnet.codec.codec import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.incidents import record_incident
from hallnet.federation import chunks, limits
from hallnet.federation.problems import AttachmentMalformed, AttachmentSpoiled
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.wire.exchange.v1 import attachment_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

CHUNK_KIND = "attachment.chunk"
HERE = "ATTACHMENT_HERE"
"""Reason of an accepting receipt: the recipient has the material, no more of it need come."""
DIGEST_BYTES = 32
CHUNKS_AT_ONCE = 16
"""How many chunks are read or removed in one transaction."""


class State(IntEnum):
    """Where a copy of a material is that comes from one sender."""

    COMING = 1
    WHOLE = 2
    """All bytes are here; whether they are the right ones is not known yet."""
    USABLE = 3
    TAKEN = 4
    """The service that keeps materials has it; the bytes here go."""
    KEPT = 5
    """That service has it, and nothing of it is here but this."""
    SPOILED = 6
    """The bytes were wrong, or nothing more came: they go, and the copy with them."""
    SURPLUS = 7
    """It is here from another sender: the bytes of this copy go."""
    KNOWN = 8
    """What is left of such a copy: the sender may hear that no more is needed."""


_HERE = (State.USABLE, State.TAKEN, State.KEPT)
_AFTER_DROPPING = {State.TAKEN: State.KEPT, State.SURPLUS: State.KNOWN}


def take_chunk(
    connection: Connection, sender: Address, subject: str, payload: bytes, now: datetime
) -> str:
    """Keep a chunk; returns the reason for the receipt, HERE or none.

    Raises AttachmentMalformed or AttachmentSpoiled.
    """
    chunk = _read_chunk(payload)
    named = chunk.attachment
    first_digest = hashlib.sha256(chunk.data).digest() if chunk.offset == 0 else None
    mine, here = _copies(connection, named.digest, sender)
    if here is not None:
        # Who only knows the digest learns nothing: it has to show what the material begins with.
        shown = first_digest or (mine.first_digest if mine is not None else None)
        return HERE if shown == here.first_digest else ""
    if mine is None:
        _begin(connection, sender, subject, named, now)
    elif mine.size != named.size:
        raise AttachmentMalformed("chunk.attachment.size", detail="size")
    elif mine.state == State.SPOILED:
        raise AttachmentSpoiled("chunk")
    _keep(connection, sender, chunk, first_digest, now)
    return ""


def _read_chunk(payload: bytes) -> wire.AttachmentChunk:
    try:
        chunk = wire.AttachmentChunk.FromString(payload)
    except DecodeError as error:
        raise AttachmentMalformed("chunk", detail="DecodeError") from error
    if len(chunk.attachment.digest) != DIGEST_BYTES:
        raise AttachmentMalformed("chunk.attachment.digest", detail="digest")
    if not chunks.is_right(chunk.attachment.size, chunk.offset, len(chunk.data)):
        raise AttachmentMalformed("chunk", detail="offset, size")
    return chunk


def _copies(
    connection: Connection, digest: bytes, sender: Address
) -> tuple[Row[Any] | None, Row[Any] | None]:
    """The copy of a sender, and the one that can be used, if any."""
    table = tables.attachment
    rows = connection.execute(select(table).where(table.c.digest == digest)).all()
    mine = next((row for row in rows if row.sender == str(sender)), None)
    here = next((row for row in rows if row.state in _HERE), None)
    return mine, here


def _begin(
    connection: Connection, sender: Address, subject: str, named: wire.Attachment, now: datetime
) -> None:
    connection.execute(
        insert(tables.attachment).values(
            digest=named.digest,
            sender=str(sender),
            subject=subject,
            size=named.size,
            received=0,
            state=State.COMING,
            changed_at=now,
        )
    )


def _keep(
    connection: Connection,
    sender: Address,
    chunk: wire.AttachmentChunk,
    first_digest: bytes | None,
    now: datetime,
) -> None:
    table, digest = tables.attachment, chunk.attachment.digest
    pieces = tables.attachment_chunk
    piece = upsert(connection, pieces).values(
        digest=digest, sender=str(sender), offset=chunk.offset, data=chunk.data
    )
    fresh = connection.execute(piece.on_conflict_do_nothing().returning(pieces.c.offset)).first()
    if fresh is None:
        return
    this = (table.c.digest == digest) & (table.c.sender == str(sender))
    values: dict[str, Any] = {"received": table.c.received + len(chunk.data), "changed_at": now}
    if first_digest is not None:
        values["first_digest"] = first_digest
    received = connection.execute(
        update(table).where(this).values(**values).returning(table.c.received)
    ).scalar_one()
    # Each chunk has the one length that it can have, so the sum is right only when all are here.
    if received == chunk.attachment.size:
        connection.execute(update(table).where(this).values(state=State.WHOLE))


@dataclass(slots=True)
class Check:
    """Takes the digest of a copy, some chunks at a time."""

    digest: bytes
    sender: str
    subject: str
    size: int
    _offset: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def step(self, connection: Connection) -> bool:
        """Read on; True at the end."""
        for piece in _pieces(connection, self.digest, self.sender, self._offset):
            self._hash.update(piece)
            self._offset += max(len(piece), 1)
        return self._offset >= self.size

    def end(self, connection: Connection, context: Context, now: datetime) -> list[Entry]:
        """Say what was found; returns the entries for the feed: that it arrived, or an incident."""
        table = tables.attachment
        this = (table.c.digest == self.digest) & (table.c.sender == self.sender)
        whole = this & (table.c.state == State.WHOLE)
        is_right = self._hash.digest() == self.digest
        state = State.USABLE if is_right else State.SPOILED
        changed = connection.execute(
            update(table).where(whole).values(state=state, changed_at=now)
        ).rowcount
        if not changed:
            return []
        if not is_right:
            incident = wire_trust.Incident(
                reason=AttachmentSpoiled.reason,
                neighbour=self.sender,
                digest=self.digest,
                at=to_timestamp(now),
                claimed_from=self.sender,
            )
            return record_incident(connection, context, incident, now)
        # What others sent under the same digest is not needed any more, right or wrong.
        others = (table.c.digest == self.digest) & (table.c.sender != self.sender)
        connection.execute(update(table).where(others).values(state=State.SURPLUS))
        arrived = wire_feed.AttachmentArrived(
            attachment=wire.Attachment(digest=self.digest, size=self.size), sender=self.sender
        )
        return [Entry("attachment.arrived", self.subject, arrived.SerializeToString(), now)]


def next_check(connection: Connection) -> Check | None:
    """A copy that is whole and was not looked at yet."""
    table = tables.attachment
    row = connection.execute(
        select(table).where(table.c.state == State.WHOLE).order_by(table.c.changed_at).limit(1)
    ).one_or_none()
    return None if row is None else Check(row.digest, row.sender, row.subject, row.size)


def read(connection: Connection, digest: bytes, offset: int) -> list[bytes] | None:
    """The next pieces of a material from an offset, empty at its end; None if it cannot be read here."""
    table = tables.attachment
    row = connection.execute(
        select(table.c.sender).where(table.c.digest == digest, table.c.state == State.USABLE)
    ).one_or_none()
    if row is None:
        return None
    step = limits.ATTACHMENT_CHUNK_BYTES
    skipped = offset % step
    pieces = _pieces(connection, digest, row.sender, offset - skipped)
    return [pieces[0][skipped:], *pieces[1:]] if pieces else []


def release(connection: Connection, digest: bytes, now: datetime) -> None:
    """The service that keeps materials has it: its bytes may go."""
    table = tables.attachment
    usable = (table.c.digest == digest) & (table.c.state == State.USABLE)
    connection.execute(update(table).where(usable).values(state=State.TAKEN, changed_at=now))


def has_to_drop(connection: Connection) -> bool:
    """Whether there are bytes that are not needed any more."""
    return _to_drop(connection) is not None


def drop_some(connection: Connection) -> None:
    """Remove some of the bytes that are not needed any more."""
    table, pieces = tables.attachment, tables.attachment_chunk
    row = _to_drop(connection)
    if row is None:
        return
    of_copy = (pieces.c.digest == row.digest) & (pieces.c.sender == row.sender)
    offsets = connection.scalars(
        select(pieces.c.offset).where(of_copy).order_by(pieces.c.offset).limit(CHUNKS_AT_ONCE)
    ).all()
    if offsets:
        connection.execute(delete(pieces).where(of_copy, pieces.c.offset.in_(offsets)))
        return
    this = (table.c.digest == row.digest) & (table.c.sender == row.sender)
    if row.state == State.SPOILED:
        connection.execute(delete(table).where(this))
    else:
        connection.execute(update(table).where(this).values(state=_AFTER_DROPPING[row.state]))


def _to_drop(connection: Connection) -> Row[Any] | None:
    table = tables.attachment
    states = (*_AFTER_DROPPING, State.SPOILED)
    return connection.execute(select(table).where(table.c.state.in_(states)).limit(1)).one_or_none()


def give_up_old(connection: Connection, now: datetime) -> None:
    """Copies of which nothing came for longer than an envelope lives will not become whole."""
    table = tables.attachment
    old = (table.c.state == State.COMING) & (table.c.changed_at < now - limits.LIFETIME)
    connection.execute(update(table).where(old).values(state=State.SPOILED))


def bytes_to_hand_over(connection: Connection) -> int:
    """Bytes here for which the service that keeps materials will need as much room again."""
    table = tables.attachment
    query = select(func.coalesce(func.sum(table.c.received), 0)).where(
        table.c.state.in_((State.COMING, State.WHOLE, State.USABLE))
    )
    return int(connection.execute(query).scalar_one())


def coming(connection: Connection, digests: Sequence[bytes], limit: int) -> Sequence[Row[Any]]:
    """Copies that are not usable yet, the longest under way first."""
    table = tables.attachment
    query = select(table).where(table.c.state.in_((State.COMING, State.WHOLE)))
    if digests:
        query = query.where(table.c.digest.in_(digests))
    return connection.execute(query.order_by(table.c.changed_at).limit(limit)).all()


def count_coming(connection: Connection) -> int:
    table = tables.attachment
    query = select(func.count()).where(table.c.state.in_((State.COMING, State.WHOLE)))
    return connection.execute(query).scalar_one()


def is_from(connection: Connection, digest: bytes, hall: Address) -> bool:
    """Whether a hall has the material for sure: it came from there."""
    mine, _ = _copies(connection, digest, hall)
    return mine is not None and mine.state in _HERE


def _pieces(connection: Connection, digest: bytes, sender: str, offset: int) -> Sequence[bytes]:
    pieces = tables.attachment_chunk
    query = (
        select(pieces.c.data)
        .where(pieces.c.digest == digest, pieces.c.sender == sender, pieces.c.offset >= offset)
        .order_by(pieces.c.offset)
        .limit(CHUNKS_AT_ONCE)
    )
    return connection.scalars(query).all()
