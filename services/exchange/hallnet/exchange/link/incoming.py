"""A batch from a neighbour: judged parcel by parcel, committed whole, answered parcel by parcel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hallnet.codec import parse
from hallnet.codec.moments import to_timestamp
from hallnet.exchange import believing, tables
from hallnet.exchange.attachment_digests import Kept
from hallnet.exchange.context import Context, JournalHeld
from hallnet.exchange.journal.incidents import record_incident
from hallnet.exchange.link import links
from hallnet.exchange.link.sending import OUT_OF_ORDER
from hallnet.exchange.link.taking import Taking
from hallnet.exchange.queue import outgoing
from hallnet.exchange.queue.hops import Hop
from hallnet.federation import limits
from hallnet.federation.admission import ParcelMalformed
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.trust.evidence import COUNT_MAX, EvidenceReader
from hallnet.trust.suites import algorithms
from hallnet.wire.exchange.v1 import link_pb2 as wire_link
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

HELD_FOR = timedelta(seconds=2)
"""After so long a neighbour asks again that found this hall unsure of its journal; a hello ends it sooner."""


@dataclass(slots=True)
class Taken:
    """What came of a batch."""

    reply: wire_link.BatchReply
    hops: list[Hop] = field(default_factory=list)
    wake: set[Address] = field(default_factory=set)
    """Neighbours for whom something waits now."""
    has_materials: bool = False
    """Whether chunks of materials came, or would have come."""
    kept_chunks: list[Kept] = field(default_factory=list)


def take_batch(
    connection: Connection, context: Context, neighbour: Address, data: bytes, now: datetime
) -> Taken:
    """Take a batch in one transaction. Whatever is in it, the answer says what became of each parcel."""
    if not context.is_sure:
        again = to_timestamp(now + HELD_FOR)
        return Taken(wire_link.BatchReply(reason=JournalHeld.reason, retry_at=again))
    try:
        batch = parse(wire_link.Batch, data)
    except Problem:
        return _refuse_whole(connection, context, neighbour, data, "BATCH_MALFORMED", now)
    try:
        if batch.sequence > COUNT_MAX:
            return _refuse_whole(connection, context, neighbour, data, "BATCH_MALFORMED", now)
        if len(batch.parcels) > limits.BATCH_PARCELS_MAX:
            raise ParcelMalformed("batch.parcels", detail="BATCH_PARCELS_MAX")
        evidence = EvidenceReader(batch.evidence)
    except Problem as problem:
        return _refuse_whole(connection, context, neighbour, data, problem.reason, now)
    if batch.follows and batch.follows != links.load(connection, neighbour).taken_sequence:
        return Taken(wire_link.BatchReply(sequence=batch.sequence, reason=OUT_OF_ORDER))
    joined = believing.learn(connection, context, evidence.certificates, now)
    taking = Taking(connection, context, neighbour, evidence, now)
    answers = taking.parcels(batch.parcels)
    written = taking.write()
    taking.note_shown(batch.frontier)
    reply = wire_link.BatchReply(
        sequence=batch.sequence,
        answers=answers,
        credit_bytes=limits.credit(len(context.children) + 1),
    )
    taking.give_receipts(reply)
    links.took_batch(connection, neighbour, batch.sequence, now)
    entries = written.entries
    if joined:
        entries = entries + outgoing.seal_waiting(connection, context, now)
    tables.feed.append(connection, entries)
    return Taken(reply, taking.hops, written.wake, taking.has_materials, taking.kept_chunks)


def _refuse_whole(
    connection: Connection,
    context: Context,
    neighbour: Address,
    data: bytes,
    reason: str,
    now: datetime,
) -> Taken:
    """A batch that cannot be read is an incident like a parcel that is not authentic."""
    incident = wire_trust.Incident(
        reason=reason,
        neighbour=str(neighbour),
        digest=algorithms(1).digest(data),
        at=to_timestamp(now),
    )
    tables.feed.append(connection, record_incident(connection, context, incident, now))
    return Taken(wire_link.BatchReply(reason=reason))
