"""Sending: what waits is handed to its channel until that takes it, or is given up for a person to see to."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from hallnet.federation.backoff import NOTICE
from hallnet.notify import tables
from hallnet.notify.channels import Channel, Notice, NotTaken
from hallnet.notify.wording import Audience
from hallnet.notify.writing import State
from hallnet.store import Connection, Database

ATTEMPTS_MAX = 24
DUE_ROWS_MAX = 50

_log = logging.getLogger("hallnet.notify")


async def send_due(database: Database, channel: Channel, clock: Callable[[], datetime]) -> int:
    """Try the notices that are due on a channel, the longest due first; returns how many."""
    now = clock()
    due = await database.read(lambda c: _due(c, channel.name, now))
    for row in due:
        error = await _try(channel, row)
        moment = clock()
        await database.write(
            lambda c, row=row, error=error, moment=moment: _note(  # type: ignore[misc]
                c, row, error, moment, random.random()
            )
        )
    return len(due)


async def _try(channel: Channel, row: Row[Any]) -> str:
    """Why the channel did not take a notice; empty if it did."""
    notice = Notice(
        row.notice_id,
        row.subject,
        Audience(row.audience).name.lower(),
        row.address,
        row.text,
        row.written_at,
    )
    try:
        await channel.send(notice)
    except NotTaken as failure:
        return str(failure)
    return ""


def _due(connection: Connection, channel: str, now: datetime) -> Sequence[Row[Any]]:
    table = tables.notice
    return connection.execute(
        select(table)
        .where(
            table.c.channel == channel,
            table.c.state == State.WAITING,
            table.c.next_try_at <= now,
        )
        .order_by(table.c.next_try_at, table.c.position)
        .limit(DUE_ROWS_MAX)
    ).all()


def _note(connection: Connection, row: Row[Any], error: str, now: datetime, jitter: float) -> None:
    """What became of a try: sent, to be tried again, or given up for a person to see to."""
    attempts = row.attempts + 1
    values: dict[str, object] = {"attempts": attempts, "last_error": error}
    if not error:
        values |= {"state": State.SENT, "sent_at": now}
    elif attempts >= ATTEMPTS_MAX:
        _log.warning("notice %s is given up on %s: %s", row.notice_id, row.channel, error)
        values["state"] = State.GIVEN_UP
    else:
        values["next_try_at"] = NOTICE.next_try(attempts, now, jitter)
    table = tables.notice
    connection.execute(
        update(table)
        # What another process sent meanwhile stays sent.
        .where(table.c.position == row.position, table.c.state == State.WAITING)
        .values(**values)
    )
