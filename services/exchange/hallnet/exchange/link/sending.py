"""Batches to a neighbour: what goes next, and what its answer changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hallnet.codec import parse
from hallnet.codec.moments import from_timestamp, microseconds
from hallnet.exchange import believing
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity
from hallnet.exchange.link import links
from hallnet.exchange.link.taking import Taking
from hallnet.exchange.queue import outgoing, parcels, queues
from hallnet.exchange.queue.hops import Direction, Hop
from hallnet.exchange.queue.parcels import Parcel, Type
from hallnet.federation import limits
from hallnet.federation.delivery import Happening
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.evidence import EvidenceReader, EvidenceWriter
from hallnet.wire.exchange.v1 import envelope_pb2 as wire
from hallnet.wire.exchange.v1 import link_pb2 as wire_link

OUT_OF_ORDER = "OUT_OF_ORDER"
_FINAL = frozenset({wire_link.DISPOSITION_KEPT, wire_link.DISPOSITION_DROPPED})


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that is ready to go."""

    sequence: int
    data: bytes
    parcels: Sequence[Parcel]


@dataclass(slots=True)
class Applied:
    """What an answer changed."""

    hops: list[Hop] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    wake: set[Address] = field(default_factory=set)
    """Neighbours for whom something waits now."""


def next_batch(
    connection: Connection,
    context: Context,
    neighbour: Address,
    credit_bytes: int,
    now: datetime,
    under_way: Sequence[Batch] = (),
) -> Batch | None:
    """What goes next over a link, after batches that are under way; None if nothing waits."""
    if not queues.is_any_waiting(connection, neighbour):
        return None
    bytes_max = min(credit_bytes, limits.BATCH_BYTES_MAX)
    before = {queues.place_of(parcel) for batch in under_way for parcel in batch.parcels}
    link, takes_attachments = links.load_to_send(connection, neighbour, now)
    held = () if takes_attachments else (CHUNK_KIND,)
    chosen = queues.waiting(
        connection, context, neighbour, limits.BATCH_PARCELS_MAX, bytes_max, before, held
    )
    if not chosen:
        return None
    follows = under_way[-1].sequence if under_way else 0
    last = follows or link.sent_sequence
    # The time tells a batch that is tried again from the one before, which may have held other parcels.
    sequence = max(last + 1, microseconds(now))
    evidence = EvidenceWriter()
    heads = [parcel.proof.checkpoint for parcel in chosen]
    batch = wire_link.Batch(
        sequence=sequence,
        follows=follows,
        frontier=continuity.frontier_of_largest(connection, context, heads),
    )
    for parcel in chosen:
        _add(batch, parcel, evidence, context)
    batch.evidence.CopyFrom(evidence.to_message())
    return Batch(sequence, batch.SerializeToString(), chosen)


def apply_reply(
    connection: Connection,
    context: Context,
    neighbour: Address,
    batch: Batch,
    reply: wire_link.BatchReply,
    now: datetime,
    jitter: float,
) -> Applied:
    """Note what the neighbour did with each parcel. A reply that says nothing counts as none."""
    link = links.load(connection, neighbour)
    applied = Applied()
    if not went_through(reply, batch):
        failed = link.failed(now, jitter)
        if reply.HasField("retry_at"):
            failed = failed.put_off(from_timestamp(reply.retry_at))
        links.store(connection, neighbour, failed)
        return applied
    judged = _take_receipts(connection, context, neighbour, reply, applied, now)
    kept: list[Parcel] = []
    dropped: dict[str, list[Parcel]] = {}
    for parcel, answer in zip(batch.parcels, reply.answers, strict=True):
        if answer.disposition == wire_link.DISPOSITION_KEPT:
            if parcel.envelope_id not in judged:
                kept.append(parcel)
            applied.hops.append(Hop(neighbour, Direction.SENT, parcel, parcel.size))
        elif answer.disposition == wire_link.DISPOSITION_DROPPED:
            dropped.setdefault(answer.reason, []).append(parcel)
            applied.hops.append(
                Hop(neighbour, Direction.REFUSED, parcel, parcel.size, answer.reason)
            )
    parcels.mark_left(connection, _passed_on(kept), now)
    outgoing.kept_by_neighbour(connection, _own(kept), now, jitter)
    for reason, ones in dropped.items():
        parcels.mark_dropped(connection, _passed_on(ones), now)
        applied.entries += outgoing.end(
            connection, _own(ones), Happening.DROPPED_BY_NEIGHBOUR, reason, now
        )
    links.store(connection, neighbour, link.answered(now).sent(batch.sequence))
    if any(map(_is_held_back, batch.parcels, reply.answers)):
        links.hold_attachments(connection, neighbour, now + limits.ATTACHMENTS_PAUSE)
    return applied


