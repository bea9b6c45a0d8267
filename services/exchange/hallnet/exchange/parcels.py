"""The queue of what waits for a link, and what is kept for a while after it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from hallnet.exchange import tables
from hallnet.exchange.journal_store import (
    checkpoint_digest,
    join_path,
    load_checkpoints,
    split_path,
)
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.trust.envelope import Header, Urgency
from hallnet.trust.evidence import Proof, SignedCheckpoint
from hallnet.trust.receipt import ReceiptBody

RELAYED_KEPT_FOR = timedelta(days=7)
"""How long the bytes of what was passed on are kept, for a neighbour that was restored."""
REQUEUE_AFTER = timedelta(seconds=5)
"""A parcel that comes again sooner is not sent again: the first sending may still be under way."""
SWEEP_ROWS_MAX = 1000


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
        return len(self.head) + len(self.sealed_body) + 32 * len(self.proof.path)


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
        "receipt",
        "",
    )


def enqueue(
    connection: Connection, parcels: Iterable[tuple[Address, Parcel]], now: datetime
) -> None:
    """Put parcels on the queues of their neighbours.

    One that went before goes again, unless it went only just now; one that waits keeps its place.
    """
    rows = [
        {
            "type": parcel.type,
            "envelope_id": parcel.envelope_id,
            "issuer": parcel.issuer,
            "neighbour": str(neighbour),
            "state": State.WAITING,
            "urgency": parcel.urgency,
            "size": parcel.size,
            "waiting_since": now,
            "left_at": None,
            "head": parcel.head,
            "sealed_body": parcel.sealed_body,
            "leaf_index": parcel.proof.leaf_index,
            "path": join_path(parcel.proof.path),
            "checkpoint": checkpoint_digest(parcel.proof.checkpoint),
            "passed": ",".join(parcel.passed),
            "sender": str(parcel.sender),
            "recipient": str(parcel.recipient),
            "kind": parcel.kind,
            "subject": parcel.subject,
        }
        for neighbour, parcel in parcels
    ]
    if not rows:
        return
    table = tables.parcel
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


def waiting(
    connection: Connection, neighbour: Address, parcels_max: int, bytes_max: int
) -> list[Parcel]:
    """What goes next over a link: the urgent first, then in order of arrival; at least one if any."""
    table = tables.parcel
    rows = connection.execute(
        select(table)
        .where(table.c.neighbour == str(neighbour), table.c.state == State.WAITING)
        .order_by(table.c.urgency, table.c.position)
        .limit(parcels_max)
    ).all()
    chosen: list[Row[Any]] = []
    size = 0
    for row in rows:
        size += row.size
        if chosen and size > bytes_max:
            break
        chosen.append(row)
    checkpoints = load_checkpoints(connection, [row.checkpoint for row in chosen])
    return [_parcel(row, checkpoints) for row in chosen]


def passed_on(connection: Connection, sender: Address) -> Parcel:
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
    return _parcel(row, load_checkpoints(connection, [row.checkpoint]))


def mark_left(connection: Connection, positions: Sequence[int], now: datetime) -> None:
    """The neighbour has them."""
    _mark(connection, positions, State.LEFT, now)


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

    Own envelopes stay until their verdict is in: they may have to go again.
    """
    table = tables.parcel
    own = (table.c.type == Type.ENVELOPE) & (table.c.passed == "") & (table.c.state == State.LEFT)
    old = (
        select(table.c.position)
        .where(table.c.state != State.WAITING, table.c.left_at < now - RELAYED_KEPT_FOR, ~own)
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


def _parcel(row: Row[Any], checkpoints: dict[bytes, SignedCheckpoint]) -> Parcel:
    return Parcel(
        Type(row.type),
        row.envelope_id,
        row.issuer,
        Urgency(row.urgency),
        row.head,
        row.sealed_body,
        Proof(row.leaf_index, split_path(row.path), checkpoints[row.checkpoint]),
        tuple(filter(None, row.passed.split(","))),
        Address.parse(row.sender),
        Address.parse(row.recipient),
        row.kind,
        row.subject,
        row.position,
    )
