"""After this hall lost records: it asks for what it had said itself, and says when it has waited long enough."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, exists, func, insert, select, update

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, journal_store, numbering
from hallnet.exchange.queue import outgoing
from hallnet.exchange.queue.parcels import RELAYED_KEPT_FOR
from hallnet.exchange.queue.sealing import Wish
from hallnet.exchange.recovery.giving_back import (
    KEPT_FOR,
    SUBJECT,
    WANTED_KIND,
    is_said_again,
    refused_for_clock,
)
from hallnet.federation import limits
from hallnet.federation.delivery import State
from hallnet.federation.problems import ClockAhead
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.trust.envelope import Urgency
from hallnet.wire.exchange.v1 import returning_pb2 as wire_returning
from hallnet.wire.feed.v1 import feed_pb2 as wire_feed

HALLS_ASKED_MAX = 256
"""For one loss: neighbours, halls with which this one had to do last, and those that come to light."""
RECENT_ROWS = 2_000
"""Of the newest records, to see with which halls this one had to do."""

_log = logging.getLogger("hallnet.exchange")
_ASKED, _RECOVERY = tables.recovery_asked, tables.recovery


@dataclass(frozen=True, slots=True)
class Lost:
    """Entries of the own journal that are not here."""

    places: range
    before_number: int = 0
    """The number under which the journal went on beside them; 0 if it went on behind them."""

    def of(self, table: Table) -> Any:
        """The rows of a table that are of this loss."""
        return (table.c.before_number == self.before_number) & (table.c.end == self.places.stop)


def _losses(connection: Connection) -> list[Lost]:
    """The newest gap, and what came to light of older numbers."""
    found = [Lost(gap) for gap, _ in continuity.gaps(connection)[-1:]]
    older = [one for one in numbering.beginnings(connection) if one.lost_at is not None]
    return found + [Lost(range(one.start, one.lost_end), one.number) for one in older]


def begin(connection: Connection, context: Context, now: datetime) -> list[Entry]:
    """If records were lost and nobody was asked yet, ask for the own words; returns the entries for the feed.

    A hall that went on under a new number acts already: it does not wait for what it had said before.
    """
    entries = []
    for lost in _losses(connection):
        if connection.execute(select(_RECOVERY.c.end).where(lost.of(_RECOVERY))).first():
            continue
        row = {"before_number": lost.before_number, "end": lost.places.stop, "began_at": now}
        ended_at = now if lost.before_number else None
        connection.execute(insert(_RECOVERY).values(**row, ended_at=ended_at))
        halls = sorted(context.neighbours())
        if now - _newest_records(connection, context, lost.places, now) > RELAYED_KEPT_FOR:
            # Neighbours no longer know all that went through them.
            halls += _recent(connection)
        entries += ask(connection, context, lost, halls, now)
    return entries


def ask(
    connection: Connection, context: Context, lost: Lost, halls: Iterable[Address], now: datetime
) -> list[Entry]:
    """Ask halls that were not asked yet."""
    of_loss = lost.of(_ASKED)
    known = set(connection.scalars(select(_ASKED.c.hall).where(of_loss)))
    fresh = [
        hall for hall in dict.fromkeys(halls) if hall != context.here and str(hall) not in known
    ][: max(HALLS_ASKED_MAX - len(known), 0)]
    if not fresh:
        return []
    connection.execute(
        insert(_ASKED),
        [
            {
                "before_number": lost.before_number,
                "end": lost.places.stop,
                "hall": str(hall),
                "asked_at": now,
                "returned": 0,
                "refused": 0,
            }
            for hall in fresh
        ],
    )
    return _send(connection, context, lost, fresh, now)


def ask_again(connection: Connection, context: Context, now: datetime) -> tuple[int, list[Entry]]:
    """Ask those anew that refused the question because the clock of this hall was ahead; as long as they would answer,
    for what comes late is taken in as well.

    Returns how many were asked, and the entries for the feed.
    """
    asked, entries = 0, []
    for lost in _losses(connection):
        refused = _refused(connection, lost, now).items()
        due = [Address.parse(hall) for hall, asked_at in refused if is_said_again(asked_at, now)]
        if due:
            asked += len(due)
            entries += _send(connection, context, lost, due, now)
    return asked, entries


def is_to_ask_again(connection: Connection, now: datetime) -> bool:
    """Whether a question was refused because the clock of this hall was ahead. Most halls never asked anything."""
    if connection.execute(select(_ASKED.c.hall).where(_waits(now)).limit(1)).first() is None:
        return False
    return any(_refused(connection, lost, now) for lost in _losses(connection))


def _waits(now: datetime) -> Any:
    """Halls that did not answer, and would still."""
    return _ASKED.c.answered_at.is_(None) & (_ASKED.c.asked_at > now - KEPT_FOR)


def _refused(connection: Connection, lost: Lost, now: datetime) -> dict[str, datetime]:
    silent = select(_ASKED.c.hall).where(lost.of(_ASKED), _waits(now))
    return refused_for_clock(connection, WANTED_KIND, connection.scalars(silent).all())


def _send(
    connection: Connection, context: Context, lost: Lost, halls: Iterable[Address], now: datetime
) -> list[Entry]:
    wanted = wire_returning.WordsWanted(
        start=lost.places.start,
        end=lost.places.stop,
        since=to_timestamp(_newest_records(connection, context, lost.places, now)),
        before_number=lost.before_number,
    ).SerializeToString()
    wishes = [Wish(hall, WANTED_KIND, SUBJECT, Urgency.URGENT, wanted) for hall in halls]
    return outgoing.send(connection, context, wishes, now)


def _newest_records(
    connection: Connection, context: Context, places: range, now: datetime
) -> datetime:
    if not places.start:
        return now - limits.LIFETIME
    return journal_store.head_of_size(connection, context, places.start).checkpoint.at


def _recent(connection: Connection) -> list[Address]:
    """Halls with which this one had to do before its records were lost."""
    found: list[str] = []
    for table, column in (
        (tables.delivery, tables.delivery.c.recipient),
        (tables.reception, tables.reception.c.sender),
    ):
        newest = select(column.label("hall")).order_by(table.c.position.desc()).limit(RECENT_ROWS)
        some = newest.subquery()
        found += connection.scalars(select(some.c.hall).distinct().order_by(some.c.hall))
    return [Address.parse(text) for text in found]


_was_not_taken = exists().where(
    tables.delivery.c.kind == WANTED_KIND,
    tables.delivery.c.recipient == _ASKED.c.hall,
    tables.delivery.c.wanted_at >= _ASKED.c.asked_at,
    tables.delivery.c.state.in_([State.REFUSED, State.EXPIRED, State.DROPPED]),
    tables.delivery.c.reason != ClockAhead.reason,
)
"""The question ended without an answer: there is no way to that hall, or none that takes it. What was refused for a clock
is asked again."""


def end_if_due(connection: Connection, context: Context, now: datetime) -> bool:
    """Go on once all halls that were asked have answered, or when it takes too long; True if it ended.

    What comes later is taken in all the same. A clock that went back meanwhile does not make it take longer.
    """
    query = select(_RECOVERY).where(_RECOVERY.c.ended_at.is_(None)).with_for_update()
    open_ones = connection.execute(query).all()
    ended = False
    for row in open_ones:
        silent = connection.scalars(
            select(_ASKED.c.hall).where(
                Lost(range(row.end), row.before_number).of(_ASKED),
                _ASKED.c.answered_at.is_(None),
                ~_was_not_taken,
            )
        ).all()
        this = Lost(range(row.end), row.before_number).of(_RECOVERY)
        if now < row.began_at:
            connection.execute(update(_RECOVERY).where(this).values(began_at=now))
        if silent and now - row.began_at < context.words_awaited_for:
            continue
        if silent:
            _log.warning("gone on without what was said to %s", ", ".join(sorted(silent)))
        connection.execute(update(_RECOVERY).where(this).values(ended_at=now))
        _tell_end(connection, row.end, now)
        ended = True
    return ended


def _tell_end(connection: Connection, end: int, now: datetime) -> None:
    gap = continuity.gap_before(connection, end)
    assert gap is not None
    restored = wire_feed.JournalRestored(start=gap.start, end=end)
    entry = Entry("journal.recovered", "", restored.SerializeToString(), now)
    tables.returned.append(connection, [entry])


def is_under_way(connection: Connection) -> bool:
    """Whether this hall still waits for its own words."""
    query = select(func.count()).select_from(_RECOVERY).where(_RECOVERY.c.ended_at.is_(None))
    return bool(connection.execute(query).scalar_one())


def loss_of(connection: Connection, message: wire_returning.WordsReturned) -> Lost | None:
    """The loss of which words are given back; None if there is none."""
    if not message.before_number:
        gap = continuity.gap_before(connection, message.end)
        return Lost(gap) if gap is not None else None
    named = (message.before_number, message.end)
    older = (lost for lost in _losses(connection) if lost.before_number)
    return next((lost for lost in older if (lost.before_number, lost.places.stop) == named), None)
