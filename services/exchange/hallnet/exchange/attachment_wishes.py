"""Materials that are to go: what is wished, how much of each was sent, and what came back.

A material goes to a recipient once, however many messages name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update

from hallnet.exchange import attachments, tables
from hallnet.federation import chunks, limits
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.trust.receipt import Verdict

PORTIONS_MAX = 20
_WISH = tables.attachment_wish.c
_under_way = func.sum(_WISH.sent - _WISH.answered)
_ROOM = (
    select(_WISH.recipient, _under_way.label("chunks"))
    .where(~_WISH.done)
    .group_by(_WISH.recipient)
    .having(_under_way < limits.ATTACHMENT_WINDOW_CHUNKS)
)
_goes_on = (_WISH.answered > 0) & (_WISH.sent * limits.ATTACHMENT_CHUNK_BYTES < _WISH.size)
_WAITING = (
    select(tables.attachment_wish)
    .where(
        ~_WISH.done,
        _WISH.recipient.in_(bindparam("with_room", expanding=True)),
        (_WISH.sent == 0) | _goes_on,
    )
    .order_by(_WISH.position)
    .limit(PORTIONS_MAX)
)
"""Made once: they are asked after every batch."""


@dataclass(frozen=True, slots=True)
class AttachmentWish:
    """A material of this node that is to be sent."""

    digest: bytes
    recipient: Address
    size: int
    subject: str


@dataclass(frozen=True, slots=True)
class Portion:
    """The chunks of a wish that go next."""

    position: int
    wish: AttachmentWish
    numbers: range

    @property
    def offset(self) -> int:
        return self.numbers.start * limits.ATTACHMENT_CHUNK_BYTES

    @property
    def length(self) -> int:
        """In bytes."""
        end = self.numbers.stop * limits.ATTACHMENT_CHUNK_BYTES
        return min(end, self.wish.size) - self.offset


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of an envelope that carries a chunk."""

    reference: str
    verdict: Verdict | None
    reason: str


def reference_of(position: int, count: int) -> str:
    """What an envelope is called that carries so many chunks of a wish, so that its receipt counts for them."""
    return f"{position}*{count}"


def _referred(reference: str) -> tuple[int, int] | None:
    """Which wish, and how many of its chunks."""
    position, _, count = reference.partition("*")
    return (int(position), int(count)) if position.isdecimal() and count.isdecimal() else None


def wish_for(connection: Connection, wishes: Iterable[AttachmentWish], now: datetime) -> None:
    """Remember what is to be sent; what a recipient has been sent or sent itself is not sent again.

    One that was given up begins anew.
    """
    table = tables.attachment_wish
    for wish in wishes:
        sane = len(wish.digest) == attachments.DIGEST_BYTES
        if not sane or wish.size > limits.ATTACHMENT_BYTES_MAX:
            continue
        if attachments.is_from(connection, wish.digest, wish.recipient):
            continue
        this = (table.c.digest == wish.digest) & (table.c.recipient == str(wish.recipient))
        connection.execute(delete(table).where(this, table.c.reason != ""))
        statement = upsert(connection, table).values(
            digest=wish.digest,
            recipient=str(wish.recipient),
            size=wish.size,
            subject=wish.subject,
            sent=0,
            answered=0,
            done=False,
            reason="",
            changed_at=now,
        )
        connection.execute(statement.on_conflict_do_nothing())


def next_portions(connection: Connection) -> list[Portion]:
    """What may be sealed now: to no recipient more than its window, the oldest wishes first."""
    rows = connection.execute(_ROOM)
    room = {row.recipient: limits.ATTACHMENT_WINDOW_CHUNKS - int(row.chunks) for row in rows}
    if not room:
        return []
    portions = []
    for row in connection.execute(_WAITING, {"with_room": list(room)}):
        numbers = chunks.next_to_send(row.size, row.sent, row.answered, room[row.recipient])
        if numbers:
            room[row.recipient] -= len(numbers)
            portions.append(Portion(row.position, _wish(row), numbers))
    return portions


def note_sent(connection: Connection, portion: Portion) -> bool:
    """Count the chunks of a portion; False if somebody else sealed them meanwhile."""
    table = tables.attachment_wish
    as_before = (table.c.position == portion.position) & (table.c.sent == portion.numbers.start)
    return bool(
        connection.execute(
            update(table).where(as_before, ~table.c.done).values(sent=portion.numbers.stop)
        ).rowcount
    )


def give_up(connection: Connection, position: int, reason: str) -> None:
    table = tables.attachment_wish
    connection.execute(
        update(table)
        .where(table.c.position == position, ~table.c.done)
        .values(done=True, reason=reason)
    )


def note_ended(connection: Connection, ended: Sequence[Ended], now: datetime) -> None:
    """Count receipts; one that is not for the good ends the whole."""
    accepted: dict[int, int] = {}
    for item in ended:
        referred = _referred(item.reference)
        if referred is None:
            continue
        position, count = referred
        if item.verdict is not Verdict.ACCEPTED:
            give_up(connection, position, item.reason or "NOT_ACCEPTED")
        elif item.reason == attachments.HERE:
            _done(connection, position, now)
        else:
            accepted[position] = accepted.get(position, 0) + count
    for position, count in accepted.items():
        _note_accepted(connection, position, count, now)


def open_ones(connection: Connection, digests: Sequence[bytes], limit: int) -> Sequence[Row[Any]]:
    """Wishes that are not fulfilled, the oldest first."""
    table = tables.attachment_wish
    query = select(table).where(~table.c.done)
    if digests:
        query = query.where(table.c.digest.in_(digests))
    return connection.execute(query.order_by(table.c.position).limit(limit)).all()


_COUNT_OPEN = select(func.count()).where(~tables.attachment_wish.c.done)


def count_open(connection: Connection) -> int:
    return connection.execute(_COUNT_OPEN).scalar_one()


def _note_accepted(connection: Connection, position: int, count: int, now: datetime) -> None:
    table = tables.attachment_wish
    row = connection.execute(
        update(table)
        .where(table.c.position == position, ~table.c.done)
        .values(answered=table.c.answered + count)
        .returning(table.c.size, table.c.answered)
    ).one_or_none()
    if row is not None and row.answered >= chunks.count_of(row.size):
        _done(connection, position, now)


def _done(connection: Connection, position: int, now: datetime) -> None:
    table = tables.attachment_wish
    done = update(table).where(table.c.position == position).values(done=True, changed_at=now)
    connection.execute(done)


def _wish(row: Row[Any]) -> AttachmentWish:
    return AttachmentWish(row.digest, Address.parse(row.recipient), row.size, row.subject)
