"""Materials that come: put together from their chunks, checked, handed to the service that keeps them.

A chunk costs the same whether it is the first or the last of a gigabyte. The digest of the whole is taken
outside of any transaction that writes, so that no case waits for it; until then the material is not told
to anybody. Once the service that keeps materials has it, its bytes are dropped here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
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
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
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


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk as it came."""

    sender: Address
    subject: str
    payload: bytes


@dataclass(slots=True)
class _Copy:
    """What is known of a material from one sender, and what a transaction adds to it."""

    sender: str
    size: int
    state: State
    first_digest: bytes | None
    bytes_added: int = 0
    is_new: bool = False
    subject: str = ""


def take_chunks(
    connection: Connection, pieces: Sequence[Piece], now: datetime
) -> list[str | Problem]:
    """Keep chunks, together; returns for each the reason for the receipt, HERE or none.

    What is refused is answered with the problem: AttachmentMalformed or AttachmentSpoiled.
    """
    read = [_read_chunk(piece.payload) for piece in pieces]
    taking = _TakingChunks(
        connection,
        [
            (str(piece.sender), chunk)
            for piece, chunk in zip(pieces, read, strict=True)
            if not isinstance(chunk, Problem)
        ],
    )
    answers = [
        chunk if isinstance(chunk, Problem) else taking.take(piece, chunk)
        for piece, chunk in zip(pieces, read, strict=True)
    ]
    taking.write(now)
    return answers


class _TakingChunks:
    """Chunks of one transaction: a look at what is known of all of them, and one writing of all."""

    def __init__(
        self, connection: Connection, chunks: Sequence[tuple[str, wire.AttachmentChunk]]
    ) -> None:
        self._connection = connection
        digests = {chunk.attachment.digest for _, chunk in chunks}
        self._copies: dict[tuple[bytes, str], _Copy] = {}
        self._here: dict[bytes, bytes | None] = {}
        """First digests of materials that can be used."""
        for row in _copies(connection, digests):
            self._copies[row.digest, row.sender] = _Copy(
                row.sender, row.size, State(row.state), row.first_digest
            )
            if row.state in _HERE:
                self._here[row.digest] = row.first_digest
        self._kept = _offsets_kept(connection, chunks)
        self._fresh: list[dict[str, object]] = []

    def take(self, piece: Piece, chunk: wire.AttachmentChunk) -> str | Problem:
        named, sender = chunk.attachment, str(piece.sender)
        first_digest = hashlib.sha256(chunk.data).digest() if chunk.offset == 0 else None
        mine = self._copies.get((named.digest, sender))
        if named.digest in self._here:
            # Who only knows the digest learns nothing: it has to show what the material begins with.
            shown = first_digest or (mine.first_digest if mine is not None else None)
            return HERE if shown == self._here[named.digest] else ""
        if mine is None:
            mine = _Copy(sender, named.size, State.COMING, None, is_new=True, subject=piece.subject)
            self._copies[named.digest, sender] = mine
        elif mine.size != named.size:
            return AttachmentMalformed("chunk.attachment.size", detail="size")
        elif mine.state is State.SPOILED:
            return AttachmentSpoiled("chunk")
        place = named.digest, sender, chunk.offset
        if place not in self._kept:
            self._kept.add(place)
            self._fresh.append(
                {
                    "digest": named.digest,
                    "sender": sender,
                    "offset": chunk.offset,
                    "data": chunk.data,
                }
            )
            mine.bytes_added += len(chunk.data)
            mine.first_digest = first_digest or mine.first_digest
            # An empty material is whole with its one empty chunk.
            mine.state = mine.state if mine.bytes_added else State.WHOLE
        return ""

    def write(self, now: datetime) -> None:
        connection = self._connection
        new = [
            {
                "digest": digest,
                "sender": copy.sender,
                "subject": copy.subject,
                "size": copy.size,
                "received": 0,
                "state": copy.state,
                "first_digest": copy.first_digest,
                "changed_at": now,
            }
            for (digest, _), copy in self._copies.items()
            if copy.is_new
        ]
        if new:
            connection.execute(insert(tables.attachment), new)
        if self._fresh:
            connection.execute(insert(tables.attachment_chunk), self._fresh)
        for (digest, _), copy in self._copies.items():
            if copy.bytes_added:
                _add(connection, digest, copy, now)


def _add(connection: Connection, digest: bytes, copy: _Copy, now: datetime) -> None:
    """Count what was added to a copy; each chunk has the one length that it can have, so the sum is
    right only when all are here."""
    table = tables.attachment
    this = (table.c.digest == digest) & (table.c.sender == copy.sender)
    values: dict[str, Any] = {"received": table.c.received + copy.bytes_added, "changed_at": now}
    if copy.first_digest is not None:
        values["first_digest"] = copy.first_digest
    received = connection.execute(
        update(table).where(this).values(**values).returning(table.c.received)
    ).scalar_one()
    if received == copy.size:
        connection.execute(update(table).where(this).values(state=State.WHOLE))


def _read_chunk(payload: bytes) -> wire.AttachmentChunk | Problem:
    try:
        chunk = wire.AttachmentChunk.FromString(payload)
    except DecodeError:
        return AttachmentMalformed("chunk", detail="DecodeError")
    if len(chunk.attachment.digest) != DIGEST_BYTES:
        return AttachmentMalformed("chunk.attachment.digest", detail="digest")
    if not chunks.is_right(chunk.attachment.size, chunk.offset, len(chunk.data)):
        return AttachmentMalformed("chunk", detail="offset, size")
    return chunk


def _copies(connection: Connection, digests: Collection[bytes]) -> Sequence[Row[Any]]:
    if not digests:
        return []
    table = tables.attachment
    return connection.execute(select(table).where(table.c.digest.in_(digests))).all()


def _offsets_kept(
    connection: Connection, chunks: Sequence[tuple[str, wire.AttachmentChunk]]
) -> set[tuple[bytes, str, int]]:
    """Which of these chunks are here already."""
    if not chunks:
        return set()
    table = tables.attachment_chunk
    query = select(table.c.digest, table.c.sender, table.c.offset).where(
        table.c.digest.in_({chunk.attachment.digest for _, chunk in chunks}),
        table.c.sender.in_({sender for sender, _ in chunks}),
        table.c.offset.in_({chunk.offset for _, chunk in chunks}),
    )
    return {(row.digest, row.sender, row.offset) for row in connection.execute(query)}


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
    copies = _copies(connection, [digest])
    return any(copy.sender == str(hall) and copy.state in _HERE for copy in copies)


def _pieces(connection: Connection, digest: bytes, sender: str, offset: int) -> Sequence[bytes]:
    pieces = tables.attachment_chunk
    query = (
        select(pieces.c.data)
        .where(pieces.c.digest == digest, pieces.c.sender == sender, pieces.c.offset >= offset)
        .order_by(pieces.c.offset)
        .limit(CHUNKS_AT_ONCE)
    )
    return connection.scalars(query).all()
