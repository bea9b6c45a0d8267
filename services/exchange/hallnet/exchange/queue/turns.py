"""Who goes next on the queue of a link: the urgent first, then lane after lane.

Own envelopes are one lane, what each neighbour brought is another.
"""

from __future__ import annotations

from sqlalchemy import Integer, String, bindparam, func, select

from hallnet.exchange import tables
from hallnet.store import Connection

OWN_LANE = ""
WAITING = 1
"""State of a parcel that waits."""

_own, _other = tables.delivery.c, tables.parcel.c
_neighbour, _urgency = bindparam("of", type_=String), bindparam("urgent", type_=Integer)
_of_own = _own.queued & (_own.neighbour == _neighbour) & (_own.urgency == _urgency)
_of_others = (
    (_other.neighbour == _neighbour) & (_other.state == WAITING) & (_other.urgency == _urgency)
)
_of_lane = _of_others & (_other.lane == bindparam("lane", type_=String))
_first_ones = (
    select(func.min(_own.turn)).where(_of_own).scalar_subquery(),
    select(func.min(_other.turn)).where(_of_others).scalar_subquery(),
)
_TURNS_OF_OWN = select(select(func.max(_own.turn)).where(_of_own).scalar_subquery(), *_first_ones)
_TURNS_OF_OTHERS = select(
    select(func.max(_other.turn)).where(_of_lane).scalar_subquery(), *_first_ones
)


def next_turn(connection: Connection, neighbour: object, urgency: object, lane: str) -> int:
    """After the last one of its lane that waits, and not before what goes next.

    So a lane that floods a queue is behind itself, and every other lane has its turn at once
    (start-time fair queueing, Goyal, Vin and Cheng 1996).
    """
    query = _TURNS_OF_OWN if lane == OWN_LANE else _TURNS_OF_OTHERS
    values = {"of": str(neighbour), "urgent": urgency, "lane": lane}
    last_one, *first_ones = connection.execute(query, values).one()
    if last_one is not None:
        return int(last_one) + 1
    return min((turn for turn in first_ones if turn is not None), default=0)
