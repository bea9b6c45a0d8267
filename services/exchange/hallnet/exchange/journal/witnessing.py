"""Neighbours witness each other's journals: each says in its hello what it saw, and shows that it went on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, journal_store, numbering
from hallnet.exchange.journal.incidents import record_doubt
from hallnet.federation import limits
from hallnet.federation.admission import ProofVerifier
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.evidence import Cosignature, SignedCheckpoint, read_checkpoint
from hallnet.trust.journal import EntriesMissing
from hallnet.trust.problems import (
    JournalDoubted,
    NeighbourBegunAnew,
    NeighbourForked,
    NeighbourRenumbered,
    NeighbourRestored,
    NeighbourRewound,
    NeighbourUnproved,
    NotAuthentic,
    OwnJournalRewound,
)
from hallnet.trust.witness import Finding, compare, cosign, is_cosigned
from hallnet.wire.exchange.v1 import link_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

UNPROVED_FOR_MAX = timedelta(minutes=10)
"""How long a neighbour may show heads that do not follow from the one seen: a few hellos are normal."""

_FOR_A_WHILE = (Finding.UNPROVED, Finding.LATE)
_DOUBTS: dict[Finding, type[JournalDoubted]] = {
    Finding.LATE: NeighbourRewound,
    Finding.REWOUND: NeighbourRewound,
    Finding.FORKED: NeighbourForked,
    Finding.RESTORED: NeighbourRestored,
    Finding.BEGUN_ANEW: NeighbourBegunAnew,
    Finding.RENUMBERED: NeighbourRenumbered,
    Finding.UNPROVED: NeighbourUnproved,
}


def continuation(
    connection: Connection, context: Context, shown_size: int, head: SignedCheckpoint | None
) -> tuple[int, Sequence[bytes]]:
    """The consistency path from what the neighbour said it saw to the own head."""
    if head is None or not 0 < shown_size <= head.checkpoint.size:
        return 0, ()
    journal = journal_store.journal_at(connection, context, head.checkpoint.size)
    try:
        return shown_size, journal.consistency_path(shown_size)
    except EntriesMissing:
        return 0, ()


def follow(
    connection: Connection,
    context: Context,
    neighbour: Address,
    message: wire.Hello,
    now: datetime,
) -> list[Entry]:
    """Compare the head that a neighbour shows with the one seen before; returns entries for the feed.

    A head that goes on from the one seen before is cosigned. One that does not is an incident: both
    heads are kept, and the neighbour is followed from where it is now.
    """
    head = _proved(context, message.head, neighbour, now) if message.HasField("head") else None
    if head is None:
        return []
    proofs = ProofVerifier(context.trust, now)
    continuity.note_shown(connection, neighbour, [head], message.frontier, proofs)
    link = connection.execute(
        select(tables.link).where(tables.link.c.neighbour == str(neighbour))
    ).one()
    seen = _seen_before(link, head)
    later = journal_store.head_of(connection, neighbour, message.continues_from)
    finding = _compare(seen, head, message, later)
    if finding in _FOR_A_WHILE:
        since = link.unproved_since or now
        if now - since <= UNPROVED_FOR_MAX:
            _note(connection, neighbour, unproved_since=since)
            return []
    if seen is not None and head.checkpoint.number > seen.checkpoint.number:
        continuity.note_shown(
            connection, neighbour, [head], message.frontier, proofs, renumbered=True
        )
    if finding in (Finding.SAME, *_FOR_A_WHILE):
        _note(connection, neighbour, unproved_since=None)
    elif finding in (Finding.CONTINUED, Finding.RENUMBERED):
        identity = context.identity
        cosignature = cosign(head, identity.certificate, identity.signing_key, now)
        _see(connection, neighbour, replace(head, cosignatures=(cosignature,)))
    else:
        _see(connection, neighbour, head)
    if seen is None or finding not in _DOUBTS:
        return []
    journal_store.keep_checkpoints(connection, [seen, head])
    return record_doubt(connection, context, neighbour, _DOUBTS[finding], head, now)


def take_cosignature(
    connection: Connection,
    context: Context,
    neighbour: Address,
    message: wire.Hello,
    now: datetime,
) -> list[Entry]:
    """Note which head of the own journal a neighbour saw, and keep its cosignature.

    A head that this hall signed but that the own journal does not begin with shows that this hall was
    restored from an old backup: that is an incident of its own. Returns the entries for the feed.
    """
    if not message.HasField("seen_head"):
        return []
    shown = _proved(context, message.seen_head, context.here, now)
    if shown is None:
        return []
    end = continuity.signed_word_of(context, message, now)
    seen = [shown, *([end.head] if end is not None else [])]
    entries = numbering.note_lost(connection, context, neighbour, seen, now)
    if numbering.saw_more(connection, seen):
        # It saw what is lost: that the journal goes on from there cannot be proved.
        _note(connection, neighbour, shown_size=0)
        return entries
    if not _is_own_past(connection, context, shown):
        return entries + record_doubt(connection, context, neighbour, OwnJournalRewound, shown, now)
    size = shown.checkpoint.size
    if (
        end is not None
        and shown.checkpoint.number == end.head.checkpoint.number < context.journal_number
    ):
        # It has to see how the new number goes on from the longest end of the one before.
        size = max(size, end.size)
    elif end is not None and end.head.checkpoint.number == context.journal_number:
        size = continuity.provable_from(connection, size, end)
    _note(connection, neighbour, shown_size=size)
    for cosignature in shown.cosignatures[:1]:
        if _is_witness(context, neighbour, shown, cosignature, now):
            journal_store.keep_cosignature(connection, shown, cosignature)
    return entries


def _seen_before(link: Row[Any], head: SignedCheckpoint) -> SignedCheckpoint | None:
    """What a head of a neighbour is compared with: the one that it showed in its hello before. If it comes under a
    new number, the longest one that it showed at all."""
    if link.seen_head is None:
        return None
    seen = _stored(link.seen_head)
    is_renumbered = seen.checkpoint.number == link.end_number < head.checkpoint.number
    if is_renumbered and link.end_size > seen.checkpoint.size:
        return read_checkpoint(wire.JournalEnd.FromString(link.end).head)
    return seen


def _compare(
    seen: SignedCheckpoint | None,
    head: SignedCheckpoint,
    message: wire.Hello,
    later: SignedCheckpoint | None,
) -> Finding:
    if seen is None:
        return Finding.CONTINUED
    return compare(
        seen.checkpoint,
        head.checkpoint,
        message.continues_from,
        message.consistency,
        later.checkpoint if later is not None else None,
    )


def _is_own_past(connection: Connection, context: Context, shown: SignedCheckpoint) -> bool:
    size = journal_store.size(connection)
    if shown.checkpoint.size > size or shown.checkpoint.number > context.journal_number:
        return False
    if journal_store.load_gaps(connection).hides(shown.checkpoint.size):
        # This hall signed it, and lost what it was.
        return True
    journal = journal_store.journal_at(connection, context, size)
    return journal.root(shown.checkpoint.size) == shown.checkpoint.root


def _is_witness(
    context: Context,
    neighbour: Address,
    shown: SignedCheckpoint,
    cosignature: Cosignature,
    now: datetime,
) -> bool:
    """A parent is the witness; the highest hall, which has none, takes the word of its children."""
    if context.parent not in (None, neighbour):
        return False
    try:
        witness = context.trust.signer(cosignature.certificate_id, cosignature.seen_at, now)
    except NotAuthentic:
        return False
    return witness.address == neighbour and is_cosigned(shown, cosignature, witness)


def _proved(
    context: Context, message: wire_trust.SignedCheckpoint, whose: Address, now: datetime
) -> SignedCheckpoint | None:
    """A head that the hall itself signed; None for anything else."""
    try:
        head = read_checkpoint(message)
        signer = ProofVerifier(context.trust, now).signer(head)
    except Problem:
        return None
    if head.checkpoint.at > now + limits.CLOCK_SKEW_MAX:
        # Not before its time: what is dated ahead would make every later head look rewound.
        return None
    return head if signer.address == whose else None


def _stored(raw: bytes) -> SignedCheckpoint:
    return read_checkpoint(wire_trust.SignedCheckpoint.FromString(raw))


def _see(connection: Connection, neighbour: Address, head: SignedCheckpoint) -> None:
    _note(
        connection,
        neighbour,
        seen_size=head.checkpoint.size,
        seen_head=head.to_message().SerializeToString(),
        unproved_since=None,
    )


def _note(connection: Connection, neighbour: Address, **values: object) -> None:
    table = tables.link
    connection.execute(update(table).where(table.c.neighbour == str(neighbour)).values(**values))
