"""A neighbour lost its records: what it was sent since its backup goes to it again.

It takes what it does not know as it took it before, and answers what it knows with the original receipt. So
nothing has to be known of what exactly it lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.attachments import CHUNK_KIND
from hallnet.exchange.context import Context
from hallnet.exchange.journal import continuity, journal_store, numbering
from hallnet.exchange.queue import parcels
from hallnet.federation.delivery import State
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.wire.exchange.v1 import link_pb2 as wire

TAKEN = (State.ACCEPTED, State.HELD)
MARGIN = timedelta(days=1)
"""So much more is sent again as two clocks may have been apart."""
RESEND_EVERY = timedelta(hours=1)
"""A neighbour that says again and again that it lost its records is answered no more often."""


def wish(connection: Connection, context: Context, now: datetime) -> wire.Restored | None:
    """What a hall that lost records asks its neighbours; None for one that did not, or long ago."""
    lost = [(gap.start, gap.stop, found_at) for gap, found_at in continuity.gaps(connection)]
    # Behind those that are lost under an older number the new one began, as neighbours see.
    lost += [
        (one.start, one.start + 1, one.lost_at)
        for one in numbering.beginnings(connection)
        if one.lost_at is not None
    ]
    start, end, found_at = max(lost, key=lambda one: one[2], default=(0, 0, None))
    if found_at is None or now - found_at > parcels.RELAYED_KEPT_FOR:
        return None
    since = found_at - parcels.RELAYED_KEPT_FOR
    if start:
        since = journal_store.head_of_size(connection, context, start).checkpoint.at
    return wire.Restored(end=end, since=to_timestamp(since))


def send_again(
    connection: Connection, neighbour: Address, message: wire.Hello, now: datetime
) -> None:
    """Put what a neighbour lost on its queue again, once for each loss.

    What is urgent goes first, as ever. Chunks of materials are not kept when they were taken.
    """
    table = tables.link
    this = table.c.neighbour == str(neighbour)
    link = connection.execute(select(table).where(this)).one()
    lost = message.restored
    # Of a journal that long this hall has seen the end, or the loss is not one.
    if not message.HasField("restored") or not link.resent_end < lost.end <= link.end_size:
        return
    if link.resent_at is not None and now - link.resent_at < RESEND_EVERY:
        return
    try:
        since = from_timestamp(lost.since) - MARGIN
    except (ValueError, OverflowError):
        return
    _own(connection, neighbour, since)
    parcels.send_again(connection, neighbour, since, now)
    connection.execute(update(table).where(this).values(resent_end=lost.end, resent_at=now))


def _own(connection: Connection, neighbour: Address, since: datetime) -> None:
    """Own envelopes that were taken; those that have no verdict are sent again in any case. What was refused stays refused,
    for the sender has drawn the consequence."""
    table, sent = tables.delivery, tables.sent
    has_body = select(sent.c.leaf_index).where(
        sent.c.leaf_index == table.c.leaf_index, sent.c.sealed_body.is_not(None)
    )
    connection.execute(
        update(table)
        .where(
            table.c.neighbour == str(neighbour),
            table.c.state.in_(TAKEN),
            table.c.changed_at >= since,
            table.c.kind != CHUNK_KIND,
            has_body.exists(),
        )
        .values(queued=True)
    )
