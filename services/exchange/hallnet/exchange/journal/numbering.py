"""The numbers of the own journal: under which one it goes on after a start without the word of the parent.

Only the parent may have seen the last entries before that start. If it did and they are lost here, a journal
that went on as before would have two pasts. Under a new number it is another journal, which begins with all
that is here: whoever saw no more gets the proof of that, and whoever saw more shows what is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import journal_store
from hallnet.exchange.journal.incidents import record_doubt
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.trust.evidence import SignedCheckpoint
from hallnet.trust.problems import OwnJournalRenumbered, OwnJournalRewound

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


_CURRENT = select(tables.journal_head.c.number)
_BEGINNINGS = select(_NUMBER).order_by(_NUMBER.c.number)
"""Made once: they are asked for each hello."""


def current(connection: Connection) -> int:
    """The number of the own journal."""
    found = connection.execute(_CURRENT).scalar_one_or_none()
    return int(found or 1)


def beginnings(connection: Connection) -> list[Beginning]:
    """Of all numbers behind the first, in their order."""
    rows = connection.execute(_BEGINNINGS)
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
    sure = context.once_sure(number)
    return record_doubt(connection, sure, context.here, OwnJournalRenumbered, last, now)


def note_lost(
    connection: Connection,
    context: Context,
    neighbour: Address,
    seen: Sequence[SignedCheckpoint],
    now: datetime,
) -> list[Entry]:
    """Whether one of the own heads that a neighbour shows goes beyond where the next number began: then entries
    are lost that it saw. Noted once for each number; returns the entries for the feed."""
    for head, row in _lost(connection, seen):
        if row.lost_at is not None:
            continue
        end = head.checkpoint.size
        _log.critical("entries %d to %d of the journal are lost", row.start, end - 1)
        connection.execute(
            update(_NUMBER).where(_NUMBER.c.number == row.number).values(lost_end=end, lost_at=now)
        )
        return record_doubt(connection, context, neighbour, OwnJournalRewound, head, now)
    return []


def saw_more(connection: Connection, seen: Sequence[SignedCheckpoint]) -> bool:
    """Whether one of the own heads goes beyond where the next number began."""
    return bool(_lost(connection, seen))


def _lost(
    connection: Connection, seen: Sequence[SignedCheckpoint]
) -> list[tuple[SignedCheckpoint, Beginning]]:
    """Of the own heads those that go beyond where the next number began, each with that number."""
    behind = beginnings(connection)
    nexts = [
        (head, next((one for one in behind if one.number > head.checkpoint.number), None))
        for head in seen
    ]
    return [(head, row) for head, row in nexts if row and head.checkpoint.size > row.start]
