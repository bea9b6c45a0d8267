"""The numbers of the own journal: under which one it goes on after a start without the word of the parent.

Only the parent may have seen the last entries before that start. If it did and they are lost here, a journal
that went on as before would have two pasts. Under a new number it is another journal, which begins with all
that is here: whoever saw no more gets the proof of that, and whoever saw more shows what is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from hallnet.codec.codec import to_timestamp
from hallnet.exchange import journal_store, tables
from hallnet.exchange.context import Context
from hallnet.exchange.incidents import record_incident
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.problems import OwnJournalRenumbered, OwnJournalRewound
from hallnet.trust.suite import DIGEST_BYTES
from hallnet.wire.trust.v1 import journal_pb2 as wire_trust

_log = logging.getLogger("hallnet.exchange")
_NUMBER = tables.journal_number


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a number began."""

    number: int
    start: int
    """So many entries the journal had."""
    began_at: datetime
    lost_end: int = 0
    """Up to where a neighbour saw it under the number before; 0 if nobody saw more than is here."""
    lost_at: datetime | None = None
    """When that came to light."""


def current(connection: Connection) -> int:
    """The number of the own journal."""
    found = connection.execute(select(tables.journal_head.c.number)).scalar_one_or_none()
    return int(found or 1)


def beginnings(connection: Connection) -> list[Beginning]:
    """Of all numbers behind the first, in their order."""
    rows = connection.execute(select(_NUMBER).order_by(_NUMBER.c.number))
    return [
        Beginning(row.number, row.start, row.began_at, row.lost_end, row.lost_at) for row in rows
    ]


def begin(connection: Connection, context: Context, number: int, now: datetime) -> list[Entry]:
    """From here on the journal has a new number, which its first entry says; returns the entries for the feed."""
    start = journal_store.size(connection)
    _log.warning("the journal goes on from entry %d under the number %d", start, number)
    values = {"number": number, "start": start, "began_at": now, "lost_end": 0}
    connection.execute(insert(_NUMBER).values(**values))
    head = upsert(connection, tables.journal_head).values(id=1, number=number, size=start)
    connection.execute(head.on_conflict_do_update(index_elements=["id"], set_={"number": number}))
    last = journal_store.newest_head(connection, context)
    digest = journal_store.checkpoint_digest(last) if last else bytes(DIGEST_BYTES)
    # Within this transaction alone it is sure; for all others once it is committed.
    sure = copy(context)
    sure.is_sure, sure.journal_number = True, number
    return _record(connection, sure, OwnJournalRenumbered.reason, digest, now)


def note_lost(
    connection: Connection, context: Context, seen: Sequence[SignedCheckpoint], now: datetime
) -> list[Entry]:
    """Whether one of the own heads that a neighbour shows goes beyond where the next number began: then entries
    are lost that it saw. Noted once for each number; returns the entries for the feed."""
    for head in seen:
        shown, row = head.checkpoint, _next_number(connection, head)
        if row is None or shown.size <= row.start or row.lost_at is not None:
            continue
        _log.critical("entries %d to %d of the journal are lost", row.start, shown.size - 1)
        connection.execute(
            update(_NUMBER)
            .where(_NUMBER.c.number == row.number)
            .values(lost_end=shown.size, lost_at=now)
        )
        digest = journal_store.checkpoint_digest(head)
        return _record(connection, context, OwnJournalRewound.reason, digest, now)
    return []


def saw_more(connection: Connection, seen: Sequence[SignedCheckpoint]) -> bool:
    """Whether one of the own heads goes beyond where the next number began."""
    nexts = [(head.checkpoint.size, _next_number(connection, head)) for head in seen]
    return any(row is not None and size > row.start for size, row in nexts)


def _next_number(connection: Connection, head: SignedCheckpoint) -> Beginning | None:
    number = head.checkpoint.number
    return next((one for one in beginnings(connection) if one.number > number), None)


def _record(
    connection: Connection, context: Context, reason: str, digest: bytes, now: datetime
) -> list[Entry]:
    incident = wire_trust.Incident(
        reason=reason,
        neighbour=str(context.here),
        digest=digest,
        at=to_timestamp(now),
        claimed_from=str(context.here),
    )
    return record_incident(connection, context, incident, now)
