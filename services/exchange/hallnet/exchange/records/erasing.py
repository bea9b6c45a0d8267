"""Erasing what was in envelopes after its retention: headers, receipts, journal and proofs stay.

A header commits to its content under a salt that lies in the content. So what stays proves that the
envelope was sent, taken and judged, and tells nothing of what it said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from hallnet.exchange import contents, tables
from hallnet.federation import delivery, limits
from hallnet.federation.delivery import State
from hallnet.problems import Kind, Problem
from hallnet.store import Connection

ROWS_AT_ONCE = 100
"""Envelopes whose content is erased in one transaction."""


class RetentionTooShort(Problem):
    """Content is to be erased that may still be asked for."""

    kind = Kind.INVALID
    reason = "RETENTION_TOO_SHORT"
    zh = "{days}天以内的内容可能仍需重发，不能清除"
    zh_remedy = "请将截止时间提前"
    en = "Content of the last {days} days may have to be sent again and cannot be erased"
    en_remedy = "Choose an earlier moment"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many of each were erased."""

    sent: int = 0
    received: int = 0
    keys: int = 0
    feed_entries: int = 0

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            self.sent + other.sent,
            self.received + other.received,
            self.keys + other.keys,
            self.feed_entries + other.feed_entries,
        )


def require_over(before: datetime, now: datetime) -> None:
    """Check that all that was settled before a moment is settled for good.

    Raises RetentionTooShort.
    """
    if before > now - limits.LIFETIME:
        raise RetentionTooShort("before", days=limits.LIFETIME.days)


def erase_some(connection: Connection, before: datetime, subject: str) -> Erased:
    """Erase the content of some envelopes that were settled before a moment; nothing if none is left.

    Of one matter, or of all if `subject` is empty; of all, the entries of the own feed go as well, in
    which other services were told of them.
    """
    erased = _erase_sent(connection, before, subject)
    erased += _erase_received(connection, before, subject)
    if not subject:
        entries = tables.feed.prune(connection, before, ROWS_AT_ONCE)
        erased += Erased(feed_entries=entries)
    return erased


def begin_record(
    connection: Connection,
    before: datetime,
    subject: str,
    actor_id: str,
    purpose: str,
    now: datetime,
) -> int:
    """Keep who has what erased, and why, before anything is; returns the number of the record."""
    values = {"at": now, "actor_id": actor_id, "subject": subject, "before": before}
    statement = insert(tables.erasure_record).values(
        **values, purpose=purpose, sent=0, received=0, keys=0, feed_entries=0
    )
    position: int = connection.execute(
        statement.returning(tables.erasure_record.c.position)
    ).scalar_one()
    return position


def end_record(connection: Connection, position: int, erased: Erased) -> None:
    """Keep with it what was erased."""
    table = tables.erasure_record
    connection.execute(update(table).where(table.c.position == position).values(**asdict(erased)))


def _erase_sent(connection: Connection, before: datetime, subject: str) -> Erased:
    table, sent = tables.delivery, tables.sent
    settled = table.c.state.not_in(delivery.OPEN) & ~table.c.queued & (table.c.changed_at < before)
    unsealed = (table.c.state == State.EXPIRED) & table.c.payload.is_not(None)
    connection.execute(
        update(table).where(settled, unsealed, *_of(table.c.subject, subject)).values(payload=None)
    )
    rows = connection.execute(
        select(sent.c.leaf_index, sent.c.sealed_body)
        .join(table, table.c.leaf_index == sent.c.leaf_index)
        .where(settled, sent.c.sealed_body.is_not(None), *_of(table.c.subject, subject))
        .limit(ROWS_AT_ONCE)
    ).all()
    this = sent.c.leaf_index.in_([row.leaf_index for row in rows])
    connection.execute(update(sent).where(this).values(sealed_body=None))
    return Erased(sent=len(rows), keys=_drop_keys(connection, [row.sealed_body for row in rows]))


def _erase_received(connection: Connection, before: datetime, subject: str) -> Erased:
    table = tables.reception
    rows = connection.execute(
        select(table.c.position, table.c.sealed_body)
        .where(
            table.c.received_at < before,
            table.c.sealed_body.is_not(None),
            *_of(table.c.subject, subject),
        )
        .limit(ROWS_AT_ONCE)
    ).all()
    this = table.c.position.in_([row.position for row in rows])
    connection.execute(update(table).where(this).values(sealed_body=None))
    return Erased(
        received=len(rows), keys=_drop_keys(connection, [row.sealed_body for row in rows])
    )


def _of(column: ColumnElement[Any], subject: str) -> list[ColumnElement[bool]]:
    return [column == subject] if subject else []


def _drop_keys(connection: Connection, bodies: Iterable[bytes]) -> int:
    """Give up the keys of erased bodies; returns how many keys open nothing any more and are gone."""
    table = tables.content_key
    uses = Counter(map(contents.key_of, bodies))
    for key, count in uses.items():
        this = table.c.id == key
        connection.execute(update(table).where(this).values(uses=table.c.uses - count))
    return connection.execute(delete(table).where(table.c.id.in_(uses), table.c.uses <= 0)).rowcount
