"""What waits for a link: own envelopes, which lie with their deliveries, and what is passed on for others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, bindparam, exists, func, select

from hallnet.exchange import tables
from hallnet.exchange.context import Context
from hallnet.exchange.journal.journal_store import proofs_now
from hallnet.exchange.queue import parcels
from hallnet.exchange.queue.parcels import Parcel, State, Type
from hallnet.exchange.queue.turns import OWN_LANE, next_turn
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.rows import SoughtRows
from hallnet.trust.envelope import Urgency


class Place(NamedTuple):
    """Which row of which of the two queues."""

    is_own: bool
    position: int


def place_of(parcel: Parcel) -> Place:
    return Place(parcel.is_own, parcel.position)


def turns_of_own(connection: Connection, queues: Iterable[tuple[Address, Urgency]]) -> list[int]:
    """The turns of own envelopes that are put on queues, in their order."""
    turns: dict[tuple[Address, Urgency], count[int]] = {}
    found = []
    for queue in queues:
        if queue not in turns:
            turns[queue] = count(next_turn(connection, str(queue[0]), queue[1], OWN_LANE))
        found.append(next(turns[queue]))
    return found


def _in_its_order(columns: Any, of_queue: ColumnElement[bool]) -> Select[Any]:
    in_order = columns.urgency, columns.turn, columns.position
    of_neighbour = columns.neighbour == bindparam("of")
    query = select(*in_order, columns.size).where(of_queue, of_neighbour)
    return query.order_by(*in_order).limit(bindparam("most", type_=Integer))


_own, _other = tables.delivery.c, tables.parcel.c
_QUEUES = (
    (True, _in_its_order(_own, _own.queued), _own.kind),
    (False, _in_its_order(_other, _other.state == State.WAITING), _other.kind),
)
_sent = tables.sent.c
_OWN_PARCELS = SoughtRows(
    select(
        _own.position,
        _own.envelope_id,
        _own.urgency,
        _sent.header,
        _sent.sealed_body,
        _own.recipient,
        _own.kind,
        _own.subject,
        _own.leaf_index,
    )
    .join(tables.sent, _sent.leaf_index == _own.leaf_index)
    .where(_own.position.in_(bindparam("sought", expanding=True)))
)
"""Made once: they are asked before every batch."""
_IS_ANY_WAITING = select(
    exists().where(_own.queued, _own.neighbour == bindparam("of"))
    | exists().where(_other.state == State.WAITING, _other.neighbour == bindparam("of"))
)


def is_any_waiting(connection: Connection, neighbour: Address) -> bool:
    """Whether anything waits for a link; a link is asked far more often than something does."""
    return bool(connection.execute(_IS_ANY_WAITING, {"of": str(neighbour)}).scalar_one())


def waiting(
    connection: Connection,
    context: Context,
    neighbour: Address,
    parcels_max: int,
    bytes_max: int,
    under_way: Collection[Place] = (),
    held_back: Collection[str] = (),
) -> list[Parcel]:
    """What goes next over a link: the urgent first, then by turns; at least one if any.

    `under_way` are those for which an answer is awaited, `held_back` kinds that do not go.
    """
    rows_max = parcels_max + len(under_way)
    chosen: list[Place] = []
    size = 0
    for place, length in _in_order(connection, neighbour, rows_max, held_back):
        if place in under_way:
            continue
        size += length
        if chosen and (size > bytes_max or len(chosen) == parcels_max):
            break
        chosen.append(place)
    own = _load_own(connection, context, [place.position for place in chosen if place.is_own])
    others = parcels.load(connection, [place.position for place in chosen if not place.is_own])
    return [(own if place.is_own else others)[place.position] for place in chosen]


def _in_order(
    connection: Connection, neighbour: Address, rows_max: int, held_back: Collection[str]
) -> list[tuple[Place, int]]:
    """The places of those that go next, and their sizes in bytes."""
    found = []
    values = {"of": str(neighbour), "most": rows_max}
    for is_own, query, kind in _QUEUES:
        in_order = query.where(kind.not_in(held_back)) if held_back else query
        found += [
            (urgency, turn, not is_own, position, size)
            for urgency, turn, position, size in connection.execute(in_order, values)
        ]
    return [
        (Place(not is_other, position), size)
        for _, _, is_other, position, size in sorted(found)[:rows_max]
    ]


def _load_own(
    connection: Connection, context: Context, positions: Sequence[int]
) -> dict[int, Parcel]:
    if not positions:
        return {}
    rows = _OWN_PARCELS.all(connection, positions)
    here = context.here
    proofs = proofs_now(connection, context, (leaf_index for *_, leaf_index in rows))
    return {
        position: Parcel(
            Type.ENVELOPE,
            envelope_id,
            "",
            Urgency(urgency),
            header,
            sealed_body,
            proofs[leaf_index],
            (),
            here,
            Address.parse(recipient),
            kind,
            subject,
            position=position,
        )
        for (
            position,
            envelope_id,
            urgency,
            header,
            sealed_body,
            recipient,
            kind,
            subject,
            leaf_index,
        ) in rows
    }


BACKLOGS = [
    select(neighbour, func.count(), func.min(since)).where(waits).group_by(neighbour)
    for neighbour, waits, since in (
        (_own.neighbour, _own.queued, _own.changed_at),
        (_other.neighbour, _other.state == State.WAITING, _other.waiting_since),
    )
]


def backlog(connection: Connection) -> dict[str, tuple[int, datetime]]:
    """For each neighbour how much waits, and since when the oldest."""
    found: dict[str, tuple[int, datetime]] = {}
    for query in BACKLOGS:
        for neighbour, number, oldest in connection.execute(query):
            before, earliest = found.get(neighbour, (0, oldest))
            found[neighbour] = before + number, min(earliest, oldest)
    return found
