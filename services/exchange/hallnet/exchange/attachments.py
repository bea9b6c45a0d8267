"""Materials on their way: cut into chunks that travel as envelopes, put together at the other end.

A material goes to a recipient once, however many messages name it. It is usable only when it is
complete and its bytes have the digest by which it is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError
from sqlalchemy import delete, func, select, update

from hallnet.exchange import tables
from hallnet.exchange.outgoing import Wish
from hallnet.federation import limits
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.store.vault import CLOSING_BYTES
from hallnet.trust.envelope import Urgency
from hallnet.wire.exchange.v1 import attachment_pb2 as wire
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

CHUNK_KIND = "attachment.chunk"
WISHES_MAX = 20


@dataclass(frozen=True, slots=True)
class AttachmentWish:
    """A material that is to be fetched from a service of this node and sent."""

    digest: bytes
    recipient: Address
    size: int
    subject: str


def wish_for(connection: Connection, wishes: Iterable[AttachmentWish]) -> None:
    """Remember what is to be sent; what a recipient has been sent already is not sent again."""
    rows = [
        {
            "digest": wish.digest,
            "recipient": str(wish.recipient),
            "size": wish.size,
            "subject": wish.subject,
            "done": False,
        }
        for wish in wishes
        if wish.size <= limits.ATTACHMENT_BYTES_MAX
    ]
    if rows:
        statement = upsert(connection, tables.attachment_wish)
        connection.execute(statement.on_conflict_do_nothing(), rows)


def open_wishes(connection: Connection) -> list[AttachmentWish]:
    table = tables.attachment_wish
    rows = connection.execute(select(table).where(~table.c.done).limit(WISHES_MAX))
    return [
        AttachmentWish(row.digest, Address.parse(row.recipient), row.size, row.subject)
        for row in rows
    ]


def fulfil(connection: Connection, wish: AttachmentWish) -> None:
    table = tables.attachment_wish
    connection.execute(
        update(table)
        .where(table.c.digest == wish.digest, table.c.recipient == str(wish.recipient))
        .values(done=True)
    )


def chunks(wish: AttachmentWish, data: bytes) -> Sequence[Wish]:
    """The envelopes that carry a material."""
    step = limits.ATTACHMENT_CHUNK_BYTES
    named = wire.Attachment(digest=wish.digest, size=len(data))
    return [
        Wish(
            wish.recipient,
            CHUNK_KIND,
            wish.subject,
            Urgency.BULK,
            wire.AttachmentChunk(
                attachment=named, offset=offset, data=data[offset : offset + step]
            ).SerializeToString(),
        )
        for offset in range(0, max(len(data), 1), step)
    ]


def take_chunk(
    connection: Connection, sender: Address, subject: str, payload: bytes, now: datetime
) -> list[Entry]:
    """Keep a chunk; when the material is complete and right, tell the feed."""
    try:
        chunk = wire.AttachmentChunk.FromString(payload)
    except DecodeError:
        return []
    named = chunk.attachment
    fits = (
        len(named.digest) == 32
        and named.size <= limits.ATTACHMENT_BYTES_MAX
        and chunk.offset % limits.ATTACHMENT_CHUNK_BYTES == 0
        and chunk.offset + len(chunk.data) <= named.size
    )
    if not fits:
        return []
    if is_complete(connection, named.digest):
        return []
    table, pieces = tables.attachment, tables.attachment_chunk
    statement = upsert(connection, table).values(
        digest=named.digest, sender=str(sender), size=named.size, received=0, complete=False
    )
    connection.execute(statement.on_conflict_do_nothing())
    this = (table.c.digest == named.digest) & (table.c.sender == str(sender))
    if connection.execute(select(table.c.size).where(this)).scalar_one() != named.size:
        return []
    piece = upsert(connection, pieces).values(
        digest=named.digest, sender=str(sender), offset=chunk.offset, data=chunk.data
    )
    connection.execute(piece.on_conflict_do_nothing())
    from_sender = (pieces.c.digest == named.digest) & (pieces.c.sender == str(sender))
    closed, count = connection.execute(
        select(func.coalesce(func.sum(func.length(pieces.c.data)), 0), func.count()).where(
            from_sender
        )
    ).one()
    received = closed - count * CLOSING_BYTES
    if received < named.size:
        return []
    in_order = select(pieces.c.data).where(from_sender).order_by(pieces.c.offset)
    if hashlib.sha256(b"".join(connection.scalars(in_order))).digest() != named.digest:
        # The sender sent a wrong piece: what comes from it next begins anew.
        connection.execute(delete(pieces).where(from_sender))
        return []
    connection.execute(update(table).where(this).values(received=named.size, complete=True))
    # What others sent under the same digest is not needed any more, right or wrong.
    connection.execute(delete(pieces).where(pieces.c.digest == named.digest, ~from_sender))
    connection.execute(delete(table).where(table.c.digest == named.digest, ~this))
    arrived = wire_feed.AttachmentArrived(attachment=named, sender=str(sender))
    return [Entry("attachment.arrived", subject, arrived.SerializeToString(), now)]


def read(connection: Connection, digest: bytes) -> list[bytes]:
    """The pieces of a complete material in their order."""
    table, pieces = tables.attachment, tables.attachment_chunk
    query = (
        select(pieces.c.data)
        .join(table, (table.c.digest == pieces.c.digest) & (table.c.sender == pieces.c.sender))
        .where(table.c.digest == digest, table.c.complete)
        .order_by(pieces.c.offset)
    )
    return list(connection.scalars(query))


def is_complete(connection: Connection, digest: bytes) -> bool:
    table = tables.attachment
    query = select(table.c.digest).where(table.c.digest == digest, table.c.complete)
    return connection.execute(query).first() is not None
