"""What is remembered of the neighbours: how each link stands, and hellos."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from hallnet.codec.codec import from_timestamp, to_timestamp
from hallnet.exchange import journal_store, tables
from hallnet.exchange.context import Context
from hallnet.federation.link import Link
from hallnet.places import Address
from hallnet.problems import Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.evidence import SignedCheckpoint, read_checkpoint
from hallnet.trust.journal import EntryKind
from hallnet.trust.problems import NotAuthentic
from hallnet.wire.exchange.v1 import link_pb2 as wire
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

HELLO_EVERY = timedelta(seconds=10)
VERSION_LENGTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A link as the status shows it."""

    address: Address
    link: Link
    clock_skew_ms: int
    version: str


def load(connection: Connection, neighbour: Address) -> Link:
    row = connection.execute(
        select(tables.link).where(tables.link.c.neighbour == str(neighbour))
    ).one_or_none()
    return Link() if row is None else _link(row)


def load_all(connection: Connection) -> dict[Address, Neighbour]:
    return {
        Address.parse(row.neighbour): Neighbour(
            Address.parse(row.neighbour), _link(row), row.clock_skew_ms, row.version
        )
        for row in connection.execute(select(tables.link))
    }


def store(connection: Connection, neighbour: Address, link: Link) -> None:
    values = {
        "up": link.up,
        "failures": link.failures,
        "next_try_at": link.next_try_at,
        "heard_at": link.heard_at,
        "sent_sequence": link.sent_sequence,
        "taken_sequence": link.taken_sequence,
    }
    statement = upsert(connection, tables.link).values(neighbour=str(neighbour), **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["neighbour"], set_=values))


def took_batch(connection: Connection, neighbour: Address, sequence: int, now: datetime) -> None:
    """A batch was taken: the neighbour is there, whatever pause there was."""
    link = load(connection, neighbour)
    store(connection, neighbour, link.heard(now).took(sequence))


def not_heard(connection: Connection, neighbour: Address) -> None:
    """The neighbour did not answer a hello: the link does not stand."""
    store(connection, neighbour, load(connection, neighbour).unheard())


def hello(
    connection: Connection, context: Context, neighbour: Address, version: str, now: datetime
) -> wire.Hello:
    """What this node says when it opens a link, and from time to time."""
    row = connection.execute(
        select(tables.link).where(tables.link.c.neighbour == str(neighbour))
    ).one_or_none()
    head = journal_store.newest_head(connection, context)
    seen = wire_trust.SignedCheckpoint.FromString(row.seen_head) if row and row.seen_head else None
    return wire.Hello(
        address=str(context.here),
        clock=to_timestamp(now),
        suites=[int(suite) for suite in sorted(context.trust.suites)],  # type: ignore[misc]
        version=version,
        head=head.to_message() if head else None,
        seen_head=seen,
        last_taken_sequence=row.taken_sequence if row else 0,
        last_sent_sequence=row.sent_sequence if row else 0,
        incarnation=context.incarnation,
    )


def take_hello(
    connection: Connection,
    context: Context,
    neighbour: Address,
    message: wire.Hello,
    now: datetime,
) -> list[Entry]:
    """Note the neighbour's clock, version and head; returns the entries for the feed.

    A head that does not go on from the one seen before shows a rewound or forked neighbour: that is an
    incident. Both heads are kept, and the neighbour is followed from where it is now.
    """
    link = load(connection, neighbour)
    store(connection, neighbour, link.heard(now))
    try:
        skew = from_timestamp(message.clock) - now
    except ValueError:
        return []
    version = message.version if message.version.isprintable() else ""
    values: dict[str, object] = {
        "clock_skew_ms": round(skew.total_seconds() * 1000),
        "version": version[:VERSION_LENGTH_MAX],
    }
    table = tables.link
    seen_head: bytes | None = connection.execute(
        select(table.c.seen_head).where(table.c.neighbour == str(neighbour))
    ).scalar_one()
    head = _proved_head(context, neighbour, message, now)
    entries: list[Entry] = []
    if head is not None:
        if seen_head is not None:
            seen = read_checkpoint(wire_trust.SignedCheckpoint.FromString(seen_head))
            if not _goes_on(seen, head):
                entries += _rewound(connection, context, neighbour, head, now)
                journal_store.keep_checkpoints(connection, [seen, head])
        values["seen_size"] = head.checkpoint.size
        values["seen_head"] = message.head.SerializeToString()
    connection.execute(update(table).where(table.c.neighbour == str(neighbour)).values(**values))
    return entries


def _goes_on(seen: SignedCheckpoint, head: SignedCheckpoint) -> bool:
    """Whether a head may be a later one of the same journal, or the same again."""
    before, after = seen.checkpoint, head.checkpoint
    return after.size > before.size or (after.size, after.root) == (before.size, before.root)


def _proved_head(
    context: Context, neighbour: Address, message: wire.Hello, now: datetime
) -> SignedCheckpoint | None:
    if not message.HasField("head"):
        return None
    try:
        head = read_checkpoint(message.head)
        signer = context.trust.signer(head.certificate_id, head.checkpoint.at, now)
    except (NotAuthentic, Problem):
        return None
    right = signer.address == neighbour == head.checkpoint.address
    return head if right and signer.is_signed(head.note, head.signature) else None


def _rewound(
    connection: Connection,
    context: Context,
    neighbour: Address,
    head: SignedCheckpoint,
    now: datetime,
) -> list[Entry]:
    incident = wire_trust.Incident(
        reason="NEIGHBOUR_REWOUND",
        neighbour=str(neighbour),
        digest=journal_store.checkpoint_digest(head),
        at=to_timestamp(now),
        claimed_from=str(neighbour),
    )
    return record_incident(connection, context, incident, now)


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


def _is_same(one: wire_trust.Incident, other: wire_trust.Incident) -> bool:
    return (one.reason, one.neighbour, one.digest) == (other.reason, other.neighbour, other.digest)


def _link(row: Row[Any]) -> Link:
    return Link(
        row.up,
        row.failures,
        row.next_try_at,
        row.heard_at,
        row.sent_sequence,
        row.taken_sequence,
    )
