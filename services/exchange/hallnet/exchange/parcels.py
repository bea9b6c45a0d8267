"""The queue of what waits for a link, and what is kept for a while after it went.

What is passed on for others lies in the queue itself; of an own envelope only its place lies there, the
rest with its delivery.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, func, select, update

from hallnet.exchange import tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal_store import (
    checkpoint_digest,
    join_path,
    load_checkpoints,
    proofs_now,
    split_path,
)
from hallnet.federation import limits
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Header, Letter, Sealed, Urgency
from hallnet.trust.evidence import Proof, SignedCheckpoint
from hallnet.trust.receipt import ReceiptBody

RELAYED_KEPT_FOR = timedelta(days=7)
"""How long the bytes of what was passed on are kept, for a neighbour that was restored."""
OWN_KEPT_FOR = limits.LIFETIME + RELAYED_KEPT_FOR
"""By then it has expired, and the recipient was asked once more what became of it."""
REQUEUE_AFTER = timedelta(seconds=5)
"""A parcel that comes again sooner is not sent again: the first sending may still be under way."""
SWEEP_ROWS_MAX = 1000
RECEIPT_KIND = "receipt"
OWN_LANE = ""
PROOF_BYTES = 256
"""What is reckoned for a proof, of which a batch shares most."""


class Type(IntEnum):
    """What a parcel holds."""

    ENVELOPE = 1
    RECEIPT = 2


class State(IntEnum):
    """Where a parcel is."""

    WAITING = 1
    LEFT = 2
    DROPPED = 3


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row of the queue. `head` is a header or the body of a receipt."""

    type: Type
    envelope_id: bytes
    issuer: str
    urgency: Urgency
    head: bytes
    sealed_body: bytes
    proof: Proof
    passed: tuple[str, ...]
    sender: Address
    recipient: Address
    kind: str
    subject: str
    position: int = 0

    @property
    def size(self) -> int:
        return _size(self.head, self.sealed_body)


def of_envelope(
    header: Header, raw_header: bytes, sealed_body: bytes, proof: Proof, passed: Sequence[str]
) -> Parcel:
    return Parcel(
        Type.ENVELOPE,
        header.envelope_id,
        "",
        header.urgency,
        raw_header,
        sealed_body,
        proof,
        tuple(passed),
        header.sender,
        header.recipient,
        header.kind,
        header.subject,
    )


def of_receipt(body: ReceiptBody, raw: bytes, proof: Proof, passed: Sequence[str]) -> Parcel:
    return Parcel(
        Type.RECEIPT,
        body.envelope_id,
        str(body.issuer),
        # Small, and somebody waits for it.
        Urgency.URGENT,
        raw,
        b"",
        proof,
        tuple(passed),
        body.issuer,
        body.sender,
        RECEIPT_KIND,
        "",
    )


def enqueue(
    connection: Connection,
    brought_by: Address,
    parcels: Iterable[tuple[Address, Parcel]],
    now: datetime,
) -> None:
    """Put parcels that a neighbour brought on the queues of others.

    One that went before goes again, unless it went only just now; one that waits keeps its place.
    """
    rows: list[dict[str, object]] = [
        {
            "type": parcel.type,
            "envelope_id": parcel.envelope_id,
            "issuer": parcel.issuer,
            "neighbour": str(neighbour),
            "state": State.WAITING,
            "urgency": parcel.urgency,
            "size": parcel.size,
            "waiting_since": now,
            "passed": ",".join(parcel.passed),
            "sender": str(parcel.sender),
            "recipient": str(parcel.recipient),
            "kind": parcel.kind,
            "subject": parcel.subject,
            "head": parcel.head,
            "sealed_body": parcel.sealed_body,
            "leaf_index": parcel.proof.leaf_index,
            "path": join_path(parcel.proof.path),
            "checkpoint": checkpoint_digest(parcel.proof.checkpoint),
        }
        for neighbour, parcel in parcels
    ]
    _enqueue(connection, str(brought_by), rows, now)


