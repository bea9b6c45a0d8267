"""Case numbers that devices reserve, so that a villager gets one on the spot.

A number is taken out of the hall's own count when it is reserved. One that is not used, given back or over
its time goes to nobody else: somebody may hold a paper that bears it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from hallnet.case.case import day_of
from hallnet.codec.moments import to_timestamp
from hallnet.intake import tables
from hallnet.intake.context import Hall
from hallnet.intake.numbering import next_case_no, query_code
from hallnet.store import Connection
from hallnet.window.offline import ITEM_AGE_MAX
from hallnet.window.offline_problems import NumberNotReserved, NumbersHeld
from hallnet.wire.device.v1 import device_pb2 as wire

NUMBERS_HELD_MAX = 50
GIVEN_OUT_FOR = timedelta(days=14)
"""So long a device may give a reserved number to an applicant."""

_table = tables.reserved_number


def reserve(
    connection: Connection, hall: Hall, device_id: str, actor_id: str, count: int, now: datetime
) -> list[wire.ReservedNumber]:
    """Take numbers out of today's count; raises NumbersHeld."""
    today, until = day_of(now), now + GIVEN_OUT_FOR
    word = hall.records.word_on(today)
    rows = [
        {
            "case_no": next_case_no(connection, hall.address, today, word),
            "actor_id": actor_id,
            "device_id": device_id,
            "query_code": query_code(hall.random_bytes(16)),
            "until": until,
            "free": True,
        }
        for _ in range(min(count, NUMBERS_HELD_MAX))
    ]
    # Counted after numbers were taken: from there on nobody else takes any.
    mine = (_table.c.actor_id == actor_id) & _table.c.free & (_table.c.until > now)
    held = connection.execute(select(func.count()).where(mine)).scalar_one()
    if not 0 < count <= NUMBERS_HELD_MAX - held:
        raise NumbersHeld("count", most=NUMBERS_HELD_MAX, held=held)
    connection.execute(insert(_table), rows)
    return [
        wire.ReservedNumber(
            case_no=str(row["case_no"]),
            query_code=str(row["query_code"]),
            until=to_timestamp(until),
        )
        for row in rows
    ]


def use(connection: Connection, actor_id: str, case_no: str, made_at: datetime) -> str:
    """The word that goes with a number, which is used up; raises NumberNotReserved.

    What counts is when it was given to the applicant, not when the device found a network again.
    """
    of_number = (_table.c.case_no == case_no) & (_table.c.actor_id == actor_id) & _table.c.free
    row = connection.execute(select(_table).where(of_number).with_for_update()).one_or_none()
    if row is None or made_at > row.until:
        raise NumberNotReserved("reserved_case_no", case_no=case_no[:64])
    connection.execute(update(_table).where(of_number).values(free=False))
    code: str = row.query_code
    return code


def give_back(connection: Connection, actor_id: str, case_numbers: Sequence[str]) -> int:
    """How many were given back."""
    named = _table.c.case_no.in_(case_numbers[:NUMBERS_HELD_MAX])
    mine = named & (_table.c.actor_id == actor_id) & _table.c.free
    return connection.execute(update(_table).where(mine).values(free=False)).rowcount


def forget_old(connection: Connection, now: datetime) -> None:
    """Forget numbers with which no item can come any more."""
    connection.execute(delete(_table).where(_table.c.until < now - ITEM_AGE_MAX))
