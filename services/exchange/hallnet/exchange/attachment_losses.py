"""Another hall lost its records: the materials that it had then go to it again.

What was on its way to it begins anew, and what had come from it goes back. Of each the first chunk goes alone, as
ever: what the hall still has costs no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select

from hallnet.exchange import attachments, tables
from hallnet.exchange.attachments import Check, State
from hallnet.exchange.context import Context
from hallnet.federation import limits
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert

ANEW_MAX = 10_000
"""So many materials of each kind, the newest, go again after a loss."""

_WISH, _COPY, _GIVING = tables.attachment_wish.c, tables.attachment.c, tables.giving_back.c


def send_anew(connection: Connection, hall: Address, since: datetime, now: datetime) -> None:
    """Wish for a hall all materials that went to it or came from it since a moment."""
    _begin_anew(connection, hall, since, now)
    _give_back(connection, hall, since, now)


def end_check(connection: Connection, context: Context, check: Check, now: datetime) -> list[Entry]:
    """Say what was found of a material that came; returns the entries for the feed.

    One that its sender had sealed before it asked for what it lost goes back: `send_anew` could not find it yet.
    """
    entries = check.end(connection, context, now)
    digest, sender, _ = check.copy
    usable = select(tables.attachment).where(
        _COPY.digest == digest, _COPY.sender == sender, _COPY.state == State.USABLE
    )
    asked_at = connection.scalar(select(func.max(_GIVING.asked_at)).where(_GIVING.hall == sender))
    if asked_at is not None:
        late = usable.where(_COPY.sealed_at < asked_at + limits.CLOCK_SKEW_MAX)
        _wish(connection, Address.parse(sender), connection.execute(late).all(), now)
    return entries


def _begin_anew(connection: Connection, hall: Address, since: datetime, now: datetime) -> None:
    """What the hall had confirmed of them it may have lost, so they go as if nothing had gone yet."""
    sent = (_WISH.recipient == str(hall)) & (_WISH.sent > 0) & (_WISH.reason == "")
    under_way = select(tables.attachment_wish).where(sent, ~_WISH.done).limit(ANEW_MAX)
    ended = (
        select(tables.attachment_wish)
        .where(sent, _WISH.done, _WISH.changed_at >= since)
        .order_by(_WISH.changed_at.desc())
        .limit(ANEW_MAX)
    )
    found = [*connection.execute(under_way), *connection.execute(ended)]
    connection.execute(
        delete(tables.attachment_wish).where(_WISH.position.in_([row.position for row in found]))
    )
    _wish(connection, hall, found, now)


def _give_back(connection: Connection, hall: Address, since: datetime, now: datetime) -> None:
    """It had them from its own counters, so nobody else sends them with a case."""
    query = (
        select(tables.attachment)
        .where(
            _COPY.sender == str(hall),
            _COPY.state.in_(attachments.HERE_STATES),
            _COPY.changed_at >= since,
        )
        .order_by(_COPY.changed_at.desc())
        .limit(ANEW_MAX)
    )
    _wish(connection, hall, connection.execute(query).all(), now)


def _wish(
    connection: Connection, hall: Address, materials: Sequence[Row[Any]], now: datetime
) -> None:
    """Under new positions: receipts for what went before do not count. The oldest go first."""
    rows = [
        {
            "digest": row.digest,
            "recipient": str(hall),
            "size": row.size,
            "subject": row.subject,
            "sent": 0,
            "answered": 0,
            "done": False,
            "reason": "",
            "changed_at": now,
        }
        for row in sorted(materials, key=lambda row: row.changed_at)
    ]
    if rows:
        statement = upsert(connection, tables.attachment_wish)
        connection.execute(statement.on_conflict_do_nothing(), rows)
