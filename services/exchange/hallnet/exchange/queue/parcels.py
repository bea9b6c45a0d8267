"""What is passed on for others: it waits for a link, and is kept for a while after it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import count
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, select, update

from hallnet.exchange import tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.journal.journal_store import (
    checkpoint_digest,
    join_path,
    load_checkpoints,
    split_path,
)
from hallnet.exchange.queue.turns import next_turn
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.rows import RowsStatement
from hallnet.store.upsert import Upsert
from hallnet.trust.envelope import Header, Urgency
from hallnet.trust.evidence import Proof, SignedCheckpoint
from hallnet.trust.receipt import ReceiptBody, Verdict

RELAYED_KEPT_FOR = timedelta(days=7)
"""How long the bytes of what was passed on are kept, for a neighbour that was restored."""
REQUEUE_AFTER = timedelta(seconds=5)
"""A parcel that comes again sooner is not sent again: the first sending may still be under way."""
SWEEP_ROWS_MAX = 1000
RECEIPT_KIND = "receipt"
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
    """What goes over a link. `head` is a header or the body of a receipt."""

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
    refuses: bool = False
    """Of a receipt: whether the envelope was refused."""
    position: int = 0
    """Among the deliveries for an own envelope, else among what is passed on."""

    @property
    def is_own(self) -> bool:
        """Whether it is an envelope of this hall itself: nobody passed it on before."""
        return self.type is Type.ENVELOPE and not self.passed

    @property
    def size(self) -> int:
        return size_of(self.head, self.sealed_body)


_ENQUEUE = RowsStatement(
    Upsert(
        tables.parcel,
        lambda parcel: parcel.on_conflict_do_update(
            index_elements=["envelope_id", "type", "issuer"],
            set_={
                "state": State.WAITING,
                "neighbour": parcel.excluded.neighbour,
                "waiting_since": parcel.excluded.waiting_since,
            },
            where=(tables.parcel.c.state != State.WAITING)
            & (
                tables.parcel.c.left_at <= bindparam("long_ago", type_=tables.parcel.c.left_at.type)
            ),
        ),
    )
)
_BY_POSITION = select(tables.parcel).where(
    tables.parcel.c.position.in_(bindparam("sought", expanding=True))
)


def size_of(head: bytes, sealed_body: bytes) -> int:
    return len(head) + len(sealed_body) + PROOF_BYTES


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
        body.verdict is Verdict.REFUSED,
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
            "refuses": parcel.refuses,
            "head": parcel.head,
            "sealed_body": parcel.sealed_body,
            "leaf_index": parcel.proof.leaf_index,
            "path": join_path(parcel.proof.path),
            "checkpoint": checkpoint_digest(parcel.proof.checkpoint),
        }
        for neighbour, parcel in parcels
    ]
    _enqueue(connection, str(brought_by), rows, now)


def _enqueue(
    connection: Connection, lane: str, rows: list[dict[str, object]], now: datetime
) -> None:
    if not rows:
        return
    turns: dict[tuple[object, object], Iterator[int]] = {}
    for row in rows:
        queue = row["neighbour"], row["urgency"]
        if queue not in turns:
            turns[queue] = count(next_turn(connection, *queue, lane))
        row |= {"lane": lane, "turn": next(turns[queue]), "long_ago": now - REQUEUE_AFTER}
    _ENQUEUE.execute(connection, rows)


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
        is_chunk = table.c.kind == CHUNK_KIND
        connection.execute(delete(table).where(table.c.position.in_(positions), is_chunk))


def mark_dropped(connection: Connection, positions: Sequence[int], now: datetime) -> None:
    """The neighbour will not have them: set aside, so that they hold up nobody."""
    _mark(connection, positions, State.DROPPED, now)


def send_again(connection: Connection, neighbour: Address, since: datetime, now: datetime) -> None:
    """What went to a neighbour since a moment and is still kept waits for it again, but for what was refused: its sender
    has acted upon that."""
    table, verdict = tables.parcel, tables.parcel.alias()
    was_refused = exists().where(
        verdict.c.envelope_id == table.c.envelope_id,
        verdict.c.type == Type.RECEIPT,
        verdict.c.refuses,
    )
    connection.execute(
        update(table)
        .where(
            table.c.neighbour == str(neighbour),
            table.c.state == State.LEFT,
            table.c.left_at >= since,
            ~((table.c.type == Type.ENVELOPE) & was_refused),
        )
        .values(state=State.WAITING, waiting_since=now)
    )


def sweep(connection: Connection, now: datetime) -> int:
    """Remove what left long ago; returns how many rows."""
    table = tables.parcel
    old = (
        select(table.c.position)
        .where(table.c.state != State.WAITING, table.c.left_at < now - RELAYED_KEPT_FOR)
        .limit(SWEEP_ROWS_MAX)
    )
    return connection.execute(delete(table).where(table.c.position.in_(old))).rowcount


def _mark(connection: Connection, positions: Sequence[int], state: State, now: datetime) -> None:
    if positions:
        table = tables.parcel
        connection.execute(
            update(table).where(table.c.position.in_(positions)).values(state=state, left_at=now)
        )


def load(connection: Connection, positions: Sequence[int]) -> dict[int, Parcel]:
    """Parcels by their positions."""
    if not positions:
        return {}
    rows = connection.execute(_BY_POSITION, {"sought": positions}).all()
    checkpoints = load_checkpoints(connection, [row.checkpoint for row in rows])
    return {row.position: _passed_on(row, checkpoints) for row in rows}


def _passed_on(row: Row[Any], checkpoints: dict[bytes, SignedCheckpoint]) -> Parcel:
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
        row.refuses,
        row.position,
    )
