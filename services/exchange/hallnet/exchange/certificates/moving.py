"""Changes of address in their time: a hall goes on under another address only once it is closed.

A result that comes back to the old address after the change goes to the new one, which did not hand the case
over. So a move that lies ahead is noted here and stated to the network in its moment, if the hall is closed by then;
if not it is held, people are told, and it is stated as soon as the hall is closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.message import DecodeError
from sqlalchemy import delete, insert, select, update

from hallnet.codec.moments import to_timestamp
from hallnet.exchange import tables
from hallnet.exchange.certificates import succeeding
from hallnet.exchange.certificates.succeeding import NothingToWithdraw
from hallnet.exchange.context import Context
from hallnet.places import Address
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.upsert import upsert
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire
from hallnet.wire.intake.v1 import intake_service_pb2 as wire_intake
from hallnet.wire.trust.v1 import certificate_pb2 as wire_trust

STATE_KIND = "hall.state"
"""Kind of the entry with which the intake tells how a hall stands."""
HELD_KIND = "move.held"
"""Kind of the entry with which people are told that a move waits for its hall; its payload is words."""
TELL_AGAIN_AFTER = timedelta(days=1)
_MOVE = tables.planned_move


class HallNotClosed(Problem):
    """A hall that is open is to go on under another address at once."""

    kind = Kind.CONFLICT
    reason = "HALL_NOT_CLOSED"
    zh = "{hall}尚未关闭，不能立即变更地址：此后返回的办理结果会送到{successor}，而该厅并未转出这些办件"
    zh_remedy = "请用--from指定将来的生效时间，并在此之前关闭该厅（hallnet hall close）；该厅已无法恢复时用--gone"
    en = (
        "{hall} is not closed, so it cannot go on under another address at once: results that come back would go "
        "to {successor}, which did not hand those cases over"
    )
    en_remedy = (
        "Give a moment that lies ahead with --from, and close the hall before it (hallnet hall close); with --gone "
        "if that hall is lost for good"
    )


def move(
    connection: Connection,
    context: Context,
    predecessor: Address,
    successor: Address,
    reason: str,
    effective_at: datetime,
    now: datetime,
    gone: bool = False,
) -> wire_trust.Succession | None:
    """State a change of address, or note one that lies ahead; the statement if it is in effect now.

    `gone` is for a hall that is lost for good and cannot be closed. Raises HallNotClosed or what
    `succeeding.require_declarable` and `declare_succession` raise.
    """
    succeeding.require_declarable(context, predecessor, successor, reason)
    if effective_at > now:
        _note(connection, predecessor, successor, reason.strip(), effective_at, gone)
        return None
    if not gone and not is_closed(connection, predecessor):
        raise HallNotClosed("predecessor", hall=predecessor, successor=successor)
    _forget(connection, predecessor)
    return succeeding.declare_succession(
        connection, context, predecessor, successor, reason, now, now
    )


def withdraw(
    connection: Connection,
    context: Context,
    predecessor: Address,
    successor: Address,
    reason: str,
    now: datetime,
) -> wire_trust.Succession | None:
    """Take back a move that is not in effect; the statement of it if one had been made.

    Raises NothingToWithdraw, NotAboveBoth, SuccessionUnusable.
    """
    succeeding.require_declarable(context, predecessor, successor, reason)
    same = (_MOVE.c.predecessor == str(predecessor)) & (_MOVE.c.successor == str(successor))
    if connection.execute(delete(_MOVE).where(same)).rowcount:
        return None
    stated = context.trust.succession_of(predecessor)
    if stated is None:
        raise NothingToWithdraw("predecessor", predecessor=predecessor, successor=successor)
    return succeeding.declare_succession(
        connection, context, predecessor, successor, reason, now, now, withdrawn=True
    )


def carry_out(connection: Connection, context: Context, now: datetime) -> list[Entry]:
    """State the moves whose moment has come and whose hall is closed; what people are to be told of the others.

    The journal has to be sure.
    """
    told: list[Entry] = []
    rows = connection.execute(select(_MOVE).where(_MOVE.c.effective_at <= now)).all()
    for row in rows:
        predecessor, successor = Address.parse(row.predecessor), Address.parse(row.successor)
        if row.gone or is_closed(connection, predecessor):
            if _forget(connection, predecessor):
                succeeding.declare_succession(
                    connection, context, predecessor, successor, row.reason, now, now
                )
        elif row.told_at is None or row.told_at + TELL_AGAIN_AFTER <= now:
            same = _MOVE.c.predecessor == row.predecessor
            connection.execute(update(_MOVE).where(same).values(told_at=now))
            words = f"{row.predecessor}改为{row.successor}"
            told.append(Entry(HELD_KIND, row.predecessor, words.encode(), now))
    return told


def take_state(connection: Connection, payload: bytes, now: datetime) -> None:
    """Note that a hall is closed; a closed one is never opened again."""
    try:
        standing = wire_intake.HallStanding.FromString(payload)
    except DecodeError:
        return
    if standing.state == wire_intake.HALL_STATE_CLOSED:
        connection.execute(
            upsert(connection, tables.closed_hall).on_conflict_do_nothing(),
            [{"address": standing.hall[: tables.ADDRESS_LENGTH_MAX], "learned_at": now}],
        )


def is_closed(connection: Connection, hall: Address) -> bool:
    """Whether the intake told that a hall below is closed."""
    table = tables.closed_hall
    query = select(table.c.address).where(table.c.address == str(hall))
    return connection.execute(query).first() is not None


_NEAREST_FIRST = select(_MOVE).order_by(_MOVE.c.effective_at, _MOVE.c.predecessor)


def planned(connection: Connection, now: datetime) -> list[wire.PlannedMove]:
    """The moves that are not in effect, the nearest first."""
    rows = connection.execute(_NEAREST_FIRST)
    return [
        wire.PlannedMove(
            predecessor=row.predecessor,
            successor=row.successor,
            effective_at=to_timestamp(row.effective_at),
            held=row.effective_at <= now,
        )
        for row in rows
    ]


def _note(
    connection: Connection,
    predecessor: Address,
    successor: Address,
    reason: str,
    effective_at: datetime,
    gone: bool,
) -> None:
    _forget(connection, predecessor)
    connection.execute(
        insert(_MOVE).values(
            predecessor=str(predecessor),
            successor=str(successor),
            reason=reason,
            effective_at=effective_at,
            gone=gone,
        )
    )


def _forget(connection: Connection, predecessor: Address) -> bool:
    """Whether there was one; another process of this exchange may have been first."""
    same = _MOVE.c.predecessor == str(predecessor)
    return bool(connection.execute(delete(_MOVE).where(same)).rowcount)
