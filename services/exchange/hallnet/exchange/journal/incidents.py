"""What was refused because it was not authentic, or found to be wrong with a journal: kept for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import JournalDoubted
from hallnet.trust.suite import DIGEST_BYTES
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust


def record_incident(
    connection: Connection, context: Context, incident: wire_trust.Incident, now: datetime
) -> list[Entry]:
    """Put an incident in the journal; returns the entries for the feed.

    What a neighbour repeats is recorded once, until something else is recorded.
    """
    table = tables.incident
    newest = connection.scalars(
        select(table.c.incident).order_by(table.c.leaf_index.desc()).limit(1)
    ).one_or_none()
    if newest is not None and _is_same(wire_trust.Incident.FromString(newest), incident):
        return []
    raw = incident.SerializeToString(deterministic=True)
    journal = journal_store.JournalWriter(connection, context, now)
    leaf_index = journal.add(EntryKind.INCIDENT, raw)
    journal.sign()
    connection.execute(table.insert().values(leaf_index=leaf_index, incident=raw))
    return [Entry("incident.recorded", incident.neighbour, raw, now)]


def record_doubt(
    connection: Connection,
    context: Context,
    neighbour: Address,
    doubt: type[JournalDoubted],
    head: SignedCheckpoint | None,
    now: datetime,
) -> list[Entry]:
    """Put in the journal what is to be said of the journal of a hall, or of the own one, with the head that shows
    it; returns the entries for the feed."""
    incident = wire_trust.Incident(
        reason=doubt.reason,
        neighbour=str(neighbour),
        digest=journal_store.checkpoint_digest(head) if head else bytes(DIGEST_BYTES),
        at=to_timestamp(now),
        claimed_from=str(head.checkpoint.address if head else neighbour),
    )
    return record_incident(connection, context, incident, now)


def _is_same(one: wire_trust.Incident, other: wire_trust.Incident) -> bool:
    return (one.reason, one.neighbour, one.digest) == (other.reason, other.neighbour, other.digest)
