"""Materials that come: put together from their chunks, checked, handed to the service that keeps them.

A chunk costs the same whether it is the first or the last of a gigabyte. The digest of the whole is taken
outside of any transaction that writes, so that no case waits for it; until then the material is not told
to anybody. Once the service that keeps materials has it, its bytes are dropped here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Row, bindparam, case, delete, func, insert, select, update

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.attachment_digests import CopyId, Kept, Running
from hallnet.exchange.context import Context
from hallnet.exchange.journal.incidents import record_incident
from hallnet.federation import chunks, limits
from hallnet.federation.problems import AttachmentMalformed, AttachmentSizeWrong, AttachmentSpoiled
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.rows import RowsStatement
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


_COPY, _CHUNK = tables.attachment.c, tables.attachment_chunk.c
_COPIES = select(tables.attachment).where(_COPY.digest.in_(bindparam("sought", expanding=True)))
_KEPT_BETWEEN = select(_CHUNK.offset).where(
    _CHUNK.digest == bindparam("of_digest"),
    _CHUNK.sender == bindparam("from_sender"),
    _CHUNK.offset.between(bindparam("first"), bindparam("last")),
)
_BEGIN = RowsStatement(insert(tables.attachment))
_KEEP = RowsStatement(insert(tables.attachment_chunk))
_received = _COPY.received + bindparam("added", type_=_COPY.received.type)
_COUNT = RowsStatement(
    update(tables.attachment)
    .where(_COPY.digest == bindparam("of_digest"), _COPY.sender == bindparam("from_sender"))
    .values(
        received=_received,
        # Each chunk has the one length that it can have: the sum is right only when all are here.
        state=case((_received == _COPY.size, int(State.WHOLE)), else_=_COPY.state),
        first_digest=func.coalesce(_COPY.first_digest, bindparam("begins")),
        changed_at=bindparam("now", type_=_COPY.changed_at.type),
    )
)
_TO_HAND_OVER = select(func.coalesce(func.sum(_COPY.received), 0)).where(
    _COPY.state.in_((State.COMING, State.WHOLE, State.USABLE))
)
_NEXT_CHECK = (
    select(tables.attachment).where(_COPY.state == State.WHOLE).order_by(_COPY.changed_at).limit(1)
)
_AFTER_DROPPING = {State.TAKEN: State.KEPT, State.SURPLUS: State.KNOWN}
_TO_DROP = (
    select(tables.attachment).where(_COPY.state.in_((*_AFTER_DROPPING, State.SPOILED))).limit(1)
)
"""Made once: they are asked with every batch."""
HERE_STATES = (State.USABLE, State.TAKEN, State.KEPT)
"""Of a copy whose bytes are right and at this hall."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk as it came."""

    sender: Address
    subject: str
    payload: bytes
    sealed_at: datetime
    """By the clock of the sender."""
    attached: bytes = b""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Chunks in a row of a material."""

    digest: bytes
    size: int
    offset: int
    data: bytes


@dataclass(slots=True)
class _Copy:
    """What is known of a material from one sender, and what a transaction adds to it."""

    id: CopyId
    size: int
    state: State
    first_digest: bytes | None
    bytes_added: int = 0
    begun_by: Piece | None = None
    """The chunk that came first, of one that is new."""


def take_chunks(
    connection: Connection, pieces: Sequence[Piece], now: datetime
) -> tuple[list[str | Problem], list[Kept]]:
    """Keep chunks, together; returns for each piece the reason for the receipt, HERE or none, and what is kept.

    What is refused is answered with the problem: AttachmentMalformed or AttachmentSpoiled.
    """
    read = [_read_chunk(piece) for piece in pieces]
    taking = _TakingChunks(
        connection,
        [
            (str(piece.sender), chunk)
            for piece, chunk in zip(pieces, read, strict=True)
            if not isinstance(chunk, Problem)
        ],
        now,
    )
    answers = [
        chunk if isinstance(chunk, Problem) else taking.take(piece, chunk)
        for piece, chunk in zip(pieces, read, strict=True)
    ]
    taking.write()
    return answers, taking.kept


class _TakingChunks:
    """Chunks of one transaction: a look at what is known of all of them, and one writing of all."""

    def __init__(
        self, connection: Connection, chunks: Sequence[tuple[str, _Chunk]], now: datetime
    ) -> None:
        self._connection = connection
        self._now = now
        digests = {chunk.digest for _, chunk in chunks}
        self._copies: dict[tuple[bytes, str], _Copy] = {}
        self._here: dict[bytes, bytes | None] = {}
        """First digests of materials that can be used."""
        for row in _copies(connection, digests):
            self._copies[row.digest, row.sender] = _Copy(
                _id_of(row), row.size, State(row.state), row.first_digest
            )
            if row.state in HERE_STATES:
                self._here[row.digest] = row.first_digest
        self._sent_there = self._sent_to_their_senders(chunks)
        self._kept = self._offsets_kept(chunks)
        self.kept: list[Kept] = []

    def take(self, piece: Piece, chunk: _Chunk) -> str | Problem:
        sender = str(piece.sender)
        first = chunk.data[: limits.ATTACHMENT_CHUNK_BYTES]
        first_digest = hashlib.sha256(first).digest() if chunk.offset == 0 else None
        mine = self._copies.get((chunk.digest, sender))
        if chunk.digest in self._here:
            # Who only knows the digest learns nothing: it has to show what the material begins with.
            shown = first_digest or (mine.first_digest if mine is not None else None)
            return HERE if shown == self._here[chunk.digest] else ""
        if mine is None and (chunk.digest, sender) in self._sent_there:
            return HERE
        if mine is None:
            begun = CopyId(chunk.digest, sender, self._now)
            mine = _Copy(begun, chunk.size, State.COMING, None, begun_by=piece)
            self._copies[chunk.digest, sender] = mine
        elif mine.size != chunk.size:
            return AttachmentMalformed("chunk.attachment.size", detail="size")
        elif mine.state is State.SPOILED:
            return AttachmentSpoiled("chunk")
        mine.first_digest = mine.first_digest or first_digest
        for offset, data in _split(chunk):
            place = chunk.digest, sender, offset
            if place not in self._kept:
                self._kept.add(place)
                self.kept.append(Kept(mine.id, offset, data))
                mine.bytes_added += len(data)
                # An empty material is whole with its one empty chunk.
                mine.state = mine.state if mine.bytes_added else State.WHOLE
        return ""

    def _sent_to_their_senders(
        self, chunks: Sequence[tuple[str, _Chunk]]
    ) -> set[tuple[bytes, str]]:
        """Of the materials that begin with these chunks those that this hall had sent to the very hall from which
        they come: it gives them back, for it does not know what is still here."""
        begin = {
            (chunk.digest, sender)
            for sender, chunk in chunks
            if chunk.offset == 0 and (chunk.digest, sender) not in self._copies
        }
        if not begin:
            return set()
        wish = tables.attachment_wish.c
        digests = {digest for digest, _ in begin}
        query = select(wish.digest, wish.recipient).where(
            wish.digest.in_(digests), (wish.answered > 0) | wish.done, wish.reason == ""
        )
        return {(row.digest, row.recipient) for row in self._connection.execute(query)} & begin

    def _offsets_kept(self, chunks: Sequence[tuple[str, _Chunk]]) -> set[tuple[bytes, str, int]]:
        """Which chunks are here already, between the first and the last of those of each copy."""
        offsets: defaultdict[tuple[bytes, str], list[int]] = defaultdict(list)
        for sender, chunk in chunks:
            place = chunk.digest, sender
            if place in self._copies:
                offsets[place] += _offsets(chunk)
        return {
            (digest, sender, offset)
            for (digest, sender), among in offsets.items()
            for offset in self._connection.scalars(
                _KEPT_BETWEEN,
                {
                    "of_digest": digest,
                    "from_sender": sender,
                    "first": min(among),
                    "last": max(among),
                },
            )
        }

    def write(self) -> None:
        now = self._now
        new, counted = [], []
        fresh = [
            {"digest": copy.digest, "sender": copy.sender, "offset": offset, "data": data}
            for copy, offset, data in self.kept
        ]
        for (digest, sender), copy in self._copies.items():
            if copy.begun_by is not None:
                new.append(
                    {
                        "digest": digest,
                        "sender": sender,
                        "subject": copy.begun_by.subject,
                        "size": copy.size,
                        "received": 0,
                        "state": copy.state,
                        "first_digest": copy.first_digest,
                        "began_at": copy.id.began_at,
                        "sealed_at": copy.begun_by.sealed_at,
                        "changed_at": now,
                    }
                )
            if copy.bytes_added:
                counted.append(
                    {
                        "of_digest": digest,
                        "from_sender": sender,
                        "added": copy.bytes_added,
                        "begins": copy.first_digest,
                        "now": now,
                    }
                )
        for statement, rows in ((_BEGIN, new), (_KEEP, fresh), (_COUNT, counted)):
            statement.execute(self._connection, rows)


def _read_chunk(piece: Piece) -> _Chunk | Problem:
    try:
        chunk = wire.AttachmentChunk.FromString(piece.payload)
    except DecodeError:
        return AttachmentMalformed("chunk", detail="DecodeError")
    if len(chunk.attachment.digest) != DIGEST_BYTES:
        return AttachmentMalformed("chunk.attachment.digest", detail="digest")
    data = chunk.data or piece.attached
    if not chunks.is_right(chunk.attachment.size, chunk.offset, len(data)):
        return AttachmentMalformed("chunk", detail="offset, size")
    return _Chunk(chunk.attachment.digest, chunk.attachment.size, chunk.offset, data)


def _offsets(chunk: _Chunk) -> range:
    """Where the chunks of a run begin."""
    end = chunk.offset + max(len(chunk.data), 1)
    return range(chunk.offset, end, limits.ATTACHMENT_CHUNK_BYTES)


def _split(chunk: _Chunk) -> list[tuple[int, bytes]]:
    """The chunks of a run, each with its offset: they are kept one by one, in whatever runs they come."""
    step, data = limits.ATTACHMENT_CHUNK_BYTES, chunk.data
    if len(data) <= step:
        return [(chunk.offset, data)]
    return [(chunk.offset + at, data[at : at + step]) for at in range(0, len(data), step)]


def _id_of(row: Row[Any]) -> CopyId:
    return CopyId(row.digest, row.sender, row.began_at)


def _copies(connection: Connection, digests: Collection[bytes]) -> Sequence[Row[Any]]:
    if not digests:
        return []
    return connection.execute(_COPIES, {"sought": list(digests)}).all()


@dataclass(slots=True)
class Check:
    """Takes the digest of a copy, some chunks at a time, from where it is already."""

    copy: CopyId
    subject: str
    size: int
    running: Running = field(default_factory=Running)

    def step(self, connection: Connection) -> bool:
        """Read on; True at the end."""
        digest, sender, _ = self.copy
        pieces: Sequence[bytes] = ()
        if self.running.offset < self.size:
            pieces = _pieces(connection, digest, sender, self.running.offset)
        for piece in pieces:
            self.running.add(piece)
        # Another process may have dropped them meanwhile.
        return self.running.offset >= self.size or not pieces

    def end(self, connection: Connection, context: Context, now: datetime) -> list[Entry]:
        """Say what was found; returns the entries for the feed: that it arrived, or an incident."""
        table = tables.attachment
        digest, sender, began_at = self.copy
        this = (table.c.digest == digest) & (table.c.sender == sender)
        whole = this & (table.c.state == State.WHOLE) & (table.c.began_at == began_at)
        is_right = self.running.hash.digest() == digest
        state = State.USABLE if is_right else State.SPOILED
        changed = connection.execute(
            update(table).where(whole).values(state=state, changed_at=now)
        ).rowcount
        if not changed:
            return []
        if not is_right:
            incident = wire_trust.Incident(
                reason=AttachmentSpoiled.reason,
                neighbour=sender,
                digest=digest,
                at=to_timestamp(now),
                claimed_from=sender,
            )
            return record_incident(connection, context, incident, now)
        # What others sent under the same digest is not needed any more, right or wrong.
        others = (table.c.digest == digest) & (table.c.sender != sender)
        connection.execute(update(table).where(others).values(state=State.SURPLUS))
        arrived = wire_feed.AttachmentArrived(
            attachment=wire.Attachment(digest=digest, size=self.size), sender=sender
        )
        return [Entry("attachment.arrived", self.subject, arrived.SerializeToString(), now)]


def next_check(connection: Connection) -> Check | None:
    """A copy that is whole and was not looked at yet."""
    row = connection.execute(_NEXT_CHECK).one_or_none()
    return None if row is None else Check(_id_of(row), row.subject, row.size)


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
    """The service that keeps materials has it: its bytes may go.

    Who was to have it from here while it was still on its way here is sent it now.
    """
    table = tables.attachment
    usable = (table.c.digest == digest) & (table.c.state == State.USABLE)
    connection.execute(update(table).where(usable).values(state=State.TAKEN, changed_at=now))
    wish = tables.attachment_wish
    given_up = (wish.c.digest == digest) & (wish.c.reason == AttachmentSizeWrong.reason)
    anew = {"sent": 0, "answered": 0, "done": False, "reason": ""}
    connection.execute(update(wish).where(given_up).values(**anew))


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
    return connection.execute(_TO_DROP).one_or_none()


def give_up_old(connection: Connection, now: datetime) -> None:
    """Copies of which nothing came for longer than an envelope lives will not become whole."""
    table = tables.attachment
    old = (table.c.state == State.COMING) & (table.c.changed_at < now - limits.LIFETIME)
    connection.execute(update(table).where(old).values(state=State.SPOILED))


def bytes_to_hand_over(connection: Connection) -> int:
    """Bytes here for which the service that keeps materials will need as much room again."""
    return int(connection.execute(_TO_HAND_OVER).scalar_one())


def coming(connection: Connection, digests: Sequence[bytes], limit: int) -> Sequence[Row[Any]]:
    """Copies that are not usable yet, the longest under way first."""
    table = tables.attachment
    query = select(table).where(table.c.state.in_((State.COMING, State.WHOLE)))
    if digests:
        query = query.where(table.c.digest.in_(digests))
    return connection.execute(query.order_by(table.c.changed_at).limit(limit)).all()


_COUNT_COMING = select(func.count()).where(
    tables.attachment.c.state.in_((State.COMING, State.WHOLE))
)


def count_coming(connection: Connection) -> int:
    return connection.execute(_COUNT_COMING).scalar_one()


def is_from(connection: Connection, digest: bytes, hall: Address) -> bool:
    """Whether a hall has the material for sure: it came from there."""
    copies = _copies(connection, [digest])
    return any(copy.sender == str(hall) and copy.state in HERE_STATES for copy in copies)


def _pieces(connection: Connection, digest: bytes, sender: str, offset: int) -> Sequence[bytes]:
    pieces = tables.attachment_chunk
    query = (
        select(pieces.c.data)
        .where(pieces.c.digest == digest, pieces.c.sender == sender, pieces.c.offset >= offset)
        .order_by(pieces.c.offset)
        .limit(CHUNKS_AT_ONCE)
    )
    return connection.scalars(query).all()