def enqueue_own(
    connection: Connection, letters: Iterable[tuple[Address, Letter, Sealed]], now: datetime
) -> None:
    """Put own envelopes, whose deliveries are stored, on the queues of neighbours."""
    rows: list[dict[str, object]] = [
        {
            "type": Type.ENVELOPE,
            "envelope_id": letter.envelope_id,
            "issuer": "",
            "neighbour": str(neighbour),
            "state": State.WAITING,
            "urgency": letter.urgency,
            "size": _size(sealed.header, sealed.body),
            "waiting_since": now,
            "passed": "",
            "sender": str(letter.sender),
            "recipient": str(letter.recipient),
            "kind": letter.kind,
            "subject": letter.subject,
        }
        for neighbour, letter, sealed in letters
    ]
    _enqueue(connection, OWN_LANE, rows, now)


def _enqueue(
    connection: Connection, lane: str, rows: list[dict[str, object]], now: datetime
) -> None:
    if not rows:
        return
    table = tables.parcel
    turns: dict[tuple[object, object], Iterator[int]] = {}
    for row in rows:
        queue = row["neighbour"], row["urgency"]
        if queue not in turns:
            turns[queue] = count(_next_turn(connection, *queue, lane))
        row |= {"lane": lane, "turn": next(turns[queue])}
    statement = upsert(connection, table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["envelope_id", "type", "issuer"],
            set_={
                "state": State.WAITING,
                "neighbour": statement.excluded.neighbour,
                "waiting_since": now,
            },
            where=(table.c.state != State.WAITING) & (table.c.left_at <= now - REQUEUE_AFTER),
        ),
        rows,
    )


def _next_turn(connection: Connection, neighbour: object, urgency: object, lane: str) -> int:
    """After the last one of its lane that waits, and not before what goes next.

    So a lane that floods a queue is behind itself, and every other lane has its turn at once
    (start-time fair queueing, Goyal, Vin and Cheng 1996).
    """
    table = tables.parcel
    queue = (
        (table.c.neighbour == neighbour)
        & (table.c.state == State.WAITING)
        & (table.c.urgency == urgency)
    )
    last = select(func.max(table.c.turn)).where(queue, table.c.lane == lane).scalar_subquery()
    first = select(func.min(table.c.turn)).where(queue).scalar_subquery()
    row = connection.execute(select(last, first)).one()
    return (row[0] + 1) if row[0] is not None else (row[1] or 0)


def waiting(
    connection: Connection,
    context: Context,
    neighbour: Address,
    parcels_max: int,
    bytes_max: int,
    under_way: Collection[int] = (),
    held_back: Collection[str] = (),
) -> list[Parcel]:
    """What goes next over a link: the urgent first, then by turns; at least one if any.

    `under_way` are the positions of those for which an answer is awaited, `held_back` kinds that do not go.
    """
    table = tables.parcel
    queue = connection.execute(
        select(table.c.position, table.c.size)
        .where(
            table.c.neighbour == str(neighbour),
            table.c.state == State.WAITING,
            table.c.kind.not_in(held_back),
        )
        .order_by(table.c.urgency, table.c.turn, table.c.position)
        .limit(parcels_max + len(under_way))
    ).all()
    chosen: list[int] = []
    size = 0
    for row in queue:
        if row.position in under_way:
            continue
        size += row.size
        if chosen and (size > bytes_max or len(chosen) == parcels_max):
            break
        chosen.append(row.position)
    rows = connection.execute(select(table).where(table.c.position.in_(chosen))).all()
    loads = {row.position: row for row in rows}
    return _parcels(connection, context, [loads[position] for position in chosen])


def newest_passed_on(connection: Connection, sender: Address) -> Parcel:
    """The newest envelope of a hall that went through here and whose bytes are still kept."""
    table = tables.parcel
    row = connection.execute(
        select(table)
        .where(
            table.c.sender == str(sender),
            table.c.type == Type.ENVELOPE,
            table.c.state == State.LEFT,
        )
        .order_by(table.c.position.desc())
        .limit(1)
    ).one()
    return _passed_on(row, load_checkpoints(connection, [row.checkpoint]))


def mark_left(connection: Connection, positions: Sequence[int], now: datetime) -> None:
    """The neighbour has them. Chunks of materials that were passed on are not kept: they are large, and
    their sender sends them again until it has a receipt.
    """
    _mark(connection, positions, State.LEFT, now)
    if positions:
        table = tables.parcel
        relayed_chunk = (table.c.kind == CHUNK_KIND) & table.c.head.is_not(None)
        connection.execute(delete(table).where(table.c.position.in_(positions), relayed_chunk))


