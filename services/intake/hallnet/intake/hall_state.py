"""Whether this hall takes anything new, and which hall goes on in the place of which.

A hall is suspended, resumed and closed by its own operator; halls above it are told. That one hall goes on
in the place of another is ordered by a hall above both, and told to both.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import Row, func, insert, select

from hallnet.codec import MessageMalformed, parse
from hallnet.codec.moments import from_timestamp, to_timestamp
from hallnet.intake import cases, dispatches, tables
from hallnet.intake.context import Hall
from hallnet.places import Address
from hallnet.places.problems import AddressMalformed
from hallnet.problems import Kind, Problem
from hallnet.store import Connection
from hallnet.store.feed import Entry
from hallnet.store.gathering import forget_read, read_once
from hallnet.store.upsert import upsert
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

STATE_KIND = "hall.state"
TRANSFER_KIND = "hall.transfer"
REASON_LENGTH_MAX = 200
_STATE, _TRANSFER, _BELOW, _CASE = (
    tables.hall_state,
    tables.transfer,
    tables.hall_below,
    tables.case,
)


class HallState(IntEnum):
    """The numbers are those of the wire."""

    OPEN = 1
    SUSPENDED = 2
    CLOSED = 3


class HallTakesNothing(Problem):
    """Something new is brought to a hall that is suspended or closed."""

    kind = Kind.CONFLICT
    reason = "HALL_TAKES_NOTHING"
    zh = "本厅目前不接收新的办件：{words}"
    zh_remedy = "请到承接大厅或就近大厅办理；已受理的办件照常办理"
    en = "This hall is suspended or closed and takes nothing new: {words}"
    en_remedy = "Go to the hall that goes on in its place; what was taken in is finished as ever"


class HallNotIdle(Problem):
    """A hall is to be closed while something is open there."""

    kind = Kind.CONFLICT
    reason = "HALL_NOT_IDLE"
    zh = "本厅尚有在手办件{in_hand}件、移交未答复{in_transit}件、待回传{to_come_back}件，不能关闭"
    zh_remedy = "请先办结，或移交承接大厅（hallnet hall hand-over）"
    en = (
        "{in_hand} open cases are here, {in_transit} are under way to another hall, and the results of "
        "{to_come_back} come back here: the hall cannot be closed"
    )
    en_remedy = "Finish them, or hand them to the hall that goes on (hallnet hall hand-over)"


class HallStateUnusable(Problem):
    """A change that makes no sense."""

    kind = Kind.INVALID
    reason = "HALL_STATE_UNUSABLE"
    zh = "须写明理由（{limit}字以内）；停办的大厅才能关闭，已关闭的大厅不能恢复"
    zh_remedy = "请用hallnet hall status核对本厅状态"
    en = (
        "Give a reason of {limit} characters at most; only a suspended hall is closed, and a closed one is "
        "not opened again"
    )
    en_remedy = "Look at hallnet hall status"


class TransferUnusable(Problem):
    """An order that this hall may not give."""

    kind = Kind.DENIED
    reason = "TRANSFER_UNUSABLE"
    zh = "{here}不是{giver}和{taker}的共同上级，或两者相同，或未写明理由"
    zh_remedy = "请由两厅共同的上级大厅办理，并写明批复文号"
    en = "{here} is not above both {giver} and {taker}, or they are the same, or no reason is given"
    en_remedy = "Have it ordered by a hall above both, with the document that says so"


def may_become(before: HallState, wanted: HallState, reason: str, successor: str) -> bool:
    """Whether a hall may change like this: with a reason, and a successor only if it is closed."""
    possible = wanted in _AFTER[before] and (wanted is HallState.CLOSED or not successor)
    return possible and _is_usable(reason)


def _is_usable(reason: str) -> bool:
    return 0 < len(reason) <= REASON_LENGTH_MAX and reason.isprintable()


def standing(connection: Connection, hall: Hall) -> wire.HallStanding:
    """How this hall stands."""
    row = read_once(("hall_state",), lambda: _last(connection))
    here = hall.address
    found = wire.HallStanding(hall=str(here), state=wire.HALL_STATE_OPEN)
    if row is not None:
        found = _message(str(here), row)
    if here.is_branch_hall:
        found.department, found.guide = hall.department, here.division
    return found


def takes_nothing(connection: Connection, hall: Hall) -> str:
    """Why this hall takes nothing new, in words; empty if it does."""
    now = standing(connection, hall)
    if now.state == wire.HALL_STATE_OPEN:
        return ""
    words = "本厅已关闭" if now.state == wire.HALL_STATE_CLOSED else "本厅暂停受理"
    words += f"（{now.reason}）"
    if now.successor:
        words += f"，由{hall.register.name(Address.parse(now.successor).division)}（{now.successor}）承接"
    return words


def require_open(connection: Connection, hall: Hall) -> None:
    """Raises HallTakesNothing."""
    words = takes_nothing(connection, hall)
    if words:
        raise HallTakesNothing(words=words)


def change(
    connection: Connection, hall: Hall, request: wire.SetHallStateRequest, now: datetime
) -> wire.HallStanding:
    """Suspend, resume or close this hall; the halls above are told.

    Raises HallStateUnusable, HallNotIdle, AddressMalformed, DivisionUnknown.
    """
    before, reason = HallState(standing(connection, hall).state), request.reason.strip()
    try:
        wanted = HallState(request.state)
    except ValueError as error:
        raise HallStateUnusable("state", limit=REASON_LENGTH_MAX) from error
    if not may_become(before, wanted, reason, request.successor):
        raise HallStateUnusable("state, reason", limit=REASON_LENGTH_MAX)
    if request.successor:
        hall.register.name(Address.parse(request.successor, "successor").division)
    if wanted is HallState.CLOSED:
        left = open_here(connection, hall)
        if any(left.values()):
            raise HallNotIdle("state", **left)
    connection.execute(
        insert(_STATE).values(state=wanted, since=now, reason=reason, successor=request.successor)
    )
    forget_read()
    found = standing(connection, hall)
    payload = found.SerializeToString()
    above = [dispatches.dispatch(other, STATE_KIND, "hall", payload) for other in hall.above]
    tables.feed.append(connection, [Entry(STATE_KIND, str(hall.address), payload, now, above)])
    return found


def open_here(connection: Connection, hall: Hall) -> dict[str, int]:
    """What is not finished at this hall: in hand, under way from here, and to come back."""
    here = str(hall.address)
    in_hand = connection.execute(
        select(func.count())
        .select_from(_CASE)
        .where(~_CASE.c.ended, _CASE.c.custodian == here, _CASE.c.in_transit_to == "")
    ).scalar_one()
    elsewhere = connection.scalars(
        select(_CASE.c.case_id).where(
            ~_CASE.c.ended, (_CASE.c.custodian != here) | (_CASE.c.in_transit_to != "")
        )
    ).all()
    in_transit = to_come_back = 0
    for case_id in elsewhere:
        case = cases.load(connection, case_id)
        if case.transit is not None and case.transit.giver == hall.address:
            in_transit += 1
        elif case.home == hall.address:
            to_come_back += 1
    return {"in_hand": int(in_hand), "in_transit": in_transit, "to_come_back": to_come_back}


def view(connection: Connection, hall: Hall) -> wire.GetHallStateResponse:
    rows = connection.execute(
        select(_BELOW).where(_BELOW.c.state != HallState.OPEN).order_by(_BELOW.c.hall)
    )
    return wire.GetHallStateResponse(
        standing=standing(connection, hall),
        **open_here(connection, hall),
        successors=sorted(map(str, successors(connection, hall))),
        predecessors=sorted(map(str, predecessors(connection, hall))),
        below=[_message(row.hall, row) for row in rows],
    )


def order(
    connection: Connection, hall: Hall, request: wire.OrderTransferRequest, now: datetime
) -> wire.Transfer:
    """Order that one hall below goes on in the place of another, or take that back.

    Raises TransferUnusable, AddressMalformed, DivisionUnknown.
    """
    giver, taker = Address.parse(request.giver, "giver"), Address.parse(request.taker, "taker")
    here, reason = hall.address, request.reason.strip()
    above = here.may_certify(giver) and here.may_certify(taker)
    if not above or giver == taker or not _is_usable(reason):
        raise TransferUnusable("giver, taker, reason", here=here, giver=giver, taker=taker)
    for division in (giver.division, taker.division):
        hall.register.name(division)
    transfer = wire.Transfer(
        giver=str(giver),
        taker=str(taker),
        reason=reason,
        ordered_at=to_timestamp(now),
        withdrawn=request.withdrawn,
    )
    payload = transfer.SerializeToString()
    told = [dispatches.dispatch(other, TRANSFER_KIND, "hall", payload) for other in (giver, taker)]
    tables.feed.append(connection, [Entry(TRANSFER_KIND, str(giver), payload, now, told)])
    return transfer


def take_transfer(connection: Connection, hall: Hall, sender: Address, payload: bytes) -> None:
    """Keep an order of a hall above both; of two for the same halls the later one counts."""
    try:
        read = parse(wire.Transfer, payload)
        giver, taker = Address.parse(read.giver), Address.parse(read.taker)
        ordered_at = from_timestamp(read.ordered_at)
    except (MessageMalformed, AddressMalformed, ValueError, OverflowError):
        return
    if not (sender.may_certify(giver) and sender.may_certify(taker)):
        return
    same = (_TRANSFER.c.giver == str(giver)) & (_TRANSFER.c.taker == str(taker))
    known = connection.scalars(select(_TRANSFER.c.ordered_at).where(same)).one_or_none()
    if hall.address not in (giver, taker) or (known is not None and known >= ordered_at):
        return
    values = {
        "ordered_by": str(sender),
        "ordered_at": ordered_at,
        "reason": _storable(read.reason),
        "withdrawn": read.withdrawn,
    }
    statement = upsert(connection, _TRANSFER).values(giver=str(giver), taker=str(taker), **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["giver", "taker"], set_=values)
    )


def take_state(connection: Connection, hall: Hall, sender: Address, payload: bytes) -> None:
    """Keep what a hall below says of itself; what is older than what is known is passed over."""
    try:
        read = parse(wire.HallStanding, payload)
        state, since = HallState(read.state), from_timestamp(read.since)
    except (MessageMalformed, ValueError, OverflowError):
        return
    name = str(sender)
    known = connection.scalars(select(_BELOW.c.since).where(_BELOW.c.hall == name)).one_or_none()
    if not hall.address.may_certify(sender) or (known is not None and known >= since):
        return
    values = {
        "state": state,
        "since": since,
        "reason": _storable(read.reason),
        "successor": _storable(read.successor)[:40],
    }
    statement = upsert(connection, _BELOW).values(hall=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["hall"], set_=values))
    # The exchange moves no hall to another address before it is closed.
    told = wire.HallStanding(hall=name, state=int(state)).SerializeToString()  # type: ignore[arg-type]
    tables.feed.append(connection, [Entry(STATE_KIND, name, told, since)])


def take_back(connection: Connection, payload: bytes) -> None:
    """What this hall had said of itself before it lost its records; what is older than what is known is
    passed over."""
    read = parse(wire.HallStanding, payload)
    try:
        state, since = HallState(read.state), from_timestamp(read.since)
    except (ValueError, OverflowError) as error:
        raise MessageMalformed("state", message="HallStanding", detail="state") from error
    last = _last(connection)
    if last is not None and last.since >= since:
        return
    connection.execute(
        insert(_STATE).values(
            state=state, since=since, reason=read.reason, successor=read.successor
        )
    )
    forget_read()


def successors(connection: Connection, hall: Hall) -> frozenset[Address]:
    """Halls that go on in the place of this one."""
    query = select(_TRANSFER.c.taker).where(
        _TRANSFER.c.giver == str(hall.address), ~_TRANSFER.c.withdrawn
    )
    return frozenset(Address.parse(text) for text in connection.scalars(query))


def predecessors(connection: Connection, hall: Hall) -> frozenset[Address]:
    """Halls in whose place this one goes on."""
    query = select(_TRANSFER.c.giver).where(
        _TRANSFER.c.taker == str(hall.address), ~_TRANSFER.c.withdrawn
    )
    return frozenset(Address.parse(text) for text in connection.scalars(query))


_AFTER = {
    HallState.OPEN: (HallState.SUSPENDED,),
    HallState.SUSPENDED: (HallState.OPEN, HallState.CLOSED),
    HallState.CLOSED: (),
}


def _last(connection: Connection) -> Row[Any] | None:
    query = select(_STATE).order_by(_STATE.c.position.desc()).limit(1)
    return connection.execute(query).one_or_none()


def _message(hall: str, row: Row[Any]) -> wire.HallStanding:
    return wire.HallStanding(
        hall=hall,
        state=row.state,
        since=to_timestamp(row.since),
        reason=row.reason,
        successor=row.successor,
    )


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\0", "")[:REASON_LENGTH_MAX]
