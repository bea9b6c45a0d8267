"""What came back of a loss of records and what did not, each entry with its proof: a file that anybody can check."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

from google.protobuf import proto
from sqlalchemy import Row, select

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import believing, tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, journal_store
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.trust.evidence import EvidenceWriter
from hallnet.trust.recovery import MAGIC
from hallnet.wire.exchange.v1 import returning_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

ENTRIES_AT_ONCE = 500


class NothingLost(Problem):
    """There is no loss of that name."""

    kind = Kind.NOT_FOUND
    reason = "NOTHING_LOST"
    zh = "本厅没有该次记录丢失"
    zh_remedy = "请用hallnet node status核对日志缺口"
    en = "This hall has lost no records that are called so"
    en_remedy = "Look at the gaps of the journal (hallnet node status)"


def begin(connection: Connection, context: Context, end: int, now: datetime) -> tuple[bytes, range]:
    """The first bytes of the report of a loss, the newest if `end` is 0, and its places.

    Raises NothingLost.
    """
    losses = [(gap, at) for gap, at in continuity.gaps(connection) if end in (0, gap.stop)]
    if not losses:
        raise NothingLost("end")
    gap, found_at = losses[-1]
    end_head = journal_store.head_of_size(connection, context, gap.stop)
    head = wire.RecoveryHead(
        address=str(context.here),
        start=gap.start,
        end=gap.stop,
        found_at=to_timestamp(found_at),
        end_head=end_head.to_message(),
        asked=[_asked(row) for row in _asked_halls(connection, gap)],
        made_at=to_timestamp(now),
        certificates=[item.to_message() for item in context.issuers_of(end_head)],
        root_successions=believing.root_successions(connection),
    )
    table = tables.recovery
    query = select(table.c.ended_at).where(table.c.end == gap.stop, table.c.before_number == 0)
    ended_at = connection.execute(query).scalar_one_or_none()
    if ended_at is not None:
        head.waited_until.CopyFrom(to_timestamp(ended_at))
    return MAGIC + _prefixed(wire.RecoveryPart(head=head)), gap


def piece(connection: Connection, context: Context, places: range) -> tuple[bytes, int]:
    """The next bytes, and from which place on it goes on; nothing if nothing more came back."""
    table = tables.returned_entry
    rows = connection.execute(
        select(table)
        .where(table.c.leaf_index >= places.start, table.c.leaf_index < places.stop)
        .order_by(table.c.leaf_index)
        .limit(ENTRIES_AT_ONCE)
    ).all()
    if not rows:
        return b"", places.stop
    proofs = journal_store.returned_proofs(connection, [row.leaf_index for row in rows])
    evidence = EvidenceWriter()
    entries = []
    for row in rows:
        proof = proofs[row.leaf_index]
        entries.append(
            wire.RecoveryEntry(
                entry=wire_trust.JournalEntry(kind=row.kind, data=row.data),
                proof=evidence.add(proof, context.issuers_of(proof.checkpoint)),
                giver=row.giver,
                has_content=row.has_content,
            )
        )
    part = wire.RecoveryEntries(entries=entries, evidence=evidence.to_message())
    return _prefixed(wire.RecoveryPart(entries=part)), rows[-1].leaf_index + 1


def _asked_halls(connection: Connection, gap: range) -> list[Row[Any]]:
    table = tables.recovery_asked
    of_gap = (table.c.end == gap.stop) & (table.c.before_number == 0)
    query = select(table).where(of_gap).order_by(table.c.hall)
    return list(connection.execute(query))


def _asked(row: Row[Any]) -> wire.AskedHall:
    return wire.AskedHall(
        hall=row.hall,
        asked_at=to_timestamp(row.asked_at),
        answered_at=to_timestamp(row.answered_at) if row.answered_at else None,
        returned=row.returned,
        refused=row.refused,
    )


def _prefixed(part: wire.RecoveryPart) -> bytes:
    buffer = BytesIO()
    proto.serialize_length_prefixed(part, buffer)
    return buffer.getvalue()