def mark_dropped(connection: Connection, positions: Sequence[int], now: datetime) -> None:
    """The neighbour will not have them: set aside, so that they hold up nobody."""
    _mark(connection, positions, State.DROPPED, now)


def send_again(connection: Connection, envelope_ids: Sequence[bytes], now: datetime) -> None:
    """Have own envelopes go over the first link once more."""
    table = tables.parcel
    connection.execute(
        update(table)
        .where(
            table.c.envelope_id.in_(envelope_ids),
            table.c.type == Type.ENVELOPE,
            table.c.state == State.LEFT,
        )
        .values(state=State.WAITING, waiting_since=now)
    )


def forget(connection: Connection, envelope_ids: Sequence[bytes]) -> None:
    """Remove own envelopes whose verdict is in; the delivery keeps what proves them."""
    table = tables.parcel
    connection.execute(
        delete(table).where(table.c.envelope_id.in_(envelope_ids), table.c.type == Type.ENVELOPE)
    )


def sweep(connection: Connection, now: datetime) -> int:
    """Remove what left long ago; returns how many rows.

    Own envelopes stay until their verdict is in, for they may have to go again, but not for ever.
    """
    table = tables.parcel
    is_relayed = table.c.head.is_not(None) | (table.c.state == State.DROPPED)
    left_before = case((is_relayed, now - RELAYED_KEPT_FOR), else_=now - OWN_KEPT_FOR)
    old = (
        select(table.c.position)
        .where(table.c.state != State.WAITING, table.c.left_at < left_before)
        .limit(SWEEP_ROWS_MAX)
    )
    return connection.execute(delete(table).where(table.c.position.in_(old))).rowcount


def backlog(connection: Connection) -> dict[str, tuple[int, datetime]]:
    """For each neighbour how many parcels wait, and since when the oldest."""
    table = tables.parcel
    rows = connection.execute(
        select(table.c.neighbour, func.count(), func.min(table.c.waiting_since))
        .where(table.c.state == State.WAITING)
        .group_by(table.c.neighbour)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _mark(connection: Connection, positions: Sequence[int], state: State, now: datetime) -> None:
    if positions:
        table = tables.parcel
        connection.execute(
            update(table).where(table.c.position.in_(positions)).values(state=state, left_at=now)
        )


def _size(head: bytes, sealed_body: bytes) -> int:
    return len(head) + len(sealed_body) + PROOF_BYTES


def _parcels(connection: Connection, context: Context, rows: Sequence[Row[Any]]) -> list[Parcel]:
    checkpoints = load_checkpoints(
        connection, [row.checkpoint for row in rows if row.head is not None]
    )
    own = _own_envelopes(connection, [row.envelope_id for row in rows if row.head is None])
    proofs = proofs_now(connection, context, (load.leaf_index for load in own.values()))
    parcels = []
    for row in rows:
        if row.head is not None:
            parcels.append(_passed_on(row, checkpoints))
        else:
            load = own[row.envelope_id]
            proof = proofs[load.leaf_index]
            parcels.append(_parcel(row, load.header, load.sealed_body, proof))
    return parcels


def _own_envelopes(connection: Connection, envelope_ids: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    if not envelope_ids:
        return {}
    table = tables.delivery
    columns: tuple[ColumnElement[Any], ...] = (
        table.c.envelope_id,
        table.c.header,
        table.c.sealed_body,
        table.c.leaf_index,
    )
    query = select(*columns).where(table.c.envelope_id.in_(envelope_ids))
    return {row.envelope_id: row for row in connection.execute(query)}


def _passed_on(row: Row[Any], checkpoints: dict[bytes, SignedCheckpoint]) -> Parcel:
    proof = Proof(row.leaf_index, split_path(row.path), checkpoints[row.checkpoint])
    return _parcel(row, row.head, row.sealed_body, proof)


def _parcel(row: Row[Any], head: bytes, sealed_body: bytes, proof: Proof) -> Parcel:
    return Parcel(
        Type(row.type),
        row.envelope_id,
        row.issuer,
        Urgency(row.urgency),
        head,
        sealed_body,
        proof,
        tuple(filter(None, row.passed.split(","))),
        Address.parse(row.sender),
        Address.parse(row.recipient),
        row.kind,
        row.subject,
        row.position,
    )