def read_reply(data: bytes) -> wire_link.BatchReply:
    """An answer; one that cannot be read is a refusal of the whole."""
    try:
        return parse(wire_link.BatchReply, data)
    except Problem:
        return wire_link.BatchReply(reason="REPLY_MALFORMED")


def _take_receipts(
    connection: Connection,
    context: Context,
    neighbour: Address,
    reply: wire_link.BatchReply,
    applied: Applied,
    now: datetime,
) -> frozenset[bytes]:
    """Take the verdicts that came with a reply; returns the own envelopes that they end.

    Receipts that cannot be read are none: the envelopes are sent again until there is one.
    """
    try:
        evidence = EvidenceReader(reply.evidence)
    except Problem:
        return frozenset()
    count = len(reply.receipts) + sum(max(len(run.bodies), 1) for run in reply.receipt_runs)
    if not 0 < count <= limits.BATCH_PARCELS_MAX:
        return frozenset()
    if believing.learn(connection, context, evidence.certificates, now):
        applied.entries += outgoing.seal_waiting(connection, context, now)
    taking = Taking(connection, context, neighbour, evidence, now)
    taking.receipt_runs(reply.receipt_runs)
    taking.receipts(reply.receipts)
    written = taking.write()
    taking.note_shown(reply.frontier)
    applied.entries += written.entries
    applied.wake |= written.wake
    applied.hops += taking.hops
    return written.judged


def went_through(reply: wire_link.BatchReply, batch: Batch) -> bool:
    """Whether a reply is to this batch and says of at least one parcel what became of it.

    One that leaves everything for later is a pause like no reply at all, unless these are materials,
    which alone are held back then.
    """
    if reply.reason:
        return False
    if batch.parcels and all(map(_is_held_back, batch.parcels, reply.answers)):
        return reply.sequence == batch.sequence and len(reply.answers) == len(batch.parcels)
    said = {answer.disposition for answer in reply.answers}
    return (
        reply.sequence == batch.sequence
        and len(reply.answers) == len(batch.parcels)
        and said <= {*_FINAL, wire_link.DISPOSITION_LATER}
        and not said.isdisjoint(_FINAL)
    )


def is_out_of_order(reply: wire_link.BatchReply) -> bool:
    """Whether a batch was not taken because the one before it was not, or not yet."""
    return reply.reason == OUT_OF_ORDER


def _is_held_back(parcel: Parcel, answer: wire_link.ParcelAnswer) -> bool:
    return parcel.kind == CHUNK_KIND and answer.disposition == wire_link.DISPOSITION_LATER


def no_reply(connection: Connection, neighbour: Address, now: datetime, jitter: float) -> datetime:
    """The neighbour did not answer; returns when to try again."""
    link = links.load(connection, neighbour).failed(now, jitter)
    links.store(connection, neighbour, link)
    assert link.next_try_at is not None
    return link.next_try_at


def _own(ones: Sequence[Parcel]) -> list[bytes]:
    return [parcel.envelope_id for parcel in ones if parcel.is_own]


def _passed_on(ones: Sequence[Parcel]) -> list[int]:
    return [parcel.position for parcel in ones if not parcel.is_own]


def _add(
    batch: wire_link.Batch, parcel: Parcel, evidence: EvidenceWriter, context: Context
) -> None:
    """Add a parcel to a batch: made where it travels, for what is put into a message is copied."""
    message = batch.parcels.add(passed=parcel.passed)
    load: wire.Envelope | wire.Receipt
    if parcel.type is Type.ENVELOPE:
        load = message.envelope
        load.header, load.sealed_body = parcel.head, parcel.sealed_body
    else:
        load = message.receipt
        load.body = parcel.head
    evidence.write(load.proof, parcel.proof, context.issuers_of(parcel.proof.checkpoint))
