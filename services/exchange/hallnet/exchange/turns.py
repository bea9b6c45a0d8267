"""Who goes next on the queue of a link: the urgent first, then lane after lane.

Own envelopes are one lane, what each neighbour brought is another.
"""

from __future__ import annotations

from sqlalchemy import func, select

from hallnet.exchange import tables
from hallnet.store import Connection

OWN_LANE = ""
WAITING = 1
"""State of a parcel that waits."""


def next_turn(connection: Connection, neighbour: object, urgency: object, lane: str) -> int:
    """After the last one of its lane that waits, and not before what goes next.

    So a lane that floods a queue is behind itself, and every other lane has its turn at once
    (start-time fair queueing, Goyal, Vin and Cheng 1996).
    """
    own, other = tables.delivery.c, tables.parcel.c
    of_own = own.queued & (own.neighbour == neighbour) & (own.urgency == urgency)
    of_others = (
        (other.neighbour == neighbour) & (other.state == WAITING) & (other.urgency == urgency)
    )
    if lane == OWN_LANE:
        last = select(func.max(own.turn)).where(of_own)
    else:
        last = select(func.max(other.turn)).where(of_others, other.lane == lane)
    last_one, *first_ones = connection.execute(
        select(
            last.scalar_subquery(),
            select(func.min(own.turn)).where(of_own).scalar_subquery(),
            select(func.min(other.turn)).where(of_others).scalar_subquery(),
        )
    ).one()
    if last_one is not None:
        return int(last_one) + 1
    return min((turn for turn in first_ones if turn is not None), default=0)
