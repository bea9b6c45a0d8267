"""Queues: where the cases of this hall stand, and how many in each.

A queue is a place and a stage. The count of each queue of each item is kept with every act, in the
transaction of the act, so that it is right at once and nothing is counted when somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import delete, func, insert, select

from hallnet.case.case import Case
from hallnet.case.stage import Stage
from hallnet.intake import tables
from hallnet.places import Address
from hallnet.store import Connection
from hallnet.store.gathering import gathered
from hallnet.store.upsert import Upsert

_CHANGE = Upsert(
    tables.queue_count,
    lambda new: new.on_conflict_do_update(
        index_elements=["place", "stage", "item_id"],
        set_={"cases": tables.queue_count.c.cases + new.excluded.cases},
    ),
)


class Place(IntEnum):
    """Where a case is, seen from this hall; the numbers are those of QueuePlace on the wire."""

    HERE = 1
    ELSEWHERE = 2
    IN_TRANSIT = 3


@dataclass(frozen=True, slots=True, order=True)
class Queue:
    """Cases of an item at a place in a stage."""

    place: Place
    stage: Stage
    item_id: str


def place_of(case: Case, here: Address) -> Place:
    """Nobody is the custodian of what is on its way."""
    if case.transit is not None:
        return Place.IN_TRANSIT
    return Place.HERE if case.custodian == here else Place.ELSEWHERE


def queue_of(case: Case, here: Address) -> Queue:
    return Queue(place_of(case, here), case.stage, case.filed.item_id)


class _Moves:
    """Moves between queues that are written at the end of a transaction, each queue once."""

    def __init__(self) -> None:
        self._moves: list[tuple[Queue | None, Queue]] = []

    def add(self, before: Queue | None, after: Queue) -> None:
        self._moves.append((before, after))

    def mark(self) -> int:
        return len(self._moves)

    def undo(self, mark: int) -> None:
        del self._moves[mark:]

    def flush(self, connection: Connection) -> None:
        changes: Counter[Queue] = Counter()
        for before, after in self._moves:
            changes[after] += 1
            if before is not None:
                changes[before] -= 1
        _change(connection, changes)


def move(connection: Connection, before: Queue | None, after: Queue) -> None:
    """A case went from one queue into another; None if it is new here."""
    if before == after:
        return
    moves = gathered(_Moves)
    if moves is None:
        moves = _Moves()
        moves.add(before, after)
        moves.flush(connection)
    else:
        moves.add(before, after)


def counts(connection: Connection, item_id: str = "") -> dict[tuple[Place, Stage], int]:
    """How many cases stand in each queue that is not empty, of one item or of all."""
    table = tables.queue_count
    query = select(table.c.place, table.c.stage, func.sum(table.c.cases)).group_by(
        table.c.place, table.c.stage
    )
    if item_id:
        query = query.where(table.c.item_id == item_id)
    return {
        (Place(place), Stage(stage)): int(number)
        for place, stage, number in connection.execute(query)
        if number
    }


def recount(connection: Connection) -> None:
    """Count all queues anew from the list of cases; for a list that was built anew."""
    case, table = tables.case, tables.queue_count
    connection.execute(delete(table))
    counted = select(case.c.place, case.c.stage, case.c.item_id, func.count()).group_by(
        case.c.place, case.c.stage, case.c.item_id
    )
    connection.execute(insert(table).from_select(["place", "stage", "item_id", "cases"], counted))


def _change(connection: Connection, changes: Mapping[Queue, int]) -> None:
    """In one order in every transaction, so that no two wait for each other."""
    rows = [
        {"place": queue.place, "stage": queue.stage, "item_id": queue.item_id, "cases": number}
        for queue, number in sorted(changes.items())
        if number
    ]
    if not rows:
        return
    connection.execute(_CHANGE.on(connection), rows)
