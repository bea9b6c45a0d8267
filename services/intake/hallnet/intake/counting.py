"""The numbers of this hall in their table: kept with every act, and made anew from the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date

from sqlalchemy import bindparam, delete, func, select, update

from hallnet.case.case import Case, evolve
from hallnet.case.event import EVENT, Fact, digest
from hallnet.intake import memory, tables
from hallnet.intake.context import Hall
from hallnet.numbers.measure import Key, Measure, counted
from hallnet.store import Connection
from hallnet.store.gathering import gathered
from hallnet.store.upsert import Upsert
from hallnet.wire.case.v1 import case_event_pb2 as wire

CASES_READ_AT_ONCE = 1_000
ROWS_WRITTEN_AT_ONCE = 500

_FACTS = wire.CaseEvent.DESCRIPTOR.oneofs_by_name["fact"].fields
_NUMBER_OF_NAME = {
    field.message_type.name: field.number for field in _FACTS if field.message_type is not None
}
FACT_NUMBER: dict[type[Fact], int] = {
    kind: _NUMBER_OF_NAME[kind.__name__] for kind in Fact.__args__
}
"""The number of each fact on the wire."""
_NUMBER = tables.number
_ADD = Upsert(
    _NUMBER,
    lambda new: new.on_conflict_do_update(
        index_elements=["measure", "day", "item_id", "handling_kind"],
        set_={"amount": _NUMBER.c.amount + new.excluded.amount},
    ),
)
_TELL_AGAIN = (
    update(tables.number_day)
    .where(tables.number_day.c.day.in_(bindparam("days", expanding=True)))
    .where(~tables.number_day.c.changed)
    .values(changed=True)
)


class _Amounts:
    """What is added to numbers, written at the end of a transaction, each number once."""

    def __init__(self) -> None:
        self._added: list[tuple[Key, int]] = []

    def add(self, key: Key, amount: int) -> None:
        self._added.append((key, amount))

    def mark(self) -> int:
        return len(self._added)

    def undo(self, mark: int) -> None:
        del self._added[mark:]

    def flush(self, connection: Connection) -> None:
        amounts: Counter[Key] = Counter()
        for key, amount in self._added:
            amounts[key] += amount
        add(connection, amounts)


def note(connection: Connection, hall: Hall, before: Case | None, case: Case) -> None:
    """Count the last event of a case."""
    item = hall.releases.item_of(connection, case.filed)
    local = hall.releases.local_rules(connection)
    waiting = gathered(_Amounts)
    amounts = waiting or _Amounts()
    for key, amount in counted(
        before, case, item, local.calendar, local.policy, hall.address, memory.clocks_of
    ):
        amounts.add(key, amount)
    if waiting is None:
        amounts.flush(connection)


def add(connection: Connection, amounts: Mapping[Key, int]) -> None:
    """In one order in every transaction, so that no two wait for each other."""
    rows = [
        {
            "measure": key.measure,
            "day": key.day,
            "item_id": key.item_id,
            "handling_kind": key.handling_kind,
            "amount": amount,
        }
        for key, amount in sorted(amounts.items())
        if amount
    ]
    adding = _ADD.on(connection)
    for start in range(0, len(rows), ROWS_WRITTEN_AT_ONCE):
        connection.execute(adding, rows[start : start + ROWS_WRITTEN_AT_ONCE])
    days = sorted({key.day for key, amount in amounts.items() if amount})
    if days:
        # Of a day that was told already what came to light has to be told.
        connection.execute(_TELL_AGAIN, {"days": days})


def kept(connection: Connection) -> Counter[Key]:
    """All numbers as they are kept."""
    return Counter(
        {
            Key(row.day, row.item_id, row.handling_kind, Measure(row.measure)): row.amount
            for row in connection.execute(select(_NUMBER))
            if row.amount
        }
    )


def from_events(
    connection: Connection, hall: Hall, told: Callable[[int], None] = lambda count: None
) -> Counter[Key]:
    """All numbers as the events of all cases give them; `told` hears how many cases are done."""
    local = hall.releases.local_rules(connection)
    found: Counter[Key] = Counter()
    done = 0
    for events in _histories(connection):
        case: Case | None = None
        for raw in events:
            before, case = case, evolve(case, EVENT.from_bytes(raw), digest(raw))
            item = hall.releases.item_of(connection, case.filed)
            for key, amount in counted(
                before, case, item, local.calendar, local.policy, hall.address
            ):
                found[key] += amount
        done += 1
        if done % CASES_READ_AT_ONCE == 0:
            told(done)
    told(done)
    return Counter({key: amount for key, amount in found.items() if amount})


def put_right(connection: Connection, differences: Mapping[Key, int]) -> None:
    """Add what was found to be missing, and clear what is nothing any more."""
    add(connection, differences)
    connection.execute(delete(_NUMBER).where(_NUMBER.c.amount == 0))


def replace_all(connection: Connection, numbers: Mapping[Key, int]) -> None:
    """Write all numbers anew; for a database in which nobody acts meanwhile."""
    connection.execute(delete(_NUMBER))
    add(connection, numbers)


def in_hand(connection: Connection, until: date, item_id: str = "") -> int:
    """Open cases in the hands of this hall at the end of a day: what came, without what left."""
    query = select(_NUMBER.c.measure, func.sum(_NUMBER.c.amount)).where(
        _NUMBER.c.measure.in_((int(Measure.CAME), int(Measure.LEFT))), _NUMBER.c.day <= until
    )
    if item_id:
        query = query.where(_NUMBER.c.item_id == item_id)
    sums = {row[0]: row[1] for row in connection.execute(query.group_by(_NUMBER.c.measure))}
    return int(sums.get(Measure.CAME, 0)) - int(sums.get(Measure.LEFT, 0))


def _histories(connection: Connection) -> Iterator[list[bytes]]:
    """The events of each case, case by case, so many cases in memory."""
    table = tables.case_event
    query = select(table.c.case_id, table.c.event).order_by(table.c.case_id, table.c.sequence)
    rows = connection.execution_options(yield_per=CASES_READ_AT_ONCE).execute(query)
    present = ""
    events: list[bytes] = []
    for row in rows:
        if row.case_id != present:
            if events:
                yield events
            present, events = row.case_id, []
        events.append(row.event)
    if events:
        yield events
