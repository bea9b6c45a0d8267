"""Appointments: whoever books takes the row of the slot first, so that no place is given twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from hallnet.intake import tables
from hallnet.intake.window.codecs import SLOT
from hallnet.store import Connection
from hallnet.store.upsert import upsert
from hallnet.window.problems import (
    AlreadyBooked,
    AppointmentUnknown,
    SlotFull,
    SlotMalformed,
    SlotUnknown,
)
from hallnet.window.slots import (
    WAITING_A_SLOT_MAX,
    BookingState,
    Slot,
    after,
    require_bookable,
)

HOLDER_LENGTH_MAX = 64
CASE_ID_LENGTH_MAX = 36
TELEPHONE_LENGTH_MAX = 32
LISTED_MAX = 2_000


def open_slots(connection: Connection, slots: Iterable[Slot]) -> None:
    """Slots that are there already stay as they are: people have places in them."""
    for slot in slots:
        statement = upsert(connection, tables.slot).values(
            slot_id=slot.slot_id,
            group=slot.group,
            day=slot.day,
            taken=0,
            body=SLOT.to_bytes(slot),
        )
        connection.execute(statement.on_conflict_do_nothing())


def slots_on(connection: Connection, day: date, group: str = "") -> Sequence[tuple[Slot, int, int]]:
    """The slots of a day with the places that are taken and the people who wait."""
    table, waiting = tables.slot, tables.appointment
    many = (
        select(func.count())
        .where(waiting.c.slot_id == table.c.slot_id, waiting.c.state == BookingState.WAITING)
        .scalar_subquery()
    )
    query = select(table.c.body, table.c.taken, many).where(table.c.day == day)
    if group:
        query = query.where(table.c.group == group)
    rows = connection.execute(query.order_by(table.c.slot_id).limit(LISTED_MAX))
    return [(SLOT.from_bytes(row[0]), row[1], row[2]) for row in rows]


def book(
    connection: Connection,
    appointment_id: str,
    slot_id: str,
    holder: str,
    visitor: str,
    telephone: str,
    case_id: str,
    or_wait: bool,
    now: datetime,
) -> Row[Any]:
    """Take a place, or wait for one; raises SlotUnknown, SlotOver, SlotFull, AlreadyBooked."""
    if not holder.strip() or len(holder) > HOLDER_LENGTH_MAX:
        raise SlotMalformed("holder", detail="没有预约人标识")
    if len(case_id) > CASE_ID_LENGTH_MAX:
        raise SlotMalformed("case_id", detail="不是办件编号")
    if len(telephone) > TELEPHONE_LENGTH_MAX:
        raise SlotMalformed("telephone", detail="不是电话号码")
    slot, taken = _locked(connection, slot_id)
    require_bookable(slot, now)
    standing = f"{slot.day.isoformat()}|{slot.group}|{holder}"
    table = tables.appointment
    if connection.execute(select(table.c.state).where(table.c.standing == standing)).first():
        raise AlreadyBooked("holder")
    free = taken < slot.capacity
    if not free and not (or_wait and _waiting(connection, slot_id) < WAITING_A_SLOT_MAX):
        raise SlotFull("slot_id")
    if free:
        _take(connection, slot_id, 1)
    connection.execute(
        insert(table).values(
            appointment_id=appointment_id,
            slot_id=slot_id,
            holder=holder,
            standing=standing,
            state=BookingState.BOOKED if free else BookingState.WAITING,
            visitor=visitor,
            telephone=telephone,
            case_id=case_id,
            made_at=now,
        )
    )
    return find(connection, appointment_id)


def step(
    connection: Connection, appointment_id: str, to: BookingState, now: datetime
) -> tuple[Row[Any], Row[Any] | None]:
    """The appointment after a step, and who got its place; raises the problems of `slots.after`."""
    table = tables.appointment
    slot, _ = _locked(connection, find(connection, appointment_id).slot_id)
    # Only now is it sure that nobody else changes it.
    state = BookingState(find(connection, appointment_id).state)
    reached = after(state, to, slot, now)
    given_back = reached is BookingState.CANCELLED
    connection.execute(
        update(table)
        .where(table.c.appointment_id == appointment_id)
        .values(state=reached, **({"standing": None} if given_back else {}))
    )
    moved = None
    if given_back and state is BookingState.BOOKED:
        moved = _move_up(connection, slot.slot_id)
    return find(connection, appointment_id), moved


def find(connection: Connection, appointment_id: str) -> Row[Any]:
    """Raises AppointmentUnknown."""
    table = tables.appointment
    row = connection.execute(
        select(table).where(table.c.appointment_id == appointment_id)
    ).one_or_none()
    if row is None:
        raise AppointmentUnknown("appointment_id")
    return row


def day_of_slot(connection: Connection, slot_id: str) -> date:
    query = select(tables.slot.c.day).where(tables.slot.c.slot_id == slot_id)
    day: date = connection.execute(query).scalar_one()
    return day


def of_slot(connection: Connection, slot_id: str) -> Sequence[Row[Any]]:
    table = tables.appointment
    query = select(table).where(table.c.slot_id == slot_id)
    return connection.execute(
        query.order_by(table.c.made_at, table.c.appointment_id).limit(LISTED_MAX)
    ).all()


def _locked(connection: Connection, slot_id: str) -> tuple[Slot, int]:
    """The slot, which nobody else books until this transaction ends; raises SlotUnknown."""
    table = tables.slot
    row = connection.execute(
        select(table.c.body, table.c.taken).where(table.c.slot_id == slot_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise SlotUnknown("slot_id")
    return SLOT.from_bytes(row.body), row.taken


def _move_up(connection: Connection, slot_id: str) -> Row[Any] | None:
    """Who waited longest gets the place that was given back."""
    table = tables.appointment
    first = connection.execute(
        select(table.c.appointment_id)
        .where(table.c.slot_id == slot_id, table.c.state == BookingState.WAITING)
        .order_by(table.c.made_at, table.c.appointment_id)
        .limit(1)
    ).scalar_one_or_none()
    if first is None:
        _take(connection, slot_id, -1)
        return None
    connection.execute(
        update(table).where(table.c.appointment_id == first).values(state=BookingState.BOOKED)
    )
    return find(connection, first)


def _take(connection: Connection, slot_id: str, places: int) -> None:
    table = tables.slot
    connection.execute(
        update(table).where(table.c.slot_id == slot_id).values(taken=table.c.taken + places)
    )


def _waiting(connection: Connection, slot_id: str) -> int:
    table = tables.appointment
    many: int = connection.execute(
        select(func.count()).where(
            table.c.slot_id == slot_id, table.c.state == BookingState.WAITING
        )
    ).scalar_one()
    return many
